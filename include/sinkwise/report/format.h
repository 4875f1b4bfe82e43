#pragma once

#include <string>

namespace sinkwise::report {

// What stands where nothing was measured.
inline constexpr const char* kMissing = "\u2013";

// A number with so many digits after the point; the dash when it is not finite. A value that rounds
// to zero has no sign.
std::string fixed(double value, int decimals);

// The same with a leading '+' for positive values, for differences.
std::string with_sign(double value, int decimals);

// Four significant digits, for tables of data of unknown size.
std::string significant(double value);

// "0.531 ± 0.231"; without the second part when the spread is not finite, as with one seed.
std::string plus_minus(double mean, double spread, int decimals);

}  // namespace sinkwise::report
