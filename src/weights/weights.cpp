#include "sinkwise/weights/weights.h"

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::weights {

const Tensor* Weights::find(std::string_view name) const {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &tensors_[at->second];
}

std::size_t Weights::index_of(std::string_view name) const {
  const auto at = index_.find(name);
  if (at != index_.end()) return at->second;
  throw BadFile({.what = "a tensor is missing",
                 .where = printable(path_.string()),
                 .expected = concat("a tensor '", printable(name), "'"),
                 .found = concat(tensors_.size(), " tensors of other names"),
                 .next = "check that the model is complete and of the expected architecture"});
}

const Tensor& Weights::at(std::string_view name) const { return tensors_[index_of(name)]; }

std::span<const std::byte> Weights::bytes(std::string_view name) const {
  const Place& place = places_[index_of(name)];
  files_[place.file].check_size();
  return place.bytes;
}

void Weights::to_float32(std::string_view name, std::span<float> out) const {
  weights::to_float32(at(name).type, bytes(name), out);
}

void Weights::to_float32(std::string_view name, std::uint64_t first, std::span<float> out) const {
  const Tensor& tensor = at(name);
  const std::uint64_t block = block_elements(tensor.type);
  const bool within = first <= tensor.elements && out.size() <= tensor.elements - first;
  if (!within || first % block != 0 || out.size() % block != 0) {
    throw BadArgument({.what = "a part of a tensor cannot be read",
                       .where = concat("Weights::to_float32, tensor '", printable(name), "'"),
                       .expected = concat("whole blocks of ", block, " elements within the ",
                                          tensor.elements, " of the tensor"),
                       .found = concat(out.size(), " elements from element ", first),
                       .next = {}});
  }
  const std::uint64_t bytes_of_block = block_bytes(tensor.type);
  weights::to_float32(
      tensor.type,
      bytes(name).subspan(first / block * bytes_of_block, out.size() / block * bytes_of_block),
      out);
}

void Weights::release(std::string_view name) const {
  const Place& place = places_[index_of(name)];
  files_[place.file].release(place.bytes);
}

}  // namespace sinkwise::weights
