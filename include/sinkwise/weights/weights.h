#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/core/mapped_file.h"
#include "sinkwise/weights/gguf.h"
#include "sinkwise/weights/storage_type.h"

namespace sinkwise::weights {

struct Tensor {
  std::string name;  // as the file has it; GGUF names are not translated
  StorageType type = StorageType::F32;
  std::vector<std::int64_t> shape;  // slowest first; empty: one element
  std::uint64_t elements = 1;
};

// The tensors of a model, whatever the format of its files. Files are mapped: opening reads the
// headers, and reading a tensor brings in its pages, which stay until release() or until the system
// needs them. A model is streamed with the memory of one layer by calling to_float32() and
// release() tensor by tensor. const functions may run in several threads.
class Weights {
 public:
  // A safetensors or GGUF file, told apart by their bytes, or a folder with model.safetensors,
  // model.safetensors.index.json (which names its shards) or a single *.gguf, looked for in this
  // order. BadFile with file, byte offset, field, found and expected. Unsupported, with the way to
  // convert them, for pickles (.bin, .pt, .pth, .ckpt under whatever name), which run what they
  // hold, and for one part of a GGUF model that was split.
  static Weights open(const std::filesystem::path& path);

  // File by file, in the order of their bytes.
  const std::vector<Tensor>& tensors() const { return tensors_; }
  const Tensor* find(std::string_view name) const;  // nullptr when there is none of that name
  const Tensor& at(std::string_view name) const;    // BadFile when there is none

  // The stored bytes, unaligned, valid as long as the object or what it was moved to. BadFile when
  // the tensor is missing or its file has become shorter since it was opened. Truncating a file
  // during a reading ends the process (core/mapped_file.h).
  std::span<const std::byte> bytes(std::string_view name) const;

  // All elements, or out.size() of them from element `first` on, row-major, as float32
  // (storage_type.h says how exact). BadFile as bytes(); BadArgument unless `out` has `elements`
  // elements, or the part lies within the tensor and consists of whole blocks; Unsupported for
  // types that are not converted.
  void to_float32(std::string_view name, std::span<float> out) const;
  void to_float32(std::string_view name, std::uint64_t first, std::span<float> out) const;

  // Gives the memory of the tensor's pages back. A hint: reading it again is right, only slower.
  void release(std::string_view name) const;

  // What a GGUF file says beside its tensors; nothing for safetensors.
  const GgufMetadata& gguf() const { return gguf_; }

 private:
  struct Place {
    std::size_t file;  // of files_
    std::span<const std::byte> bytes;
  };
  class Builder;

  std::size_t index_of(std::string_view name) const;

  std::filesystem::path path_;
  std::vector<MappedFile> files_;
  std::vector<Tensor> tensors_;
  std::vector<Place> places_;  // of the tensors, in the same order
  std::map<std::string, std::size_t, std::less<>> index_;
  GgufMetadata gguf_;
};

}  // namespace sinkwise::weights
