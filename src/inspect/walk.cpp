#include "walk.h"

#include <algorithm>

namespace sinkwise::inspect {
namespace {

// Enough for the matrix products to fill the cores; the memory of a batch is its activations.
constexpr std::int64_t kTokensAtOnce = 2048;

}  // namespace

std::vector<at::Tensor> walk(const pretrained::Model& model, const at::Tensor& tokens,
                             const std::vector<Variant>& variants, const nn::Observe& observe,
                             const Visitor& visit, const std::function<void()>& layer_done) {
  torch::NoGradGuard no_grad;
  const auto N = tokens.size(0), T = tokens.size(1);
  const auto batch = std::max<std::int64_t>(1, kTokensAtOnce / T);
  const auto tables = model.rotary_tables(T);
  std::vector<at::Tensor> hidden;
  const at::Tensor start = model.embed(tokens);
  for (std::size_t v = 0; v < variants.size(); ++v)
    hidden.push_back(v == 0 ? start : start.clone());
  for (std::size_t layer = 0; layer < model.config().layers.size(); ++layer) {
    const auto at = static_cast<std::int64_t>(layer);
    const auto block = model.load_block(at);
    for (std::size_t v = 0; v < variants.size(); ++v) {
      pretrained::BlockInput input;
      input.rotary = model.rotary_of(at, tables);
      input.drop_first_value = variants[v].drop_first_value;
      if (!variants[v].head_scale.empty()) input.head_scale = variants[v].head_scale[layer];
      if (v == 0) input.observe = observe;
      for (std::int64_t n = 0; n < N; n += batch) {
        at::Tensor part = hidden[v].narrow(0, n, std::min(batch, N - n));
        nn::AttentionRecord record;
        part.copy_(block->forward(part, input, record));
        if (v == 0 && visit) visit(at, record, part);
      }
    }
    layer_done();
  }
  return hidden;
}

double mean_loss(const pretrained::Model& model, const at::Tensor& hidden,
                 const at::Tensor& tokens) {
  const auto T = tokens.size(1);
  return model
      .losses(hidden.narrow(1, 0, T - 1).flatten(0, 1), tokens.narrow(1, 1, T - 1).flatten())
      .to(at::kDouble)
      .mean()
      .item<double>();
}

}  // namespace sinkwise::inspect
