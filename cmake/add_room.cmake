# sinkwise_add_room(NAME [TORCH] SOURCES a.cpp ... [USES room ...] [LIBRARIES lib ...])
#
# A room is one static library. USES is its "may use" column: the rooms whose headers it may include
# (tools/check_arrows.py compares the list with the includes) and whose symbols it links. TORCH rooms
# compile with the shared precompiled torch/torch.h; LIBRARIES are outside libraries.
set(SINKWISE_INCLUDE_DIR "${CMAKE_CURRENT_SOURCE_DIR}/include")
function(sinkwise_add_room name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  set(target sinkwise_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  target_include_directories(${target} PUBLIC "${SINKWISE_INCLUDE_DIR}"
                                       PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE sinkwise_compiler)
  foreach(used ${ARG_USES})
    target_link_libraries(${target} PUBLIC sinkwise_${used})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARG_LIBRARIES})
  if(ARG_TORCH)
    target_link_libraries(${target} PUBLIC sinkwise_torch)
    target_precompile_headers(${target} REUSE_FROM sinkwise_torch_pch)
  endif()
endfunction()
