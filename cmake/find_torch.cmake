# LibTorch from the `torch` wheel of a Python environment, asked once at configure time.
#
# Torch's own package file enables CUDA languages and junk run paths; we need the headers and two
# libraries, so we name them ourselves. SINKWISE_PYTHON chooses the environment (./dev sets it).
set(SINKWISE_PYTHON "python3" CACHE STRING "Python whose torch (2.11 or newer) is compiled against")

if(NOT SINKWISE_TORCH_DIR OR NOT SINKWISE_TORCH_PYTHON STREQUAL SINKWISE_PYTHON)
  execute_process(
    COMMAND "${SINKWISE_PYTHON}" -c "import torch, os
print(os.path.dirname(torch.__file__)); print(torch.__version__); print(int(torch.compiled_with_cxx11_abi())); print(int(torch.version.cuda is not None))"
    OUTPUT_VARIABLE answer RESULT_VARIABLE status ERROR_VARIABLE problem
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "No torch in the Python environment of '${SINKWISE_PYTHON}'.\n"
                        "Run ./dev setup, or pass -DSINKWISE_PYTHON=/path/to/python.\n${problem}")
  endif()
  string(REPLACE "\n" ";" answer "${answer}")
  list(GET answer 0 directory)
  list(GET answer 1 version)
  list(GET answer 2 abi)
  list(GET answer 3 has_cuda)
  if(version VERSION_LESS 2.11)
    message(FATAL_ERROR "torch ${version} found in ${directory}; sinkwise needs 2.11 or newer.")
  endif()
  set(SINKWISE_TORCH_DIR "${directory}" CACHE INTERNAL "folder of the torch package")
  set(SINKWISE_TORCH_VERSION "${version}" CACHE INTERNAL "version of torch")
  set(SINKWISE_TORCH_ABI "${abi}" CACHE INTERNAL "value of _GLIBCXX_USE_CXX11_ABI")
  set(SINKWISE_TORCH_CUDA "${has_cuda}" CACHE INTERNAL "1 when torch was built with CUDA")
  set(SINKWISE_TORCH_PYTHON "${SINKWISE_PYTHON}" CACHE INTERNAL "Python that answered")
endif()
message(STATUS "torch ${SINKWISE_TORCH_VERSION} in ${SINKWISE_TORCH_DIR}")

set(torch_libraries torch torch_cpu c10)
if(SINKWISE_TORCH_CUDA)
  list(APPEND torch_libraries torch_cuda c10_cuda)
endif()

add_library(sinkwise_torch INTERFACE)
target_include_directories(sinkwise_torch SYSTEM INTERFACE
  "${SINKWISE_TORCH_DIR}/include" "${SINKWISE_TORCH_DIR}/include/torch/csrc/api/include")
target_compile_definitions(sinkwise_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=${SINKWISE_TORCH_ABI})
# Operators register from static initialisers, so the libraries stay linked even where no symbol of
# theirs is named (with CUDA: torch_cuda).
target_link_options(sinkwise_torch INTERFACE -Wl,--no-as-needed)
foreach(library ${torch_libraries})
  target_link_libraries(sinkwise_torch INTERFACE "${SINKWISE_TORCH_DIR}/lib/lib${library}.so")
endforeach()
# The OpenMP runtime that torch itself loads, so that a process has one set of threads: the wheel
# brings its own; a torch without one uses the compiler's.
add_library(sinkwise_openmp INTERFACE)
file(GLOB torch_openmp "${SINKWISE_TORCH_DIR}/lib/libgomp*.so*" "${SINKWISE_TORCH_DIR}/../torch.libs/libgomp*.so*")
if(torch_openmp)
  list(GET torch_openmp 0 torch_openmp)
  target_link_libraries(sinkwise_openmp INTERFACE "${torch_openmp}")
else()
  find_package(OpenMP REQUIRED)
  target_link_libraries(sinkwise_openmp INTERFACE OpenMP::OpenMP_CXX)
endif()
set(CMAKE_BUILD_RPATH "${SINKWISE_TORCH_DIR}/lib")

# One precompiled torch/torch.h that every Torch room reuses: about 50 s once instead of 20 s a file.
add_library(sinkwise_torch_pch OBJECT cmake/torch_pch.cpp)
target_link_libraries(sinkwise_torch_pch PRIVATE sinkwise_compiler sinkwise_torch)
target_precompile_headers(sinkwise_torch_pch PRIVATE <torch/torch.h>)
