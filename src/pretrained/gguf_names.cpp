#include "gguf_names.h"

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

using Names = std::vector<GgufName>;
constexpr std::string_view kBlocks = "blk.";

Names operator+(Names left, const Names& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// A weight and its bias, `change` done to both or, where it needs two dimensions, to the weight.
Names linear(const std::string& hugging_face, const std::string& gguf,
             GgufChange change = GgufChange::none) {
  const bool both = change != GgufChange::turned;
  return {{hugging_face + ".weight", gguf + ".weight", change},
          {hugging_face + ".bias", gguf + ".bias", both ? change : GgufChange::none}};
}

Names norm_plus_one(const std::string& hugging_face, const std::string& gguf) {
  return {{hugging_face + ".weight", gguf + ".weight", GgufChange::plus_one}};
}

Names llama_ends() {
  return {{"model.embed_tokens.weight", "token_embd.weight"},
          {"model.norm.weight", "output_norm.weight"},
          {"lm_head.weight", "output.weight"}};
}

Names llama_attention() {
  return linear("self_attn.q_proj", "attn_q", GgufChange::queries) +
         linear("self_attn.k_proj", "attn_k", GgufChange::keys) +
         linear("self_attn.v_proj", "attn_v") + linear("self_attn.o_proj", "attn_output");
}

Names llama_mlp() {
  return linear("mlp.gate_proj", "ffn_gate") + linear("mlp.up_proj", "ffn_up") +
         linear("mlp.down_proj", "ffn_down");
}

GgufArchitecture like_llama(const std::string& name) {
  return {name, name, "model.layers.", llama_ends(),
          llama_attention() + llama_mlp() + linear("self_attn.q_norm", "attn_q_norm") +
              linear("self_attn.k_norm", "attn_k_norm") + linear("input_layernorm", "attn_norm") +
              linear("post_attention_layernorm", "ffn_norm")};
}

GgufArchitecture gemma3() {
  Names ends = llama_ends();
  ends[1].change = GgufChange::plus_one;
  return {"gemma3", "gemma3_text", "model.layers.", ends,
          llama_attention() + llama_mlp() + norm_plus_one("self_attn.q_norm", "attn_q_norm") +
              norm_plus_one("self_attn.k_norm", "attn_k_norm") +
              norm_plus_one("input_layernorm", "attn_norm") +
              norm_plus_one("post_attention_layernorm", "post_attention_norm") +
              norm_plus_one("pre_feedforward_layernorm", "ffn_norm") +
              norm_plus_one("post_feedforward_layernorm", "post_ffw_norm")};
}

GgufArchitecture gpt2() {
  const Names ends = {{"transformer.wte.weight", "token_embd.weight"},
                      {"transformer.wpe.weight", "position_embd.weight"},
                      {"lm_head.weight", "output.weight"}};
  return {"gpt2", "gpt2", "transformer.h.", ends + linear("transformer.ln_f", "output_norm"),
          linear("ln_1", "attn_norm") + linear("ln_2", "ffn_norm") +
              linear("attn.c_attn", "attn_qkv", GgufChange::turned) +
              linear("attn.c_proj", "attn_output", GgufChange::turned) +
              linear("mlp.c_fc", "ffn_up", GgufChange::turned) +
              linear("mlp.c_proj", "ffn_down", GgufChange::turned)};
}

GgufArchitecture gpt_neox() {
  const Names ends = {{"gpt_neox.embed_in.weight", "token_embd.weight"},
                      {"embed_out.weight", "output.weight"}};
  return {"gptneox", "gpt_neox", "gpt_neox.layers.",
          ends + linear("gpt_neox.final_layer_norm", "output_norm"),
          linear("input_layernorm", "attn_norm") + linear("post_attention_layernorm", "ffn_norm") +
              linear("attention.query_key_value", "attn_qkv", GgufChange::parts_apart) +
              linear("attention.dense", "attn_output") + linear("mlp.dense_h_to_4h", "ffn_up") +
              linear("mlp.dense_4h_to_h", "ffn_down")};
}

GgufArchitecture gpt_oss() {
  const Names experts = {
      {"mlp.experts.gate_up_proj", "ffn_gate_exps.weight", GgufChange::gate_and_up},
      {"mlp.experts.gate_up_proj_bias", "ffn_gate_exps.bias", GgufChange::gate_and_up},
      {"mlp.experts.down_proj", "ffn_down_exps.weight", GgufChange::turned},
      {"mlp.experts.down_proj_bias", "ffn_down_exps.bias"},
      {"self_attn.sinks", "attn_sinks.weight"}};
  return {"gpt-oss", "gpt_oss", "model.layers.", llama_ends(),
          llama_attention() + experts + linear("mlp.router", "ffn_gate_inp") +
              linear("input_layernorm", "attn_norm") +
              linear("post_attention_layernorm", "post_attention_norm")};
}

// "3" and "attn_q.weight" of "blk.3.attn_q.weight" behind "blk."; empty when it is built otherwise.
std::pair<std::string_view, std::string_view> number_and_rest(std::string_view name,
                                                              std::string_view prefix) {
  if (!name.starts_with(prefix)) return {};
  name.remove_prefix(prefix.size());
  const auto point = name.find('.');
  if (point == 0 || point == std::string_view::npos) return {};
  return {name.substr(0, point), name.substr(point + 1)};
}

// `side` says which of the two names is known, and `prefix` what stands before a layer's number in
// it.
std::optional<GgufName> find(const GgufArchitecture& architecture, std::string_view name,
                             std::string GgufName::*side, std::string_view prefix) {
  for (const GgufName& end : architecture.ends) {
    if (end.*side == name) return end;
  }
  const auto [number, rest] = number_and_rest(name, prefix);
  for (const GgufName& block : architecture.blocks) {
    if (number.empty() || block.*side != rest) continue;
    return GgufName{concat(architecture.layers, number, ".", block.hugging_face),
                    concat(kBlocks, number, ".", block.gguf), block.change};
  }
  return std::nullopt;
}

}  // namespace

const GgufArchitecture& gguf_architecture(const std::string& name, const std::string& where) {
  static const std::vector<GgufArchitecture> architectures = {like_llama("llama"),
                                                              like_llama("qwen2"),
                                                              like_llama("qwen3"),
                                                              gemma3(),
                                                              gpt2(),
                                                              gpt_neox(),
                                                              gpt_oss()};
  std::vector<std::string> known;
  for (const GgufArchitecture& architecture : architectures) {
    if (architecture.name == name) return architecture;
    known.push_back(architecture.name);
  }
  throw Unsupported({"a GGUF file is of an architecture that is not built in",
                     concat(where, ", general.architecture"), join(known), printable(name),
                     "use the model's safetensors"});
}

std::optional<GgufName> by_hugging_face(const GgufArchitecture& architecture,
                                        std::string_view name) {
  return find(architecture, name, &GgufName::hugging_face, architecture.layers);
}

std::optional<GgufName> by_gguf(const GgufArchitecture& architecture, std::string_view name) {
  return find(architecture, name, &GgufName::gguf, kBlocks);
}

std::string up_beside(const std::string& gate) {
  std::string up = gate;
  return up.replace(up.find("_gate_"), 6, "_up_");
}

}  // namespace sinkwise::pretrained
