# The browser bundle of the `plotly` wheel, embedded in the program so that reports need no network.
set(SINKWISE_PLOTLY_PYTHON "${SINKWISE_PYTHON}" CACHE STRING "Python whose plotly wheel is used")
if(NOT SINKWISE_PLOTLY_BUNDLE)
  execute_process(
    COMMAND "${SINKWISE_PLOTLY_PYTHON}" -c "import importlib.util as u, os
print(os.path.join(os.path.dirname(u.find_spec('plotly').origin), 'package_data', 'plotly.min.js'))"
    OUTPUT_VARIABLE bundle RESULT_VARIABLE status ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0 OR NOT EXISTS "${bundle}")
    message(FATAL_ERROR "No plotly wheel in the environment of '${SINKWISE_PLOTLY_PYTHON}'.\n"
                        "Run ./dev setup, or pass -DSINKWISE_PLOTLY_BUNDLE=/path/to/plotly.min.js.")
  endif()
  set(SINKWISE_PLOTLY_BUNDLE "${bundle}" CACHE FILEPATH "plotly.min.js embedded in reports")
endif()
