#include "sinkwise/pretrained/fingerprint.h"

#include <span>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/hash.h"
#include "tensor_source.h"

namespace sinkwise::pretrained {

std::string fingerprint(const Model& model) {
  const TensorSource& source = model.source();
  Hasher hasher;
  hasher.update(bytes_of(model.config_json()));
  for (const std::string& name : source.names()) {
    if (!source.has(name)) continue;  // of an architecture's rest that no family reads
    const auto shape = source.shape(name);
    hasher.update(bytes_of(name));
    hasher.update(std::as_bytes(std::span(shape)));
    if (shape.empty() || shape.size() > 2 || shape.front() == 0) continue;
    const at::Tensor values =
        (shape.size() == 1 ? source.read(name) : source.rows(name, shape.front() / 2, 1))
            .contiguous();
    hasher.update(std::as_bytes(
        std::span(values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel()))));
  }
  return hasher.hex();
}

}  // namespace sinkwise::pretrained
