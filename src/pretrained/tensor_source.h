#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "quantization.h"
#include "sinkwise/checkpoint/dtype.h"
#include "sinkwise/weights/weights.h"

namespace sinkwise::pretrained {

// A tensor as its file has it, in a type that safetensors can hold.
struct Stored {
  checkpoint::Dtype dtype = checkpoint::Dtype::F32;
  std::span<const std::byte> bytes;  // valid as long as the source
};

// The tensors of a model under the names that Hugging Face gives them, read as float32. Nothing is
// kept: the pages of a tensor are given back once it is read.
class TensorSource {
 public:
  virtual ~TensorSource() = default;

  virtual bool has(const std::string& name) const = 0;
  virtual std::vector<std::int64_t> shape(const std::string& name) const = 0;  // BadFile if missing
  virtual at::Tensor read(const std::string& name) const = 0;                  // BadFile if missing

  // Rows [first, first + count) of a matrix.
  virtual at::Tensor rows(const std::string& name, std::int64_t first,
                          std::int64_t count) const = 0;

  virtual std::uint64_t elements() const = 0;  // of all tensors together

  // What a Hugging Face folder with this model holds, in the order of the file.
  virtual std::vector<std::string> names() const = 0;

  // How names() spells a name that a family asks for.
  virtual std::string name_in_folder(const std::string& name) const { return name; }

  // The bytes that can be copied into such a folder; none where the file has them in another
  // format or order, or not as they are read, so that they must be read.
  virtual std::optional<Stored> stored(const std::string& name) const = 0;

  // The type that the file has them in, if safetensors knows it.
  virtual std::optional<checkpoint::Dtype> stored_type(const std::string& name) const {
    const auto bytes = stored(name);
    return bytes ? std::optional(bytes->dtype) : std::nullopt;
  }
};

// Hugging Face's safetensors. Names lose what some files put in front of "model." or
// "transformer.". With `blocks`, matrices that have factors are read times them.
std::unique_ptr<TensorSource> hugging_face_source(weights::Weights weights,
                                                  std::optional<BlockScales> blocks);

// GGUF, whose names are translated and whose rotary rows are put back in order.
std::unique_ptr<TensorSource> gguf_source(weights::Weights weights);

}  // namespace sinkwise::pretrained
