#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sinkwise::checkpoint {

// The bytes of one protocol buffer message, field by field: just what EventLog needs.
class ProtobufMessage {
 public:
  ProtobufMessage& add_varint(int field, std::uint64_t value);
  ProtobufMessage& add_double(int field, double value);
  ProtobufMessage& add_float(int field, float value);
  ProtobufMessage& add_bytes(int field, std::string_view value);  // strings and nested messages

  const std::string& bytes() const { return bytes_; }

 private:
  void add_key(int field, int wire_type);
  void append_varint(std::uint64_t value);

  std::string bytes_;
};

// The lowest `count` bytes of `value`, little-endian.
void append_little_endian(std::string& bytes, std::uint64_t value, int count);

}  // namespace sinkwise::checkpoint
