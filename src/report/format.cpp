#include "sinkwise/report/format.h"

#include <cmath>
#include <fmt/format.h>

namespace sinkwise::report {
namespace {

// "-0.00" says less than "0.00" and reads as a difference.
std::string without_negative_zero(std::string text) {
  if (text[0] == '-' && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return text;
}

}  // namespace

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return kMissing;
  std::string text = without_negative_zero(fmt::format("{:.{}f}", value, decimals));
  if (text[0] == '-') text.replace(0, 1, "\u2212");
  return text;
}

std::string with_sign(double value, int decimals) {
  std::string text = fixed(value, decimals);
  const bool zero = text.find_first_not_of("0.") == std::string::npos;
  return std::isfinite(value) && value > 0.0 && !zero ? "+" + text : text;
}

std::string significant(double value) {
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : kMissing;
}

std::string plus_minus(double mean, double spread, int decimals) {
  if (!std::isfinite(mean) || !std::isfinite(spread)) return fixed(mean, decimals);
  return fixed(mean, decimals) + " \u00b1 " + fixed(spread, decimals);
}

}  // namespace sinkwise::report
