// Models that do not mean well: each is refused with the type, the file and the member that say
// what is wrong, before anything large is allocated.
#include <gtest/gtest.h>
#include <numeric>
#include <sys/resource.h>

#include "sinkwise/core/clock.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/pretrained/loaded_model.h"
#include "unit/pretrained/model_folder.h"

namespace sinkwise::pretrained {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::int64_t kHuge = std::int64_t{1} << 24;  // the largest size a configuration may name

// Everything that reads a file: the configuration, every tensor, one step.
void use(const fs::path& folder) {
  const torch::NoGradGuard no_grad;
  const Model model = Model::open(folder);
  LoadedModel(model).forward(at::zeros({1, 1}, at::kLong));
}

// The message of the refusal; empty when there was none.
template <typename Refusal>
std::string refusal(const fs::path& folder) {
  try {
    use(folder);
  } catch (const Refusal& error) {
    return error.what();
  }
  return {};
}

class Hostile : public testing::Test {
 protected:
  // A folder whose config.json is that of a fixture with `patch` laid over it; null takes away.
  fs::path patched(const std::string& fixture, const json& patch) {
    json config = test::read_json(test::pretrained_fixtures() / fixture / "config.json");
    config.merge_patch(patch);
    return with_text(fixture, config.dump());
  }

  fs::path with_text(const std::string& fixture, const std::string& config) {
    const fs::path folder = directory_.path() / std::to_string(count_++);
    fs::create_directory(folder);
    fs::copy(test::pretrained_fixtures() / fixture / "model.safetensors", folder);
    std::ofstream(folder / "config.json") << config;
    return folder;
  }

  fs::path written(const test::ModelFolder& model) {
    const fs::path folder = directory_.path() / std::to_string(count_++);
    model.write(folder);
    return folder;
  }

  template <typename Refusal = BadFile>
  void expect_refused(const fs::path& folder, const std::string& named) {
    SCOPED_TRACE(named);
    const std::string told = refusal<Refusal>(folder);
    EXPECT_NE(told.find(named), std::string::npos) << told;
  }

  template <typename Refusal = BadFile>
  void expect_config_refused(const std::string& fixture, const json& patch,
                             const std::string& named) {
    SCOPED_TRACE(patch.dump());
    const std::string told = refusal<Refusal>(patched(fixture, patch));
    EXPECT_NE(told.find(named), std::string::npos) << told;
    EXPECT_NE(told.find("config.json"), std::string::npos) << told;
  }

 private:
  sinkwise::test::TemporaryDirectory directory_;
  int count_ = 0;
};

TEST_F(Hostile, NoConfiguration) {
  const fs::path folder = with_text("llama", "");
  for (const char* text : {"", "{", "[]", "3", "{\"model_type\": \"llama\"}}", "\xff"}) {
    expect_refused(with_text("llama", text), "config.json");
  }
  fs::remove(folder / "config.json");
  expect_refused(folder, "config.json");
}

TEST_F(Hostile, AModelTypeThatIsNotBuiltIn) {
  expect_config_refused<Unsupported>("llama", {{"model_type", "tin_man"}}, "tin_man");
  expect_config_refused<Unsupported>("llama", {{"model_type", nullptr}}, "model_type");
  expect_config_refused("llama", {{"model_type", 3}}, "model_type");
  const std::string told = refusal<Unsupported>(patched("llama", {{"model_type", "\x1b[31mred"}}));
  EXPECT_EQ(told.find('\x1b'), std::string::npos);
}

TEST_F(Hostile, SizesThatAreNone) {
  for (const char* member :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
        "num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings"}) {
    for (const json& value : {json("64"), json(6.5), json(-1), json(0), json(1e300), json(true),
                              json::array({64}), json(kHuge + 1), json(UINT64_MAX)}) {
      expect_config_refused("llama", {{member, value}}, member);
    }
  }
  for (const char* member : {"vocab_size", "hidden_size", "num_hidden_layers"}) {
    expect_config_refused("llama", {{member, nullptr}}, member);
  }
}

TEST_F(Hostile, SizesThatTheWeightsDoNotExplain) {
  expect_config_refused("llama", {{"num_hidden_layers", kHuge}}, "num_hidden_layers");
  expect_config_refused("llama", {{"hidden_size", kHuge}}, "attention");
  expect_config_refused("llama", {{"head_dim", kHuge}}, "head_dim");
  expect_config_refused("llama", {{"intermediate_size", kHuge}}, "MLP");
  expect_config_refused("gpt_oss", {{"num_local_experts", kHuge}}, "experts");
  expect_config_refused("qwen3_next", {{"num_experts", kHuge}}, "experts");
  expect_config_refused("qwen3_next", {{"shared_expert_intermediate_size", kHuge}}, "shared");
  expect_config_refused("qwen3_next", {{"linear_num_value_heads", kHuge}}, "linear attention");
  expect_config_refused("qwen3_5", {{"linear_conv_kernel_dim", kHuge}}, "linear attention");
  expect_config_refused("gpt2", {{"n_layer", kHuge}}, "n_layer");
  expect_refused(patched("llama", {{"vocab_size", kHuge}}), "embed_tokens");
  expect_refused(patched("gpt2", {{"n_positions", kHuge}}), "wpe");
}

TEST_F(Hostile, AContextBeyondMemoryCostsNothing) {
  EXPECT_NO_THROW(use(patched("llama", {{"max_position_embeddings", kHuge}})));
}

TEST_F(Hostile, HeadsThatDoNotDivide) {
  expect_config_refused("llama", {{"num_attention_heads", 5}}, "num_key_value_heads");
  expect_config_refused("llama", {{"num_key_value_heads", 3}}, "num_key_value_heads");
  expect_config_refused("qwen3_5", {{"linear_num_value_heads", 3}}, "linear_num_value_heads");
  expect_config_refused("llama", {{"head_dim", 7}}, "partial_rotary_factor");
  expect_config_refused("gpt_oss", {{"num_experts_per_tok", 4}}, "num_experts_per_tok");
  expect_refused(patched("gpt2", {{"n_head", 5}}), "transformer.h.0.");
  expect_refused(patched("gpt_neox", {{"num_attention_heads", 5}}), "query_key_value");
}

TEST_F(Hostile, LayerTypes) {
  for (const json& value : {json("full_attention"), json::array({1, 2}),
                            json::array({"full_attention"}), json({{"a", 1}})}) {
    expect_config_refused("qwen2", {{"layer_types", value}}, "layer_types");
  }
  for (const char* type : {"banana", "linear_attention"}) {
    expect_config_refused<Unsupported>(
        "qwen2", {{"layer_types", json::array({"full_attention", type})}}, "layer_types");
  }
}

TEST_F(Hostile, RotaryScaling) {
  const auto rope = [](const json& members) { return json{{"rope_parameters", members}}; };
  expect_config_refused<Unsupported>("llama", rope({{"rope_type", "magic"}}), "rope_type");
  for (const double base : {0.0, 1.0, -4.0}) {
    expect_config_refused("llama", rope({{"rope_theta", base}}), "rope_theta");
  }
  for (const double share : {0.0, -1.0, 1.5, 1e300}) {
    expect_config_refused("gpt_neox", rope({{"partial_rotary_factor", share}}),
                          "partial_rotary_factor");
  }
  expect_config_refused("llama3_rope", rope({{"factor", 0}}), "factor");
  expect_config_refused("llama3_rope", rope({{"high_freq_factor", 1.0}}), "high_freq_factor");
  expect_config_refused("llama3_rope", rope({{"original_max_position_embeddings", 0}}),
                        "original_max_position_embeddings");
  expect_config_refused("gpt_oss", rope({{"beta_slow", -1}, {"beta_fast", -1}}), "rope_type");
  expect_config_refused("llama", {{"rope_parameters", 5}}, "rope_parameters");
  for (const json& bases : {json::array({1e3}), json::array({1e3, "a"}), json(1e3)}) {
    expect_config_refused("granite_swa", {{"layer_rope_theta", bases}}, "layer_rope_theta");
  }
  std::vector<double> many(40);
  std::iota(many.begin(), many.end(), 2.0);
  const std::vector<std::string> types(many.size(), "full_attention");
  expect_config_refused<Unsupported>(
      "granite_swa",
      {{"num_hidden_layers", many.size()}, {"layer_types", types}, {"layer_rope_theta", many}},
      "layer_rope_theta");
}

TEST_F(Hostile, OtherMembers) {
  expect_config_refused("llama", {{"rms_norm_eps", -1e-6}}, "rms_norm_eps");
  expect_config_refused("llama", {{"rms_norm_eps", "small"}}, "rms_norm_eps");
  expect_config_refused("llama", {{"attention_bias", "yes"}}, "attention_bias");
  expect_config_refused<Unsupported>("llama", {{"hidden_act", "relu"}}, "hidden_act");
  expect_config_refused("gpt_oss", {{"swiglu_alpha", 1e300}}, "swiglu_alpha");
  expect_config_refused("mistral", {{"sliding_window", 0}}, "sliding_window");
  expect_config_refused("gemma3", {{"query_pre_attn_scalar", 0}}, "query_pre_attn_scalar");
  expect_config_refused("gemma3", {{"query_pre_attn_scalar", -4}}, "query_pre_attn_scalar");
  expect_config_refused<Unsupported>("granite_swa", {{"residual_multiplier", 0.5}},
                                     "residual_multiplier");
}

TEST_F(Hostile, MembersThatWouldChangeTheComputation) {
  expect_config_refused<Unsupported>("gemma3", {{"use_bidirectional_attention", true}},
                                     "use_bidirectional_attention");
  expect_config_refused<Unsupported>("gemma3", {{"hidden_activation", "silu"}},
                                     "hidden_activation");
  expect_config_refused<Unsupported>("qwen3_5", {{"attn_output_gate", false}}, "attn_output_gate");
  expect_config_refused<Unsupported>(
      "llama", {{"rope_parameters", nullptr}, {"rope_scaling", {{"type", "dynamic"}}}}, "dynamic");
}

// Transformers takes the embedding only where the configuration says so.
TEST_F(Hostile, AMissingOutputMatrixIsNotTheEmbedding) {
  auto model = test::ModelFolder::of_fixture("llama");
  model.config["tie_word_embeddings"] = false;
  model.tensors.erase("lm_head.weight");
  expect_refused(written(model), "lm_head.weight");
  model.config["tie_word_embeddings"] = true;
  EXPECT_NO_THROW(use(written(model)));
}

TEST_F(Hostile, AMissingTensor) {
  for (const char* name :
       {"model.embed_tokens.weight", "model.norm.weight", "model.layers.1.mlp.up_proj.weight",
        "model.layers.0.self_attn.k_proj.weight"}) {
    auto model = test::ModelFolder::of_fixture("llama");
    ASSERT_EQ(model.tensors.erase(name), 1U);
    expect_refused(written(model), name);
  }
}

TEST_F(Hostile, ATensorThatTheConfigurationDoesNotKnow) {
  auto model = test::ModelFolder::of_fixture("llama");
  model.tensors["model.layers.1.self_attn.o_proj.bias"] = at::zeros({24});
  expect_refused(written(model), "o_proj.bias");
}

// Every tensor of every family with a dimension too many, none, empty, or twice as long. (A 1 in
// front changes no number, and a family that cuts a tensor may overlook it.)
TEST_F(Hostile, AnotherShape) {
  for (const char* fixture : {"gemma3", "gpt2", "gpt_neox", "gpt_oss", "granite_swa", "llama",
                              "qwen2", "qwen3", "qwen3_5", "qwen3_next"}) {
    const auto model = test::ModelFolder::of_fixture(fixture);
    for (const auto& [name, tensor] : model.tensors) {
      for (const at::Tensor& other : {tensor.flatten()[0], tensor.narrow(0, 0, 0),
                                      at::cat({tensor, tensor}), at::stack({tensor, tensor}, -1)}) {
        if (other.sizes() == tensor.sizes()) continue;
        SCOPED_TRACE(concat(fixture, ", ", name, " as ", other.sizes()));
        auto changed = model;
        changed.tensors[name] = other;
        EXPECT_FALSE(refusal<BadFile>(written(changed)).empty());
      }
    }
  }
}

TEST_F(Hostile, NumbersThatAreNotFinite) {
  for (const char* fixture : {"gpt2", "gpt_oss", "llama", "qwen3_next"}) {
    const auto model = test::ModelFolder::of_fixture(fixture);
    for (const auto& [name, tensor] : model.tensors) {
      SCOPED_TRACE(concat(fixture, ", ", name));
      auto changed = model;
      changed.tensors[name] = tensor.clone();
      changed.tensors[name].flatten()[0] = NAN;
      expect_refused(written(changed), "not finite");
    }
  }
}

// Each member of each configuration becomes each of these. What is not refused must work, what is
// refused must be so as a file that is malformed or asks for what is not built in.
void replace_members(const json& config, const json::json_pointer& at,
                     const std::function<void(const json&, const std::string&)>& each) {
  const json values = {nullptr,
                       true,
                       -1,
                       0,
                       1,
                       2,
                       3,
                       7,
                       kHuge,
                       1e300,
                       -0.5,
                       "",
                       "full_attention",
                       json::array(),
                       json::array({1}),
                       json::object(),
                       json::array({"x", "x"})};
  for (const auto& [name, value] : config.at(at).items()) {
    const auto place = at / name;
    for (const json& other : values) {
      json changed = config;
      changed[place] = other;
      each(changed, place.to_string() + " = " + other.dump());
    }
    if (value.is_object()) replace_members(config, place, each);
  }
}

long peak_kibibytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_maxrss;
}

TEST_F(Hostile, EveryMemberBecomesAnything) {
  const auto began = Clock::now();
  const long before = peak_kibibytes();
  int tried = 0, worked = 0;
  for (const char* fixture :
       {"gemma3", "gpt2", "gpt_neox", "gpt_oss", "granite_swa", "llama", "llama3_rope", "mistral",
        "qwen2", "qwen3", "qwen3_5", "qwen3_next"}) {
    const fs::path folder = with_text(fixture, "");
    const json config = test::read_json(test::pretrained_fixtures() / fixture / "config.json");
    replace_members(config, json::json_pointer(),
                    [&](const json& changed, const std::string& what) {
                      SCOPED_TRACE(concat(fixture, ": ", what));
                      std::ofstream(folder / "config.json") << changed.dump();
                      ++tried;
                      try {
                        use(folder);
                        ++worked;
                      } catch (const BadFile&) {
                      } catch (const Unsupported&) {
                      } catch (const std::exception& error) {
                        ADD_FAILURE() << error.what();
                      }
                    });
  }
  EXPECT_GT(worked, 100);
  EXPECT_GT(tried - worked, 1000);
  EXPECT_LT(peak_kibibytes() - before, 512 << 10);
  RecordProperty("seconds", std::to_string(seconds_since(began)));
}

}  // namespace
}  // namespace sinkwise::pretrained
