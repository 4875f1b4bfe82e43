#pragma once

#include <string_view>

namespace sinkwise::report {

// Files that are part of the library's read-only data; each view lives as long as the program.
std::string_view plotly_bundle();
std::string_view page_style();
std::string_view page_script();

}  // namespace sinkwise::report
