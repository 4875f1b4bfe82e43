#include "sinkwise/models/decoder/decoder.h"

#include <algorithm>
#include <cmath>

#include "sinkwise/core/error.h"
#include "sinkwise/core/random.h"
#include "sinkwise/core/text.h"

namespace sinkwise::models {
namespace {

nn::AttentionConfig attention_of_layer(const DecoderConfig& config, std::int64_t layer) {
  nn::AttentionConfig attention = config.attention;
  const auto& windowed = config.windowed_layers;
  const bool full =
      !windowed.empty() && std::find(windowed.begin(), windowed.end(), layer) == windowed.end();
  if (full) attention.window.reset();
  return attention;
}

}  // namespace

DecoderBlock::DecoderBlock(const DecoderConfig& config, std::int64_t layer) {
  const auto width = config.attention.width;
  attention_norm_ = register_module("input_layernorm", std::make_shared<nn::Norm>(width));
  attention = register_module("self_attn",
                              std::make_shared<nn::Attention>(attention_of_layer(config, layer)));
  mlp_norm_ = register_module("post_attention_layernorm", std::make_shared<nn::Norm>(width));
  mlp_ = register_module("mlp", std::make_shared<nn::Mlp>(config.mlp, width, config.mlp_hidden));
}

at::Tensor DecoderBlock::forward(const at::Tensor& x, nn::AttentionInput input,
                                 nn::AttentionRecord& record) const {
  input.x = attention_norm_->forward(x);
  nn::AttentionOutput mixed = attention->forward(input);
  record = std::move(mixed.record);
  const at::Tensor middle = x + mixed.y;
  return middle + mlp_->forward(mlp_norm_->forward(middle));
}

// Everything under the name "model": the part that Llama checkpoints keep apart from the output
// matrix.
class Decoder::Trunk : public torch::nn::Module {
 public:
  explicit Trunk(const DecoderConfig& config) {
    const auto width = config.attention.width;
    if (config.vocabulary > 0) {
      embedding =
          register_module("embed_tokens", std::make_shared<nn::Linear>(width, config.vocabulary));
    } else {
      features = register_module("embed_features",
                                 std::make_shared<nn::Linear>(config.feature_size, width));
    }
    if (config.positions == Positions::learned) {
      positions = register_parameter("positions", at::zeros({config.context_length, width}));
    }
    auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
      blocks.push_back(std::make_shared<DecoderBlock>(config, layer));
      layers->register_module(std::to_string(layer), blocks.back());
    }
    norm = register_module("norm", std::make_shared<nn::Norm>(width));
  }

  std::shared_ptr<nn::Linear> embedding;  // weight [V, width], looked up by row
  std::shared_ptr<nn::Linear> features;   // [F] -> [width]
  at::Tensor positions;                   // [context_length, width] or undefined
  std::vector<std::shared_ptr<DecoderBlock>> blocks;
  std::shared_ptr<nn::Norm> norm;
};

Decoder::Decoder(const DecoderConfig& config) : config_(config) {
  check(config_);
  trunk_ = register_module("model", std::make_shared<Trunk>(config_));
  blocks_ = trunk_->blocks;
  if (!config_.tied_embedding) {
    const auto outputs = std::max(config_.vocabulary, config_.feature_size);
    head_ =
        register_module("lm_head", std::make_shared<nn::Linear>(config_.attention.width, outputs));
  }
  if (config_.positions == Positions::rotary) {
    rotary_ = nn::RotaryTable::make(config_.context_length, config_.attention.head_size,
                                    config_.rotary_base);
  }
}

DecoderOutput Decoder::forward(const DecoderInput& input, const ForwardOptions& options) const {
  at::Tensor x = embed(input, options.compute_type);  // [B, T, width]
  nn::AttentionInput attention;
  attention.document_start = input.document_start;
  attention.observe = options.observe;
  attention.paths = options.paths;
  nn::RotaryTable rotary;
  if (config_.positions == Positions::rotary) {
    rotary = {rotary_.cosine.to(x.device()), rotary_.sine.to(x.device())};
    attention.rotary = &rotary;
  }
  DecoderOutput output;
  output.records.resize(blocks_.size());
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    if (options.head_scale.defined()) {
      attention.head_scale = options.head_scale[static_cast<std::int64_t>(layer)];
    }
    x = blocks_[layer]->forward(x, attention, output.records[layer]);
  }
  output.logits = predict(trunk_->norm->forward(x));
  return output;
}

at::Tensor Decoder::embed(const DecoderInput& input, at::ScalarType type) const {
  const at::Tensor& source = trunk_->embedding ? input.tokens : input.features;
  const auto T = source.size(1);
  if (T > config_.context_length) {
    throw BadArgument({"decoder: the input is longer than the context", "tokens [B, T]",
                       concat("T at most ", config_.context_length), concat(T),
                       "raise model.context_length"});
  }
  at::Tensor x = trunk_->embedding ? at::embedding(trunk_->embedding->weight, source)
                                   : trunk_->features->forward(source);
  if (trunk_->positions.defined()) x = x + trunk_->positions.narrow(0, 0, T);
  return x.to(type);
}

at::Tensor Decoder::predict(const at::Tensor& hidden) const {
  return head_ ? head_->forward(hidden) : trunk_->embedding->forward(hidden);
}

void initialise(Decoder& model, const InitConfig& init, std::uint64_t seed) {
  torch::NoGradGuard no_grad;
  const auto& config = model.config();
  const double matrix = init.matrix_scale / std::sqrt(static_cast<double>(config.attention.width));
  // Both matrices that write into the residual stream, of which there are 2 L (GPT-2's rule).
  const double residual = 1.0 / std::sqrt(2.0 * static_cast<double>(config.layers));
  for (auto& item : model.named_parameters()) {
    const std::string& name = item.key();
    auto contains = [&name](const char* part) { return name.find(part) != std::string::npos; };
    if (contains("norm.weight") || contains("sinks")) continue;
    double deviation = matrix;
    if (contains("embed_tokens") || contains("positions") || contains("lm_head")) {
      deviation = init.embedding_std;
    } else if (contains("o_proj") || contains("down_proj")) {
      deviation *= residual;
    }
    auto generator = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, name.c_str()));
    item.value().copy_(at::randn(item.value().sizes(), generator) * deviation);
  }
}

}  // namespace sinkwise::models
