#include "file_tensors.h"

namespace sinkwise::pretrained {
namespace {

// Zeros in place of every tensor that is read, of which autograd follows what becomes of them.
class TracedSource : public TensorSource {
 public:
  explicit TracedSource(const TensorSource& source) : source_(source) {}

  at::Tensor read(const std::string& name) const override {
    const auto stored = source_.stored(name);
    if (stored && stored->dtype == checkpoint::Dtype::U8) return source_.read(name);
    at::Tensor& leaf = leaves[name];
    if (!leaf.defined()) leaf = at::zeros(source_.shape(name)).requires_grad_();
    return leaf.clone();  // families may change what they read in place, which no leaf permits
  }

  bool has(const std::string& name) const override { return source_.has(name); }
  std::vector<std::int64_t> shape(const std::string& name) const override {
    return source_.shape(name);
  }
  at::Tensor rows(const std::string& name, std::int64_t first, std::int64_t count) const override {
    return read(name).narrow(0, first, count);
  }
  std::uint64_t elements() const override { return source_.elements(); }
  std::vector<std::string> names() const override { return source_.names(); }
  std::optional<Stored> stored(const std::string& name) const override {
    return source_.stored(name);
  }

  mutable Tensors leaves;

 private:
  const TensorSource& source_;
};

}  // namespace

Tensors file_tensors(const Family& family, const TensorSource& source, const std::string& prefix,
                     const ModelConfig& model, const LayerConfig& layer, const Tensors& values) {
  const at::AutoGradMode with_gradients(true);
  const TracedSource traced(source);
  const Tensors ours = family.block(traced, prefix, model, layer);
  std::vector<at::Tensor> roots, upstream, leaves;
  for (const auto& [name, of_zeros] : ours) {
    const auto value = values.find(name);
    if (value == values.end() || !of_zeros.requires_grad()) continue;
    roots.push_back(of_zeros);
    upstream.push_back(value->second.detach() - of_zeros.detach());
  }
  for (const auto& [name, leaf] : traced.leaves) leaves.push_back(leaf);
  const auto found = torch::autograd::grad(roots, leaves, upstream, /*retain_graph=*/false,
                                           /*create_graph=*/false, /*allow_unused=*/true);
  Tensors result;
  std::size_t n = 0;
  for (const auto& [name, leaf] : traced.leaves) {
    if (found[n].defined()) result[name] = found[n];
    ++n;
  }
  return result;
}

}  // namespace sinkwise::pretrained
