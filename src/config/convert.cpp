#include <cmath>

#include "literal.h"
#include "quote.h"
#include "sinkwise/core/text.h"

namespace sinkwise::config {
namespace {

std::string describe(const Literal& literal) {
  if (!literal.scalar) return literal.kind == "array" ? "an array" : "a " + literal.kind;
  if (const auto* text = std::get_if<std::string>(&*literal.scalar))
    return "the string " + show(*text);
  if (const auto* number = std::get_if<double>(&*literal.scalar)) {
    if (!std::isfinite(*number)) return concat(*number);
  }
  return "the " + literal.kind + " " + to_toml(*literal.scalar);
}

template <typename T>
const T* get(const Literal& literal) {
  return literal.scalar ? std::get_if<T>(&*literal.scalar) : nullptr;
}

template <typename T>
Converted scalar(const Literal& literal) {
  if (const T* value = get<T>(literal)) return {Value(*value), {}};
  return {std::nullopt, describe(literal)};
}

Converted number(const Literal& literal) {
  if (const auto* integer = get<std::int64_t>(literal)) {
    return {Value(static_cast<double>(*integer)), {}};
  }
  const auto* value = get<double>(literal);
  if (value != nullptr && std::isfinite(*value)) return {Value(*value), {}};
  return {std::nullopt, describe(literal)};
}

template <typename T>
Converted list(const Literal& literal) {
  if (literal.kind != "array") return {std::nullopt, describe(literal)};
  std::vector<T> values;
  for (const Literal& item : literal.items) {
    const T* value = get<T>(item);
    if (value == nullptr) {
      return {std::nullopt, concat(describe(item), " as element ", values.size() + 1)};
    }
    values.push_back(*value);
  }
  return {Value(std::move(values)), {}};
}

}  // namespace

Converted convert(Type type, const Literal& literal) {
  switch (type) {
    case Type::boolean:
      return scalar<bool>(literal);
    case Type::integer:
      return scalar<std::int64_t>(literal);
    case Type::number:
      return number(literal);
    case Type::texts:
      return list<std::string>(literal);
    case Type::integers:
      return list<std::int64_t>(literal);
    case Type::text:
    case Type::choice:
      break;
  }
  return scalar<std::string>(literal);
}

}  // namespace sinkwise::config
