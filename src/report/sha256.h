#pragma once

#include <string>
#include <string_view>

namespace sinkwise::report {

// SHA-256 (FIPS 180-4) of the bytes, in base64 with padding: the form in which a content security
// policy names an inline script.
std::string sha256_base64(std::string_view bytes);

}  // namespace sinkwise::report
