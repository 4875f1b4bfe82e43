#include "sinkwise/nn/linear_cross_entropy.h"

#include <algorithm>

namespace sinkwise::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kSliceRows = 256;  // logits [256, V]: 50 MB for V = 49,152

at::ScalarType wide(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

// One slice of rows: p - onehot(target) [n, V], and the losses [n].
struct Slice {
  at::Tensor difference, losses;
};

Slice slice_of(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets) {
  const at::Tensor column = targets.unsqueeze(1);
  at::Tensor logits = at::matmul(x, weight.t()).to(wide(x));  // [n, V]
  const at::Tensor total = logits.logsumexp(1, true);
  const at::Tensor losses = (total - logits.gather(1, column)).squeeze(1);
  logits.sub_(total).exp_();
  logits.scatter_add_(1, column, at::full_like(column, -1, logits.options()));
  return {logits, losses};
}

template <typename Use>
void for_each_slice(std::int64_t rows, const Use& use) {
  for (std::int64_t n = 0; n < rows; n += kSliceRows) use(n, std::min(kSliceRows, rows - n));
}

struct CrossEntropy : torch::autograd::Function<CrossEntropy> {
  // Every target is asked for here.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& targets) {
    const bool frozen = !weight.requires_grad();
    const at::Tensor used = weight.to(x.scalar_type());
    at::Tensor losses = at::empty({x.size(0)}, x.options().dtype(wide(x)));
    at::Tensor slope = frozen && x.requires_grad() ? at::empty_like(x) : at::Tensor();
    for_each_slice(x.size(0), [&](std::int64_t n, std::int64_t count) {
      const Slice slice = slice_of(x.narrow(0, n, count), used, targets.narrow(0, n, count));
      losses.narrow(0, n, count).copy_(slice.losses);
      if (slope.defined()) {
        slope.narrow(0, n, count).copy_(at::matmul(slice.difference.to(used.scalar_type()), used));
      }
    });
    context->saved_data["frozen"] = frozen;
    context->save_for_backward(frozen ? variable_list{slope} : variable_list{x, weight, targets});
    return losses;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor upstream = gradients[0].unsqueeze(1);  // [N, 1] float32
    const variable_list saved = context->get_saved_variables();
    if (context->saved_data["frozen"].toBool()) {
      return {saved[0] * upstream.to(saved[0].scalar_type()), at::Tensor(), at::Tensor()};
    }
    const at::Tensor &x = saved[0], &weight = saved[1], &targets = saved[2];
    const at::Tensor used = weight.to(x.scalar_type());
    at::Tensor of_x = at::empty_like(x), of_weight = at::zeros_like(weight);
    for_each_slice(x.size(0), [&](std::int64_t n, std::int64_t count) {
      const at::Tensor rows = x.narrow(0, n, count);
      Slice slice = slice_of(rows, used, targets.narrow(0, n, count));
      const at::Tensor scaled =
          slice.difference.mul_(upstream.narrow(0, n, count)).to(used.scalar_type());
      of_x.narrow(0, n, count).copy_(at::matmul(scaled, used));
      of_weight.add_(at::matmul(scaled.t(), rows));
    });
    return {of_x, of_weight, at::Tensor()};
  }
};

}  // namespace

at::Tensor linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& targets) {
  const at::Tensor asked = (targets >= 0).nonzero().squeeze(1);
  if (asked.size(0) == targets.size(0)) return CrossEntropy::apply(x, weight, targets);
  const at::Tensor losses =
      CrossEntropy::apply(x.index_select(0, asked), weight, targets.index_select(0, asked));
  return at::zeros({targets.size(0)}, losses.options()).index_copy(0, asked, losses);
}

}  // namespace sinkwise::nn
