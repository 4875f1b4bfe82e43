#include "gguf_metadata.h"

#include <string>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::weights {
namespace {

GgufType read_type(GgufCursor& cursor, std::string_view field) {
  const std::uint64_t begin = cursor.offset();
  const auto number = cursor.number<std::uint32_t>(field);
  const auto last = static_cast<std::uint32_t>(GgufType::F64);
  if (number > last) cursor.refuse(begin, field, concat("a type from 0 to ", last), concat(number));
  return static_cast<GgufType>(number);
}

bool read_bool(GgufCursor& cursor, std::string_view field) {
  const auto byte = cursor.number<std::uint8_t>(field);
  if (byte > 1) cursor.refuse(cursor.offset() - 1, field, "a bool of 0 or 1", concat(int{byte}));
  return byte == 1;
}

// Bytes of an element, 0 when they differ from one to the next.
std::uint64_t fixed_size(GgufType type) {
  switch (type) {
    case GgufType::U8:
    case GgufType::I8:
    case GgufType::BOOL:
      return 1;
    case GgufType::U16:
    case GgufType::I16:
      return 2;
    case GgufType::U32:
    case GgufType::I32:
    case GgufType::F32:
      return 4;
    case GgufType::U64:
    case GgufType::I64:
    case GgufType::F64:
      return 8;
    case GgufType::STRING:
    case GgufType::ARRAY:
      return 0;
  }
  return 0;
}

// The least that an element takes: a string its length, an array its type and its length.
std::uint64_t least_size(GgufType type) {
  if (type == GgufType::STRING) return 8;
  if (type == GgufType::ARRAY) return 12;
  return fixed_size(type);
}

GgufArray read_array(GgufCursor& cursor, std::string_view field, int depth);

// Goes past the elements of an array and checks those that can be wrong.
void check_elements(GgufCursor& cursor, const GgufArray& array, std::string_view field, int depth) {
  if (array.type != GgufType::BOOL && fixed_size(array.type) > 0) {
    cursor.take(array.size * fixed_size(array.type), field);
    return;
  }
  for (std::uint64_t i = 0; i < array.size; ++i) {
    if (array.type == GgufType::BOOL) {
      read_bool(cursor, field);
    } else if (array.type == GgufType::STRING) {
      cursor.string(field);
    } else {
      read_array(cursor, field, depth + 1);
    }
  }
}

GgufArray read_array(GgufCursor& cursor, std::string_view field, int depth) {
  if (depth > kMaxGgufArrayDepth) {
    cursor.refuse(field, concat("arrays nested at most ", kMaxGgufArrayDepth, " deep"),
                  "a deeper one");
  }
  GgufArray array;
  array.type = read_type(cursor, field);
  const std::uint64_t begin = cursor.offset();
  array.size = cursor.number<std::uint64_t>(field);
  const std::uint64_t most = cursor.remaining() / least_size(array.type);
  if (array.size > most) {
    cursor.refuse(begin, field, concat("at most ", most, " elements, as many as fit into the file"),
                  concat(array.size));
  }
  const std::uint64_t first = cursor.offset();
  check_elements(cursor, array, field, depth);
  array.bytes = cursor.read(first);
  return array;
}

GgufValue read_value(GgufCursor& cursor, GgufType type, std::string_view field) {
  switch (type) {
    case GgufType::U8:
      return std::uint64_t{cursor.number<std::uint8_t>(field)};
    case GgufType::I8:
      return std::int64_t{cursor.number<std::int8_t>(field)};
    case GgufType::U16:
      return std::uint64_t{cursor.number<std::uint16_t>(field)};
    case GgufType::I16:
      return std::int64_t{cursor.number<std::int16_t>(field)};
    case GgufType::U32:
      return std::uint64_t{cursor.number<std::uint32_t>(field)};
    case GgufType::I32:
      return std::int64_t{cursor.number<std::int32_t>(field)};
    case GgufType::U64:
      return cursor.number<std::uint64_t>(field);
    case GgufType::I64:
      return cursor.number<std::int64_t>(field);
    case GgufType::F32:
      return double{cursor.number<float>(field)};
    case GgufType::F64:
      return cursor.number<double>(field);
    case GgufType::BOOL:
      return read_bool(cursor, field);
    case GgufType::STRING:
      return cursor.string(field);
    case GgufType::ARRAY:
      return read_array(cursor, field, 1);
  }
  return {};
}

}  // namespace

GgufMetadata::Map read_gguf_metadata(GgufCursor& cursor, std::uint64_t count) {
  GgufMetadata::Map values;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t begin = cursor.offset();
    const std::string key = cursor.name(concat("key ", i));
    const std::string field = concat("value of key '", key, "'");
    const GgufType type = read_type(cursor, field);
    const bool fresh = values.emplace(key, read_value(cursor, type, field)).second;
    if (!fresh) {
      cursor.refuse(begin, concat("key ", i), "every key once", concat("a repeated '", key, "'"));
    }
  }
  return values;
}

std::vector<GgufValue> GgufArray::values() const {
  std::vector<GgufValue> decoded;
  decoded.reserve(size);
  GgufCursor cursor(bytes);
  for (std::uint64_t i = 0; i < size; ++i) decoded.push_back(read_value(cursor, type, ""));
  return decoded;
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto at = values_.find(key);
  return at == values_.end() ? nullptr : &at->second;
}

void GgufMetadata::refuse(std::string_view key, const char* expected) const {
  const bool there = find(key) != nullptr;
  throw BadFile(
      {.what = concat(there ? "a GGUF file says in another way '" : "a GGUF file does not say '",
                      printable(key), "'"),
       .where = printable(path_.string()),
       .expected = concat("this key with ", expected),
       .found = there ? "another type or range of value" : "no such key",
       .next = "check that this is a language model; else convert it again"});
}

std::uint64_t GgufMetadata::integer(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value != nullptr) {
    if (const auto* plain = std::get_if<std::uint64_t>(value)) return *plain;
    if (const auto* with_sign = std::get_if<std::int64_t>(value); with_sign && *with_sign >= 0) {
      return static_cast<std::uint64_t>(*with_sign);
    }
  }
  refuse(key, "a whole number >= 0");
}

double GgufMetadata::number(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value != nullptr) {
    if (const auto* real = std::get_if<double>(value)) return *real;
    if (const auto* plain = std::get_if<std::uint64_t>(value)) return static_cast<double>(*plain);
    if (const auto* with_sign = std::get_if<std::int64_t>(value)) {
      return static_cast<double>(*with_sign);
    }
  }
  refuse(key, "a number");
}

std::string_view GgufMetadata::text(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value != nullptr) {
    if (const auto* string = std::get_if<std::string_view>(value)) return *string;
  }
  refuse(key, "a string");
}

const GgufArray& GgufMetadata::array(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value != nullptr) {
    if (const auto* elements = std::get_if<GgufArray>(value)) return *elements;
  }
  refuse(key, "an array");
}

}  // namespace sinkwise::weights
