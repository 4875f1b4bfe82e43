#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sinkwise/core/mapped_file.h"
#include "sinkwise/weights/storage_type.h"

namespace sinkwise::weights {

// The GGUF format, versions 2 and 3, little-endian:
//   "GGUF", u32 version, u64 number of tensors, u64 number of keys
//   a key      string, u32 type of the value, value
//   a tensor   string, u32 number of dimensions, u64 each (fastest first), u32 type, u64 offset
//   padding to the alignment (key general.alignment, else 32); offsets count from here
//   the tensors, in the order of their entries, each padded to the alignment
// A string is a u64 length and that many bytes; an array a u32 type, a u64 length and the elements.
inline constexpr std::uint64_t kMaxGgufString = std::uint64_t{16} << 20;
inline constexpr std::uint64_t kMaxGgufName = 1024;  // bytes of a key or of a tensor's name
inline constexpr std::uint64_t kMaxGgufAlignment = std::uint64_t{1} << 20;
inline constexpr std::uint32_t kMaxGgufDims = 4;
inline constexpr int kMaxGgufArrayDepth = 4;  // arrays within arrays

// The types of metadata, under their numbers in the file.
enum class GgufType : std::uint32_t {
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  BOOL,
  STRING,
  ARRAY,
  U64,
  I64,
  F64
};

struct GgufArray;

// Integers widened with their sign kept, floats widened to double. Strings and arrays are views
// into the mapping and need not be UTF-8: printable() before printing.
using GgufValue =
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray>;

// A checked array that stays in the file, because a vocabulary may be large.
struct GgufArray {
  GgufType type = GgufType::U8;  // of the elements
  std::uint64_t size = 0;
  std::span<const std::byte> bytes;

  std::vector<GgufValue> values() const;  // decoded, one level of them
};

// The keys of a file. Each getter throws BadFile when the key is missing or of another type.
class GgufMetadata {
 public:
  using Map = std::map<std::string, GgufValue, std::less<>>;

  GgufMetadata() = default;
  GgufMetadata(std::filesystem::path path, Map values)
      : path_(std::move(path)), values_(std::move(values)) {}

  const Map& values() const { return values_; }
  const GgufValue* find(std::string_view key) const;  // nullptr when there is none

  std::uint64_t integer(std::string_view key) const;  // of any integer type, not negative
  double number(std::string_view key) const;          // of any integer or float type
  std::string_view text(std::string_view key) const;
  const GgufArray& array(std::string_view key) const;

 private:
  [[noreturn]] void refuse(std::string_view key, const char* expected) const;

  std::filesystem::path path_;
  Map values_;
};

struct GgufTensor {
  std::string name;
  StorageType type = StorageType::F32;
  std::vector<std::int64_t> shape;  // slowest first, as everywhere here; blocks lie along the last
  std::span<const std::byte> data;
};

// A GGUF file mapped into memory, checked before anything is believed, as strict as ggml about
// offsets and alignment. Views live as long as the object or its taken mapping.
class GgufFile {
 public:
  // BadFile with file, byte offset, field, found and allowed.
  static GgufFile open(const std::filesystem::path& path, Links links = Links::follow);
  static GgufFile parse(MappedFile file);

  const GgufMetadata& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const {
    return tensors_;
  }  // in the order of their bytes
  MappedFile take_file() && { return std::move(file_); }

 private:
  explicit GgufFile(MappedFile file) : file_(std::move(file)) {}

  MappedFile file_;
  GgufMetadata metadata_;
  std::vector<GgufTensor> tensors_;
};

}  // namespace sinkwise::weights
