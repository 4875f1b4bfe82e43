#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/checkpoint/dtype.h"
#include "sinkwise/core/mapped_file.h"

namespace sinkwise::checkpoint {

// The safetensors format, little-endian:
//   8 bytes       N, the length of the header, at most kMaxHeaderBytes
//   N bytes       JSON {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
//                 "__metadata__": {"key": "value", ...}}, starting with '{'
//   to the end    the tensors, row-major; offsets count from here, without gap or overlap
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
inline constexpr std::size_t kMaxDims = 8;

using Metadata = std::map<std::string, std::string>;

// A named tensor in memory that somebody else owns. The bytes of a file written elsewhere may be
// unaligned: copy them before reading them as numbers.
struct TensorView {
  std::string name;
  Dtype dtype = Dtype::F32;
  std::vector<std::int64_t> shape;  // empty: one element
  std::span<const std::byte> data;  // as many bytes as dtype and shape say
};

struct WrittenFile {
  std::uint64_t bytes = 0;
  std::string hash;  // XXH3-128 of the whole file (core/hash.h)
};

// Size of the file that write_safetensors() would write. BadArgument as below.
std::uint64_t safetensors_bytes(std::span<const TensorView> tensors, const Metadata& metadata = {});

// Streams the tensors to `path`, which appears complete, synced, or not at all. The largest
// elements come first, then by name, so that every tensor is aligned. BadArgument when a name is
// repeated, reserved or no UTF-8, a dimension is negative, there are more than kMaxDims of them, or
// the bytes do not fit the shape; ResourceError when the disk refuses.
WrittenFile write_safetensors(const std::filesystem::path& path,
                              std::span<const TensorView> tensors, const Metadata& metadata = {});

// A safetensors file mapped into memory. Every rule of the format is checked before anything is
// believed, products and sums with overflow checks, and repeated names are refused (the reference
// keeps the last, so that two readers could see different tensors). Views live as long as the
// object; moving it keeps them valid.
class SafetensorsFile {
 public:
  // BadFile with file, byte offset, field, found and allowed.
  static SafetensorsFile open(const std::filesystem::path& path, Links links = Links::follow);
  static SafetensorsFile parse(MappedFile file);

  const std::filesystem::path& path() const { return file_.path(); }
  const Metadata& metadata() const { return metadata_; }
  const std::vector<TensorView>& tensors() const {
    return tensors_;
  }  // in the order of their bytes

  // nullptr when there is none of that name.
  const TensorView* find(std::string_view name) const;

  // The mapping alone, for who keeps the views and not this object.
  MappedFile take_file() && { return std::move(file_); }

 private:
  explicit SafetensorsFile(MappedFile file) : file_(std::move(file)) {}

  MappedFile file_;
  Metadata metadata_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace sinkwise::checkpoint
