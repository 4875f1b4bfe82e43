# Everything that decides how a translation unit is compiled and linked, in one interface target.
add_library(sinkwise_compiler INTERFACE)
# Designated initialisers leave defaulted members out on purpose; that warning would forbid them.
target_compile_options(sinkwise_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
# -fPIC for libraries and programs alike: a precompiled header serves only units with equal flags.
target_compile_options(sinkwise_compiler INTERFACE -fPIC)
# -O2 of RelWithDebInfo keeps asserts off (NDEBUG) and line tables small: full debug info of Torch
# headers makes object files several times larger.
string(REPLACE "-g" "-g1" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")

if(SINKWISE_WARNINGS_AS_ERRORS)
  target_compile_options(sinkwise_compiler INTERFACE -Werror)
endif()

foreach(kind address undefined)
  string(TOUPPER ${kind} upper)
  if(SINKWISE_SANITIZE_${upper})
    target_compile_options(sinkwise_compiler INTERFACE -fsanitize=${kind} -fno-omit-frame-pointer
                                                       -fno-sanitize-recover=all)
    target_link_options(sinkwise_compiler INTERFACE -fsanitize=${kind})
  endif()
endforeach()

if(SINKWISE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "SINKWISE_FUZZ needs clang; next: -DCMAKE_CXX_COMPILER=clang++-14 in a fresh build folder")
  endif()
  target_compile_options(sinkwise_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(SINKWISE_CCACHE ccache)
if(SINKWISE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SINKWISE_CCACHE}")
endif()
