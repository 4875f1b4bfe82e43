#pragma once

#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "sinkwise/weights/weights.h"

namespace sinkwise::pretrained {

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
};

// Hugging Face's safetensors. Names lose what some files put in front of "model." or
// "transformer.".
std::unique_ptr<TensorSource> hugging_face_source(weights::Weights weights);

// GGUF, whose names are translated and whose rotary rows are put back in order.
std::unique_ptr<TensorSource> gguf_source(weights::Weights weights);

}  // namespace sinkwise::pretrained
