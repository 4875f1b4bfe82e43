#include "peers.h"

#include <cmath>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "sinkwise/ops/attention.h"

namespace sinkwise::bench {
namespace {

double scale_of(const AttentionSize& size) { return 1.0 / std::sqrt(static_cast<double>(size.D)); }

// [T, T]: 0 where row i may see key j, -inf elsewhere.
at::Tensor additive_mask(const AttentionSize& size) {
  const at::Tensor row = at::arange(size.T).unsqueeze(1), key = at::arange(size.T);
  at::Tensor seen = key <= row;
  if (size.window > 0) seen = seen.logical_and(key > row - size.window);
  return at::zeros({size.T, size.T}).masked_fill_(seen.logical_not(), -INFINITY).to(size.type);
}

std::vector<at::Tensor> leaves(const Operands& operands, bool sink) {
  std::vector<at::Tensor> list{operands.query, operands.key, operands.value};
  if (sink) list.push_back(operands.sink);
  for (at::Tensor& leaf : list) leaf = leaf.detach().requires_grad_();
  return list;
}

void autograd_backward(const std::vector<at::Tensor>& outputs,
                       const std::vector<at::Tensor>& inputs, const Operands& operands) {
  torch::autograd::grad(outputs, inputs, {operands.grad_out, operands.grad_gate});
}

// Our operator on one path.
class Operator : public Implementation {
 public:
  Operator(ops::Path path, const AttentionSize& size, const Operands& operands)
      : operands_(operands), leaves_(leaves(operands, true)) {
    options_.gate = ops::Gate::sink;
    if (size.window > 0) options_.window = size.window;
    options_.paths = ops::PathSet::only(path);
  }
  void forward() override {
    const auto r = ops::attention(leaves_[0], leaves_[1], leaves_[2], leaves_[3], {}, options_);
    outputs_ = {r.out, r.gate};
  }
  void backward() override { autograd_backward(outputs_, leaves_, operands_); }

 private:
  Operands operands_;
  std::vector<at::Tensor> leaves_, outputs_;
  ops::AttentionOptions options_;
};

// Torch's flash operator, called directly: no sink, no gate, a dense mask for a window.
class Stock : public Implementation {
 public:
  Stock(const AttentionSize& size, const Operands& operands)
      : operands_(operands), scale_(scale_of(size)) {
    if (size.window > 0) mask_ = additive_mask(size);
  }
  void forward() override {
    std::tie(out_, lse_) = at::_scaled_dot_product_flash_attention_for_cpu(
        operands_.query, operands_.key, operands_.value, 0.0, true, mask_, scale_);
  }
  void backward() override {
    at::_scaled_dot_product_flash_attention_for_cpu_backward(operands_.grad_out, operands_.query,
                                                             operands_.key, operands_.value, out_,
                                                             lse_, 0.0, true, mask_, scale_);
  }

 private:
  Operands operands_;
  std::optional<at::Tensor> mask_;
  double scale_;
  at::Tensor out_, lse_;
};

// The usual eager attention with sinks: one more column of scores, dropped after the softmax. The
// sink's column is also the gate.
class Eager : public Implementation {
 public:
  Eager(const AttentionSize& size, const Operands& operands)
      : size_(size), operands_(operands), leaves_(leaves(operands, true)) {
    mask_ = additive_mask(size);
  }
  void forward() override {
    const at::Tensor scores =
        at::matmul(leaves_[0], leaves_[1].transpose(2, 3)) * scale_of(size_) + mask_;
    const at::Tensor column =
        leaves_[3].to(size_.type).view({1, size_.H, 1, 1}).expand({1, size_.H, size_.T, 1});
    const at::Tensor weights = at::softmax(at::cat({scores, column}, -1), -1);
    const at::Tensor out = at::matmul(weights.narrow(-1, 0, size_.T), leaves_[2]);
    outputs_ = {out, 1.0 - weights.select(-1, size_.T).to(at::kFloat)};
  }
  void backward() override { autograd_backward(outputs_, leaves_, operands_); }

 private:
  AttentionSize size_;
  Operands operands_;
  std::vector<at::Tensor> leaves_, outputs_;
  at::Tensor mask_;
};

}  // namespace

std::vector<std::string> attention_peers() { return {"stock", "eager", "reference"}; }

Operands make_operands(const AttentionSize& size) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
  const auto draw = [&](at::IntArrayRef shape) {
    return at::randn(shape, generator).to(size.type).transpose(1, 2);
  };
  Operands o;
  for (at::Tensor* tensor : {&o.query, &o.key, &o.value, &o.grad_out}) {
    *tensor = draw({1, size.T, size.H, size.D});
  }
  o.sink = at::randn({size.H}, generator);
  o.grad_gate = at::randn({1, size.H, size.T}, generator);
  return o;
}

std::unique_ptr<Implementation> make_implementation(const std::string& name,
                                                    const AttentionSize& size,
                                                    const Operands& operands) {
  if (name == "kernel") return std::make_unique<Operator>(ops::Path::kernel, size, operands);
  if (name == "stock") return std::make_unique<Stock>(size, operands);
  if (name == "eager") return std::make_unique<Eager>(size, operands);
  if (name == "reference") return std::make_unique<Operator>(ops::Path::reference, size, operands);
  throw BadArgument(
      {"no such implementation of attention", "peers", "stock, eager or reference", name, ""});
}

}  // namespace sinkwise::bench
