#include "protobuf.h"

#include <bit>

namespace sinkwise::checkpoint {
namespace {

enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

}  // namespace

void append_little_endian(std::string& bytes, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i));
}

void ProtobufMessage::append_varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7F) | 0x80);
  bytes_ += static_cast<char>(value);
}

void ProtobufMessage::add_key(int field, int wire_type) {
  append_varint(static_cast<std::uint64_t>(field << 3 | wire_type));
}

ProtobufMessage& ProtobufMessage::add_varint(int field, std::uint64_t value) {
  add_key(field, kVarint);
  append_varint(value);
  return *this;
}

ProtobufMessage& ProtobufMessage::add_double(int field, double value) {
  add_key(field, kFixed64);
  append_little_endian(bytes_, std::bit_cast<std::uint64_t>(value), 8);
  return *this;
}

ProtobufMessage& ProtobufMessage::add_float(int field, float value) {
  add_key(field, kFixed32);
  append_little_endian(bytes_, std::bit_cast<std::uint32_t>(value), 4);
  return *this;
}

ProtobufMessage& ProtobufMessage::add_bytes(int field, std::string_view value) {
  add_key(field, kLengthDelimited);
  append_varint(value.size());
  bytes_ += value;
  return *this;
}

}  // namespace sinkwise::checkpoint
