#pragma once

#include <cstdint>
#include <string_view>

namespace sinkwise {

// CRC-32C (Castagnoli, RFC 3720 appendix B.4): reflected polynomial 0x82F63B78, start and final
// value inverted.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace sinkwise
