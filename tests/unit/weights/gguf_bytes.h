#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sinkwise::test {

// The pieces of a GGUF file, for files that no writer would make.

template <typename Number>
std::string raw(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

inline std::string gguf_string(std::string_view text) {
  return raw<std::uint64_t>(text.size()) + std::string(text);
}

inline std::string gguf_key(std::string_view key, std::uint32_t type, std::string_view value) {
  return gguf_string(key) + raw(type) + std::string(value);
}

inline std::string gguf_array(std::uint32_t type, std::uint64_t size, std::string_view elements) {
  return raw(type) + raw(size) + std::string(elements);
}

inline std::string gguf_tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                               std::uint32_t type, std::uint64_t offset) {
  std::string bytes = gguf_string(name) + raw<std::uint32_t>(dims.size());
  for (const std::uint64_t dim : dims) bytes += raw(dim);
  return bytes + raw(type) + raw(offset);
}

inline std::string gguf_start(std::uint64_t tensors, std::uint64_t keys,
                              std::uint32_t version = 3) {
  return "GGUF" + raw(version) + raw(tensors) + raw(keys);
}

// Keys and tensors as the pieces above, then the data behind padding.
inline std::string gguf_bytes(const std::vector<std::string>& keys,
                              const std::vector<std::string>& tensors, std::string_view data,
                              std::size_t alignment = 32) {
  std::string bytes = gguf_start(tensors.size(), keys.size());
  for (const std::string& key : keys) bytes += key;
  for (const std::string& tensor : tensors) bytes += tensor;
  bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
  return bytes + std::string(data);
}

}  // namespace sinkwise::test
