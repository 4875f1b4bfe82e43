# The fuzz targets as one test of the slow tier. They need clang, so they are built in a folder of their own;
# README.md in this folder says how to let them run longer.
find_package(Python3 COMPONENTS Interpreter REQUIRED)
add_test(NAME fuzz.parsers
  COMMAND Python3::Interpreter "${CMAKE_CURRENT_LIST_DIR}/run.py" --build "${CMAKE_BINARY_DIR}/fuzz"
          --python "${SINKWISE_PYTHON}" --plotly-python "${SINKWISE_PLOTLY_PYTHON}")
set_tests_properties(fuzz.parsers PROPERTIES LABELS "slow" PROCESSORS 2 TIMEOUT 1500 SKIP_RETURN_CODE 77)
