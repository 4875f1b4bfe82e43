#include "recomputed.h"

namespace sinkwise::pretrained {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Layer = std::function<LayerOutput(const at::Tensor&)>;

// A function is no tensor, so it travels in a holder that the context can keep.
struct Holder : torch::CustomClassHolder {
  explicit Holder(Layer l) : layer(std::move(l)) {}
  Layer layer;
};

struct Recomputed : torch::autograd::Function<Recomputed> {
  // `anchor` requires a gradient and carries none: without it a first layer, whose input is not
  // trained, would be left out of the graph.
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const at::Tensor& /*anchor*/, const Layer& layer) {
    context->save_for_backward({x});
    context->saved_data["layer"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(layer));
    const torch::NoGradGuard no_grad;
    const LayerOutput output = layer(x);
    if (!output.gate.defined()) return {output.y};
    return {output.y, output.gate};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto capsule = context->saved_data["layer"].toCapsule();
    const Layer& layer = static_cast<const Holder&>(*capsule).layer;
    const at::AutoGradMode with_gradients(true);
    const at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_();
    const LayerOutput output = layer(x);
    variable_list roots{output.y}, upstream{gradients[0]};
    if (gradients.size() > 1 && gradients[1].defined() && output.gate.requires_grad()) {
      roots.push_back(output.gate);
      upstream.push_back(gradients[1]);
    }
    torch::autograd::backward(roots, upstream);
    return {x.grad(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

LayerOutput recomputed(const Layer& layer, const at::Tensor& x) {
  if (!at::GradMode::is_enabled()) return layer(x);
  const at::Tensor anchor = at::zeros({}, x.options()).requires_grad_();
  const variable_list outputs = Recomputed::apply(x, anchor, layer);
  return {outputs[0], outputs.size() > 1 ? outputs[1] : at::Tensor()};
}

}  // namespace sinkwise::pretrained
