#include "gradient.h"

#include <torch/torch.h>

namespace sinkwise::inspect {
namespace {

// Input of every layer, and behind them the output of the last: each [N, T, width].
std::vector<at::Tensor> states_between(const pretrained::Model& model, const at::Tensor& tokens,
                                       const WindowsDone& layer_done) {
  const auto L = static_cast<std::int64_t>(model.config().layers.size());
  std::vector<std::vector<at::Tensor>> parts(static_cast<std::size_t>(L));
  walk(
      model, tokens, {{}}, {},
      [&](std::int64_t layer, const nn::AttentionRecord&, const at::Tensor& hidden) {
        parts[static_cast<std::size_t>(layer)].push_back(hidden.clone());
      },
      [&] { layer_done(tokens.size(0)); });
  std::vector<at::Tensor> states{model.embed(tokens)};
  for (const auto& part : parts) states.push_back(at::cat(part));
  return states;
}

// d mean loss / d hidden [N, T, width]; the last position of a window predicts nothing.
at::Tensor last_gradient(const pretrained::Model& model, const at::Tensor& hidden,
                         const at::Tensor& tokens) {
  const auto N = tokens.size(0), T = tokens.size(1);
  const at::Tensor gradient = model.loss_gradient(hidden.narrow(1, 0, T - 1).flatten(0, 1),
                                                  tokens.narrow(1, 1, T - 1).flatten());
  return at::constant_pad_nd(gradient.view({N, T - 1, -1}), {0, 0, 0, 1});
}

}  // namespace

std::vector<std::vector<double>> gradient_scores(const pretrained::Model& model,
                                                 const at::Tensor& tokens,
                                                 const WindowsDone& layer_done) {
  const auto& layers = model.config().layers;
  const auto tables = model.rotary_tables(tokens.size(1));
  const auto states = states_between(model, tokens, layer_done);
  at::Tensor gradient = last_gradient(model, states.back(), tokens);
  std::vector<std::vector<double>> scores(layers.size());
  at::AutoGradMode with_gradients(true);
  for (std::size_t layer = layers.size(); layer-- > 0;) {
    const auto at = static_cast<std::int64_t>(layer);
    const auto block = model.load_block(at);
    const auto* attention = layers[layer].attention();
    at::Tensor sum = at::zeros({attention != nullptr ? attention->heads : 0}, at::kDouble);
    for (std::int64_t n = 0; n < tokens.size(0); ++n) {
      const at::Tensor x = states[layer].narrow(0, n, 1).detach().requires_grad_();
      pretrained::BlockInput input;
      input.rotary = model.rotary_of(at, tables);
      std::vector<at::Tensor> leaves{x};
      if (attention != nullptr) {
        input.head_scale = at::ones({attention->heads}).requires_grad_();
        leaves.push_back(input.head_scale);
      }
      nn::AttentionRecord record;
      const at::Tensor y = block->forward(x, input, record);
      const auto gradients = torch::autograd::grad({y}, leaves, {gradient.narrow(0, n, 1)});
      gradient.narrow(0, n, 1).copy_(gradients[0]);
      if (attention != nullptr) sum += gradients[1].abs().to(at::kDouble);
    }
    sum.div_(static_cast<double>(tokens.size(0)));
    scores[layer].assign(sum.const_data_ptr<double>(), sum.const_data_ptr<double>() + sum.numel());
    layer_done(kBackward * tokens.size(0));
  }
  return scores;
}

}  // namespace sinkwise::inspect
