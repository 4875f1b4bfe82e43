# sinkwise_add_tests(ROOM [TORCH] LABEL fast|slow|gpu FILES a_test.cpp ... [USES room ...])
#
# One executable and one ctest entry a file, named room.file, so that a failure names its file and the
# fast tier can be run alone. A file whose tests skip is reported by ctest as skipped, never as passed.
function(sinkwise_add_tests room)
  cmake_parse_arguments(ARG "TORCH" "LABEL" "FILES;USES" ${ARGN})
  foreach(file ${ARG_FILES})
    get_filename_component(stem ${file} NAME_WE)
    set(target test_${room}_${stem})
    add_executable(${target} ${file})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(${target} PRIVATE sinkwise_compiler sinkwise_${room} GTest::gtest_main)
    foreach(used ${ARG_USES})
      target_link_libraries(${target} PRIVATE sinkwise_${used})
    endforeach()
    if(ARG_TORCH)
      target_precompile_headers(${target} REUSE_FROM sinkwise_torch_pch)
    endif()
    add_test(NAME ${room}.${stem} COMMAND ${target})
    set_tests_properties(${room}.${stem} PROPERTIES
      LABELS "${ARG_LABEL}"
      TIMEOUT 900
      ENVIRONMENT "OMP_NUM_THREADS=1;SINKWISE_BIN=${CMAKE_BINARY_DIR}/bin/sinkwise;SINKWISE_SOURCE=${PROJECT_SOURCE_DIR}"
      # The list of skipped tests closes the output only when none failed: a failure is never hidden.
      SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\] [^\n]*\n*$")
  endforeach()
endfunction()
