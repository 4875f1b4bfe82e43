#include "sinkwise/pretrained/block.h"

namespace sinkwise::pretrained {

namespace {

// Linear attention of packed documents (document_start [B, T], or undefined): each begins with an
// empty state, as each attends to itself alone elsewhere.
at::Tensor mix_documents(const nn::GatedDelta& layer, const at::Tensor& x,
                         const at::Tensor& document_start) {
  if (!document_start.defined()) return layer.forward(x);
  const at::Tensor starts = document_start.contiguous();
  std::vector<at::Tensor> rows;
  for (std::int64_t row = 0; row < x.size(0); ++row) {
    const std::int64_t* start = starts.const_data_ptr<std::int64_t>() + row * x.size(1);
    std::vector<at::Tensor> documents;
    for (std::int64_t from = 0, to = 0; from < x.size(1); from = to) {
      while (to < x.size(1) && start[to] <= from) ++to;
      documents.push_back(layer.forward(x.narrow(0, row, 1).narrow(1, from, to - from)));
    }
    rows.push_back(at::cat(documents, 1));
  }
  return at::cat(rows);
}

}  // namespace

Block::Block(const ModelConfig& model, const LayerConfig& layer)
    : parallel_(model.parallel_residual) {
  auto norm = [&](const char* name) {
    return register_module(name,
                           std::make_shared<nn::Norm>(model.width, model.norm, model.norm_epsilon));
  };
  input_norm_ = norm("input_norm");
  mlp_norm_ = norm("mlp_norm");
  if (model.post_norms) {
    post_attention_norm_ = norm("post_attention_norm");
    post_mlp_norm_ = norm("post_mlp_norm");
  }
  if (const auto* attention = layer.attention()) {
    attention_ = register_module("attention", std::make_shared<nn::Attention>(*attention));
  } else {
    linear_attention_ = register_module(
        "linear_attention",
        std::make_shared<nn::GatedDelta>(std::get<nn::GatedDeltaConfig>(layer.mixer)));
  }
  if (const auto* mlp = std::get_if<MlpConfig>(&layer.mlp)) {
    mlp_ = register_module(
        "mlp", std::make_shared<nn::Mlp>(mlp->kind, model.width, mlp->hidden, mlp->bias));
  } else {
    experts_ = register_module(
        "experts", std::make_shared<nn::Experts>(std::get<nn::ExpertsConfig>(layer.mlp)));
  }
}

at::Tensor Block::forward(const at::Tensor& x, const BlockInput& input,
                          nn::AttentionRecord& record) const {
  at::Tensor mixed = mix(input_norm_->forward(x), input, record);
  if (post_attention_norm_) mixed = post_attention_norm_->forward(mixed);
  if (parallel_) return x + mixed + transform(mlp_norm_->forward(x));
  const at::Tensor middle = x + mixed;
  at::Tensor transformed = transform(mlp_norm_->forward(middle));
  if (post_mlp_norm_) transformed = post_mlp_norm_->forward(transformed);
  return middle + transformed;
}

at::Tensor Block::mix(const at::Tensor& x, const BlockInput& input,
                      nn::AttentionRecord& record) const {
  if (!attention_) {
    if (input.cache == nullptr) return mix_documents(*linear_attention_, x, input.document_start);
    return linear_attention_->forward(x, &input.cache->delta);
  }
  nn::AttentionInput attention;
  attention.x = x;
  attention.document_start = input.document_start;
  attention.rotary = input.rotary;
  attention.head_scale = input.head_scale;
  attention.drop_first_value = input.drop_first_value;
  attention.observe = input.observe;
  if (input.cache != nullptr) attention.cache = &input.cache->attention;
  nn::AttentionOutput output = attention_->forward(attention);
  record = std::move(output.record);
  return output.y;
}

at::Tensor Block::transform(const at::Tensor& x) const {
  return mlp_ ? mlp_->forward(x) : experts_->forward(x);
}

}  // namespace sinkwise::pretrained
