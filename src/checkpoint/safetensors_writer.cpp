#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "checked_size.h"
#include "sinkwise/checkpoint/safetensors.h"
#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/hash.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::checkpoint {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const TensorView& tensor, std::string expected, std::string found) {
  throw BadArgument({.what = "cannot write a tensor",
                     .where = concat("write_safetensors, tensor '", printable(tensor.name), "'"),
                     .expected = std::move(expected),
                     .found = std::move(found),
                     .next = {}});
}

void check(const TensorView& tensor) {
  if (tensor.name == "__metadata__") refuse(tensor, "another name", "the reserved name");
  if (tensor.shape.size() > kMaxDims) {
    refuse(tensor, concat("at most ", kMaxDims, " dimensions"), concat(tensor.shape.size()));
  }
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes) refuse(tensor, "dimensions >= 0 with a product below 2^64", "others");
  if (*bytes != tensor.data.size()) {
    refuse(tensor, concat(*bytes, " bytes, as dtype and shape say"),
           concat(tensor.data.size(), " bytes"));
  }
}

std::vector<const TensorView*> in_file_order(std::span<const TensorView> tensors) {
  std::vector<const TensorView*> order;
  std::set<std::string_view> names;
  for (const TensorView& tensor : tensors) {
    check(tensor);
    if (!names.insert(tensor.name).second) refuse(tensor, "every name once", "a repeated name");
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    const auto size_a = dtype_size(a->dtype), size_b = dtype_size(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });
  return order;
}

// The length and the header, padded with spaces to a multiple of 8 so that the data starts aligned.
std::string make_header(const std::vector<const TensorView*>& order, const Metadata& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorView* tensor : order) {
    const std::uint64_t end = offset + tensor->data.size();
    header[tensor->name] = {{"dtype", dtype_name(tensor->dtype)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = json_text(header);
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > kMaxHeaderBytes) {
    throw BadArgument({.what = "a safetensors header would be too long",
                       .where = "write_safetensors",
                       .expected = concat("at most ", kMaxHeaderBytes, " bytes"),
                       .found = concat(text.size(), " bytes"),
                       .next = "split the tensors over several files"});
  }
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i));
  return length + text;
}

// Hashes a piece while it is still in the cache, then writes it.
void stream(AtomicFile& file, Hasher& hasher, std::span<const std::byte> bytes) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    hasher.update(piece);
    file.write(piece);
    bytes = bytes.subspan(piece.size());
  }
}

}  // namespace

std::uint64_t safetensors_bytes(std::span<const TensorView> tensors, const Metadata& metadata) {
  const auto order = in_file_order(tensors);
  std::uint64_t bytes = make_header(order, metadata).size();
  for (const TensorView* tensor : order) bytes += tensor->data.size();
  return bytes;
}

WrittenFile write_safetensors(const std::filesystem::path& path,
                              std::span<const TensorView> tensors, const Metadata& metadata) {
  const auto order = in_file_order(tensors);
  const std::string header = make_header(order, metadata);
  AtomicFile file(path);
  Hasher hasher;
  stream(file, hasher, bytes_of(header));
  std::uint64_t bytes = header.size();
  for (const TensorView* tensor : order) {
    stream(file, hasher, tensor->data);
    bytes += tensor->data.size();
  }
  file.commit();
  return {.bytes = bytes, .hash = hasher.hex()};
}

}  // namespace sinkwise::checkpoint
