#include <charconv>
#include <cmath>

#include "literal.h"
#include "quote.h"
#include "sinkwise/core/text.h"

namespace sinkwise::config {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// TOML's digit separator: 1_000 is 1000; a separator anywhere else stays and fails to parse.
std::string without_separators(std::string_view text) {
  const auto digit = [&](std::size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '9';
  };
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool separator = text[i] == '_' && i > 0 && digit(i - 1) && digit(i + 1);
    if (!separator) digits += text[i];
  }
  return digits;
}

template <typename T>
Converted parse_number(std::string_view text) {
  const std::string digits = without_separators(trim(text));
  T value{};
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value);
  if (result.ec == std::errc::result_out_of_range) {
    return {std::nullopt, show(text) + ", which does not fit in 64 bits"};
  }
  if (result.ec != std::errc() || result.ptr != end) return {std::nullopt, show(text)};
  if constexpr (std::is_same_v<T, double>) {
    if (!std::isfinite(value)) return {std::nullopt, show(text)};
  }
  return {Value(value), {}};
}

Converted parse_boolean(std::string_view text) {
  const std::string_view word = trim(text);
  if (word == "true" || word == "1") return {Value(true), {}};
  if (word == "false" || word == "0") return {Value(false), {}};
  return {std::nullopt, show(text)};
}

Converted parse_text(std::string_view text) {
  if (!is_utf8(text)) return {std::nullopt, show(text) + ", which is not UTF-8"};
  return {Value(std::string(text)), {}};
}

template <typename T>
Converted parse_list(std::string_view text, Converted (*parse_item)(std::string_view)) {
  std::vector<T> values;
  std::string_view rest = trim(text);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    Converted item = parse_item(trim(rest.substr(0, comma)));
    if (!item.value) return {std::nullopt, concat(item.found, " as element ", values.size() + 1)};
    values.push_back(std::get<T>(std::move(*item.value)));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
    if (rest.empty()) return {std::nullopt, show(text) + ", which ends in a comma"};
  }
  return {Value(std::move(values)), {}};
}

}  // namespace

Converted parse(Type type, std::string_view text) {
  switch (type) {
    case Type::boolean:
      return parse_boolean(text);
    case Type::integer:
      return parse_number<std::int64_t>(text);
    case Type::number:
      return parse_number<double>(text);
    case Type::texts:
      return parse_list<std::string>(text, parse_text);
    case Type::integers:
      return parse_list<std::int64_t>(text, parse_number<std::int64_t>);
    case Type::text:
    case Type::choice:
      break;
  }
  return parse_text(text);
}

}  // namespace sinkwise::config
