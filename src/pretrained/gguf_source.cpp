#include <array>
#include <nlohmann/json.hpp>

#include "open.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/tokenizer/gguf_vocabulary.h"
#include "sinkwise/weights/rotary_rows.h"
#include "weights_source.h"

// GGUF as if it were a Hugging Face folder: names, the order of rotary rows and config.json.

namespace sinkwise::pretrained {
namespace {

using nlohmann::json;
using weights::GgufMetadata;

struct Names {
  const char *hugging_face, *gguf;
};

constexpr std::array kEnds = {Names{"model.embed_tokens.weight", "token_embd.weight"},
                              Names{"model.norm.weight", "output_norm.weight"},
                              Names{"lm_head.weight", "output.weight"}};

constexpr std::array kLayer = {
    Names{"input_layernorm", "attn_norm"},    Names{"post_attention_layernorm", "ffn_norm"},
    Names{"self_attn.q_proj", "attn_q"},      Names{"self_attn.k_proj", "attn_k"},
    Names{"self_attn.v_proj", "attn_v"},      Names{"self_attn.o_proj", "attn_output"},
    Names{"self_attn.q_norm", "attn_q_norm"}, Names{"self_attn.k_norm", "attn_k_norm"},
    Names{"mlp.gate_proj", "ffn_gate"},       Names{"mlp.up_proj", "ffn_up"},
    Names{"mlp.down_proj", "ffn_down"}};

constexpr std::string_view kLayers = "model.layers.";

std::string architecture_of(const GgufMetadata& metadata) {
  return std::string(metadata.text("general.architecture"));
}

// "model.layers.3.self_attn.q_proj.weight" to "blk.3.attn_q.weight"; empty for a name without
// counterpart.
std::string translated(const std::string& name) {
  for (const Names& names : kEnds) {
    if (name == names.hugging_face) return names.gguf;
  }
  if (!name.starts_with(kLayers)) return {};
  const auto after = name.find('.', kLayers.size()), kind = name.rfind('.');
  if (after == std::string::npos || kind <= after) return {};
  const std::string middle = name.substr(after + 1, kind - after - 1);
  for (const Names& names : kLayer) {
    if (middle != names.hugging_face) continue;
    return concat("blk.", name.substr(kLayers.size(), after - kLayers.size()), ".", names.gguf,
                  name.substr(kind));
  }
  return {};
}

// The way back; empty for what Hugging Face keeps elsewhere, such as the factors of rope_freqs.
std::string translated_back(const std::string& name) {
  for (const Names& names : kEnds) {
    if (name == names.gguf) return names.hugging_face;
  }
  if (!name.starts_with("blk.")) return {};
  const auto after = name.find('.', 4), kind = name.rfind('.');
  if (after == std::string::npos || kind <= after) return {};
  const std::string middle = name.substr(after + 1, kind - after - 1);
  for (const Names& names : kLayer) {
    if (middle != names.gguf) continue;
    return concat(kLayers, name.substr(4, after - 4), ".", names.hugging_face, name.substr(kind));
  }
  return {};
}

class GgufSource : public WeightsSource {
 public:
  explicit GgufSource(weights::Weights weights) : WeightsSource(std::move(weights)) {
    const GgufMetadata& metadata = this->weights().gguf();
    const std::string architecture = architecture_of(metadata);
    interleaved_ = weights::rotary_rows(architecture) == weights::RotaryRows::interleaved;
    heads_ = static_cast<std::int64_t>(metadata.integer(architecture + ".attention.head_count"));
    const std::string key_heads = architecture + ".attention.head_count_kv";
    key_heads_ = metadata.find(key_heads) == nullptr
                     ? heads_
                     : static_cast<std::int64_t>(metadata.integer(key_heads));
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const std::string& own : WeightsSource::names()) {
      std::string name = translated_back(own);
      if (!name.empty()) result.push_back(std::move(name));
    }
    return result;
  }

  // Mostly quantised, and some rows in another order: read, so that there is one rule.
  std::optional<Stored> stored(const std::string& /*name*/) const override { return std::nullopt; }

 private:
  std::string spelled(const std::string& name) const override {
    const std::string own = translated(name);
    return own.empty() ? name : own;
  }

  void restore(const std::string& name, const at::Tensor& values) const override {
    if (!interleaved_) return;
    if (name.find("self_attn.q_proj") != std::string::npos) undo_interleaved(values, heads_);
    if (name.find("self_attn.k_proj") != std::string::npos) undo_interleaved(values, key_heads_);
  }

  bool interleaved_ = false;
  std::int64_t heads_ = 0, key_heads_ = 0;
};

// The values of an array of metadata as `T`; empty when the key is missing.
template <typename T>
std::vector<T> values_of(const GgufMetadata& metadata, std::string_view key) {
  std::vector<T> result;
  if (metadata.find(key) == nullptr) return result;
  for (const weights::GgufValue& value : metadata.array(key).values()) {
    std::visit(
        [&](const auto& v) {
          using V = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<T, std::string>) {
            if constexpr (std::is_same_v<V, std::string_view>) result.emplace_back(v);
          } else if constexpr (std::is_arithmetic_v<V>) {
            result.push_back(static_cast<T>(v));
          }
        },
        value);
  }
  return result;
}

std::optional<std::int64_t> integer_of(const GgufMetadata& metadata, std::string_view key) {
  if (metadata.find(key) == nullptr) return std::nullopt;
  return static_cast<std::int64_t>(metadata.integer(key));
}

std::optional<bool> flag_of(const GgufMetadata& metadata, std::string_view key) {
  const weights::GgufValue* value = metadata.find(key);
  const bool* flag = value == nullptr ? nullptr : std::get_if<bool>(value);
  return flag == nullptr ? std::nullopt : std::optional(*flag);
}

tokenizer::GgufVocabulary vocabulary_of(const GgufMetadata& metadata) {
  tokenizer::GgufVocabulary vocabulary;
  vocabulary.model = metadata.text("tokenizer.ggml.model");
  if (metadata.find("tokenizer.ggml.pre") != nullptr) {
    vocabulary.pre = metadata.text("tokenizer.ggml.pre");
  }
  vocabulary.tokens = values_of<std::string>(metadata, "tokenizer.ggml.tokens");
  vocabulary.types = values_of<std::int32_t>(metadata, "tokenizer.ggml.token_type");
  vocabulary.merges = values_of<std::string>(metadata, "tokenizer.ggml.merges");
  vocabulary.scores = values_of<float>(metadata, "tokenizer.ggml.scores");
  vocabulary.bos_token_id = integer_of(metadata, "tokenizer.ggml.bos_token_id");
  vocabulary.eos_token_id = integer_of(metadata, "tokenizer.ggml.eos_token_id");
  vocabulary.unknown_token_id = integer_of(metadata, "tokenizer.ggml.unknown_token_id");
  vocabulary.padding_token_id = integer_of(metadata, "tokenizer.ggml.padding_token_id");
  vocabulary.add_bos_token = flag_of(metadata, "tokenizer.ggml.add_bos_token");
  vocabulary.add_eos_token = flag_of(metadata, "tokenizer.ggml.add_eos_token");
  vocabulary.add_space_prefix = flag_of(metadata, "tokenizer.ggml.add_space_prefix");
  if (metadata.find("tokenizer.chat_template") != nullptr) {
    vocabulary.chat_template = metadata.text("tokenizer.chat_template");
  }
  return vocabulary;
}

}  // namespace

std::unique_ptr<TensorSource> gguf_source(weights::Weights weights) {
  return std::make_unique<GgufSource>(std::move(weights));
}

ConfigReader gguf_config(const weights::Weights& weights, const std::string& where) {
  const GgufMetadata& metadata = weights.gguf();
  const std::string architecture = architecture_of(metadata);
  if (architecture != "llama" && architecture != "qwen2" && architecture != "qwen3") {
    throw Unsupported({"a GGUF file is of an architecture that is not built in",
                       concat(where, ", general.architecture"), "llama, qwen2 or qwen3",
                       printable(architecture), "use the model's safetensors"});
  }
  json config = {{"model_type", architecture},
                 {"vocab_size", weights.at("token_embd.weight").shape.at(0)}};
  auto integer = [&](const char* ours, const std::string& theirs) {
    if (const auto value = integer_of(metadata, concat(architecture, ".", theirs)))
      config[ours] = *value;
  };
  auto number = [&](const char* ours, const std::string& theirs) {
    const std::string key = concat(architecture, ".", theirs);
    if (metadata.find(key) != nullptr) config[ours] = metadata.number(key);
  };
  integer("hidden_size", "embedding_length");
  integer("num_hidden_layers", "block_count");
  integer("intermediate_size", "feed_forward_length");
  integer("num_attention_heads", "attention.head_count");
  integer("num_key_value_heads", "attention.head_count_kv");
  integer("head_dim", "attention.key_length");
  integer("max_position_embeddings", "context_length");
  number("rms_norm_eps", "attention.layer_norm_rms_epsilon");
  number("rope_theta", "rope.freq_base");
  for (const char* name : {"bos_token_id", "eos_token_id"}) {
    if (const auto id = integer_of(metadata, concat("tokenizer.ggml.", name))) config[name] = *id;
  }
  config["tie_word_embeddings"] = weights.find("output.weight") == nullptr;
  const std::string scaling = concat(architecture, ".rope.scaling.");
  if (metadata.find(scaling + "type") != nullptr) {
    json& rope = config["rope_scaling"];
    rope["rope_type"] = metadata.text(scaling + "type") == "none"
                            ? "default"
                            : std::string(metadata.text(scaling + "type"));
    if (metadata.find(scaling + "factor") != nullptr)
      rope["factor"] = metadata.number(scaling + "factor");
    if (const auto length = integer_of(metadata, scaling + "original_context_length")) {
      rope["original_max_position_embeddings"] = *length;
    }
  }
  return {std::move(config), where};
}

tokenizer::Tokenizer gguf_tokenizer(const weights::Weights& weights, const std::string& where) {
  return tokenizer::tokenizer_from_gguf(vocabulary_of(weights.gguf()), where);
}

tokenizer::HuggingFaceFiles gguf_tokenizer_files(const weights::Weights& weights,
                                                 const std::string& where) {
  return tokenizer::hugging_face_files(vocabulary_of(weights.gguf()), where);
}

}  // namespace sinkwise::pretrained
