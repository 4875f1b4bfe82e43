#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gguf_names.h"
#include "open.h"
#include "sinkwise/core/text.h"

// The config.json that Hugging Face would have for a GGUF file. Where llama.cpp has a constant in
// its program, the constant is here; where it only approximates the model that was converted, that
// model is kept to.

namespace sinkwise::pretrained {
namespace {

using nlohmann::json;
using weights::GgufMetadata;

// Keys of an architecture, copied to members of the configuration where the file has them.
class Keys {
 public:
  Keys(const GgufMetadata& metadata, std::string architecture, json& config)
      : metadata_(metadata), architecture_(std::move(architecture)), config_(config) {}

  bool has(const std::string& key) const { return metadata_.find(full(key)) != nullptr; }
  double number(const std::string& key) const { return metadata_.number(full(key)); }
  std::string text(const std::string& key) const { return std::string(metadata_.text(full(key))); }

  void integer(const char* member, const std::string& key) const { integer(config_, member, key); }
  void integer(json& into, const char* member, const std::string& key) const {
    if (has(key)) into[member] = metadata_.integer(full(key));
  }
  void number(const char* member, const std::string& key) const { number(config_, member, key); }
  void number(json& into, const char* member, const std::string& key) const {
    if (has(key)) into[member] = number(key);
  }

  json& config() const { return config_; }

 private:
  std::string full(const std::string& key) const { return concat(architecture_, ".", key); }

  const GgufMetadata& metadata_;
  std::string architecture_;
  json& config_;
};

// llama.cpp takes a factor without a type for a linear one, and 0 for none.
void add_scaling(const Keys& keys, const std::string& where) {
  const char* factor =
      keys.has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear";
  const bool scaled = keys.has(factor) && keys.number(factor) != 0.0;
  if (keys.has("rope.scaling.attn_factor") && keys.number("rope.scaling.attn_factor") != 1.0) {
    ConfigReader({{"rope.scaling.attn_factor", keys.number("rope.scaling.attn_factor")}}, where)
        .unsupported("rope.scaling.attn_factor", "1");
  }
  if (!keys.has("rope.scaling.type") && !scaled) return;
  json& rope = keys.config()["rope_scaling"];
  const std::string type =
      keys.has("rope.scaling.type") ? keys.text("rope.scaling.type") : "linear";
  rope["rope_type"] = type == "none" ? "default" : type;
  if (scaled) keys.number(rope, "factor", factor);
  keys.integer(rope, "original_max_position_embeddings", "rope.scaling.original_context_length");
  keys.number(rope, "beta_fast", "rope.scaling.yarn_beta_fast");
  keys.number(rope, "beta_slow", "rope.scaling.yarn_beta_slow");
}

// The size of a head where the file does not name it.
double usual_head_size(const Keys& keys) {
  return std::floor(keys.number("embedding_length") /
                    std::max(1.0, keys.number("attention.head_count")));
}

// Heads of these models turn whole.
void check_rotated(const Keys& keys, const std::string& where) {
  constexpr const char* kKey = "rope.dimension_count";
  if (!keys.has(kKey) || !keys.has("attention.head_count")) return;
  const double head = keys.has("attention.key_length") ? keys.number("attention.key_length")
                                                       : usual_head_size(keys);
  if (keys.number(kKey) == head) return;
  ConfigReader({{kKey, keys.number(kKey)}}, where).unsupported(kKey, concat(head));
}

void add_llama(const Keys& keys, const std::string& where) {
  keys.integer("hidden_size", "embedding_length");
  keys.integer("num_hidden_layers", "block_count");
  keys.integer("intermediate_size", "feed_forward_length");
  keys.integer("num_attention_heads", "attention.head_count");
  keys.integer("num_key_value_heads", "attention.head_count_kv");
  keys.integer("head_dim", "attention.key_length");
  keys.integer("max_position_embeddings", "context_length");
  keys.number("rms_norm_eps", "attention.layer_norm_rms_epsilon");
  keys.number("rope_theta", "rope.freq_base");
  add_scaling(keys, where);
}

// Not in the file: queries are scaled by the size of a head, or in the largest model (62 layers) by
// the width over the heads; every sixth layer sees everything.
void add_gemma3(const Keys& keys, const std::string& where) {
  add_llama(keys, where);
  check_rotated(keys, where);
  json& config = keys.config();
  const bool largest = keys.has("block_count") && keys.number("block_count") == 62.0;
  config["query_pre_attn_scalar"] =
      largest ? keys.number("embedding_length") / keys.number("attention.head_count")
              : keys.number("attention.key_length");
  config["sliding_window_pattern"] = keys.has("attention.sliding_window") ? 6 : 1;
  keys.integer("sliding_window", "attention.sliding_window");
  keys.integer("sliding_window_pattern", "attention.sliding_window_pattern");
  keys.number("rope_local_base_freq", "rope.freq_base_swa");
  keys.number("final_logit_softcapping", "final_logit_softcapping");
}

void add_gpt2(const Keys& keys) {
  keys.integer("n_embd", "embedding_length");
  keys.integer("n_layer", "block_count");
  keys.integer("n_head", "attention.head_count");
  keys.integer("n_inner", "feed_forward_length");
  keys.integer("n_positions", "context_length");
  keys.number("layer_norm_epsilon", "attention.layer_norm_epsilon");
}

void add_gpt_neox(const Keys& keys, const GgufMetadata& metadata, const std::string& where) {
  add_llama(keys, where);
  json& config = keys.config();
  keys.number("layer_norm_eps", "attention.layer_norm_epsilon");
  keys.number("rotary_emb_base", "rope.freq_base");
  const weights::GgufValue* parallel = metadata.find("gptneox.use_parallel_residual");
  if (parallel != nullptr && std::holds_alternative<bool>(*parallel)) {
    config["use_parallel_residual"] = std::get<bool>(*parallel);
  }
  if (!keys.has("rope.dimension_count")) return;
  // The file has the channels that turn, a configuration their share of a head.
  const double channels = keys.number("rope.dimension_count");
  const double head = usual_head_size(keys);
  double share = channels / std::max(1.0, head);
  if (head * share < channels) share = std::nextafter(share, 2.0);
  config["rotary_pct"] = share;
}

// llama.cpp rounds the channels between which YaRN blends; the model was trained without.
void add_gpt_oss(const Keys& keys, const std::string& where) {
  add_llama(keys, where);
  check_rotated(keys, where);
  json& config = keys.config();
  keys.integer("intermediate_size", "expert_feed_forward_length");
  keys.integer("num_local_experts", "expert_count");
  keys.integer("num_experts_per_tok", "expert_used_count");
  keys.integer("sliding_window", "attention.sliding_window");
  if (config.contains("rope_scaling")) config["rope_scaling"]["truncate"] = false;
  keys.integer("sliding_window_pattern", "attention.sliding_window_pattern");
  if (config.value("sliding_window_pattern", json(2)) != 2) {
    ConfigReader(config, where).unsupported("sliding_window_pattern", "2");
  }
}

// The tokens that end a text, a turn of a dialogue, and a message of several in one turn.
std::vector<std::int64_t> end_ids(const GgufMetadata& metadata) {
  std::vector<std::int64_t> ids;
  for (const char* name : {"eos", "eot", "eom"}) {
    const std::string key = concat("tokenizer.ggml.", name, "_token_id");
    if (metadata.find(key) == nullptr) continue;
    const std::int64_t id = metadata.integer(key);
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

}  // namespace

ConfigReader gguf_config(const weights::Weights& weights, const std::string& where) {
  const GgufMetadata& metadata = weights.gguf();
  const GgufArchitecture& architecture =
      gguf_architecture(std::string(metadata.text("general.architecture")), where);
  const auto& vocabulary = weights.at("token_embd.weight").shape;
  json config = {{"model_type", architecture.model_type},
                 {"vocab_size", vocabulary.empty() ? 0 : vocabulary.front()},
                 {"tie_word_embeddings", weights.find("output.weight") == nullptr}};
  const Keys keys(metadata, architecture.name, config);
  if (architecture.name == "gemma3") {
    add_gemma3(keys, where);
  } else if (architecture.name == "gpt2") {
    add_gpt2(keys);
  } else if (architecture.name == "gptneox") {
    add_gpt_neox(keys, metadata, where);
  } else if (architecture.name == "gpt-oss") {
    add_gpt_oss(keys, where);
  } else {
    add_llama(keys, where);
    check_rotated(keys, where);
  }
  constexpr const char* kBegin = "tokenizer.ggml.bos_token_id";
  if (metadata.find(kBegin) != nullptr) config["bos_token_id"] = metadata.integer(kBegin);
  const auto ends = end_ids(metadata);
  if (!ends.empty()) config["eos_token_id"] = ends.size() == 1 ? json(ends.front()) : json(ends);
  return {std::move(config), where};
}

}  // namespace sinkwise::pretrained
