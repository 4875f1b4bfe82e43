#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config_reader.h"
#include "sinkwise/pretrained/config.h"
#include "tensor_source.h"

namespace sinkwise::pretrained {

// Parameters of one layer (Block) or of the ends of a model (embedding.weight, positions.weight,
// norm.weight, norm.bias, output.weight) by our names.
using Tensors = std::map<std::string, at::Tensor>;

// How a family's files are read: its configuration, and where each of our parameters is.
struct Family {
  std::string name;
  std::vector<std::string> model_types;  // of config.json
  std::function<ModelConfig(const ConfigReader&)> config;

  // Names of the file. "{}" in `layer` stands for the number of the layer.
  std::string layer, embedding, final_norm, output;
  std::string positions{};       // where positions are learned
  bool turned_matrices = false;  // the linear layers of a block are [in, out]
  double norm_offset = 0.0;  // added to the weight of the final norm: 1 where it is stored around 0

  // All parameters of one layer; `prefix` is `layer` with its number, such as "model.layers.3.".
  std::function<Tensors(const TensorSource&, const std::string& prefix, const ModelConfig&,
                        const LayerConfig&)>
      block;
};

Family llama_family();        // llama, mistral, qwen2, qwen3
Family gemma3_family();       // gemma3, gemma3_text
Family gpt2_family();         // gpt2
Family gpt_neox_family();     // gpt_neox
Family gpt_oss_family();      // gpt_oss
Family granite_swa_family();  // granite_swa
Family qwen3_next_family();   // qwen3_next, qwen3_5, qwen3_5_text

// "model.layers.3." for layer 3.
std::string layer_prefix(const Family& family, std::int64_t layer);

// BadFile or Unsupported, with the list of what is known, for another model_type.
const Family& family_of(const std::string& model_type, const std::string& where);

// --- For the families ---

// "{ours, theirs}": tensors that are taken as they stand.
struct Renamed {
  const char *ours, *theirs;
};
void take(Tensors& into, const TensorSource& source, const std::string& prefix,
          const std::vector<Renamed>& names);
// The same for a weight and its bias, where the file has one: names without ".weight".
void take_linear(Tensors& into, const TensorSource& source, const std::string& prefix,
                 const std::vector<Renamed>& names);

// The projections of attention and MLP, which most families name as Llama does.
void take_llama_attention(Tensors& into, const TensorSource& source, const std::string& prefix);
void take_llama_mlp(Tensors& into, const TensorSource& source, const std::string& prefix);

// `tensor` as `shape`; BadFile that names it when the numbers of elements differ.
at::Tensor reshaped(const at::Tensor& tensor, const std::vector<std::int64_t>& shape,
                    const std::string& name);

// The text model's configuration where a model that also sees pictures keeps it apart, else all of
// it. Kept apart, transformers leaves out what its class has by default: `defaults` are those.
ConfigReader text_config(const ConfigReader& outer, nlohmann::json defaults);

// The sizes and the attention that nearly every config.json spells alike.
ModelConfig common_config(const ConfigReader& config);
nn::AttentionConfig common_attention(const ConfigReader& config, const ModelConfig& model);

// GELU by the error function or by the hyperbolic tangent, which goes by three names.
nn::MlpKind gelu_of(const ConfigReader& config, const std::string& name,
                    const std::string& otherwise);

// Per layer, whether it has a sliding window: by layer_types, or else by the `otherwise` rule.
std::vector<std::string> layer_types(const ConfigReader& config, std::int64_t layers,
                                     const std::function<std::string(std::int64_t)>& otherwise);

// One layer of softmax attention, with a window where its type asks for one; rotary 0. Unsupported
// for linear attention. `window` is used where the file does not name it; 0: the file must.
LayerConfig softmax_layer(const ConfigReader& config, const std::string& type,
                          nn::AttentionConfig attention,
                          const std::variant<MlpConfig, nn::ExpertsConfig>& mlp,
                          std::int64_t window = 0);

}  // namespace sinkwise::pretrained
