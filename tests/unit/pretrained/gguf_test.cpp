// GGUF files in the conventions of llama.cpp's converter, one an architecture, against what
// transformers computes for the same weights (tools/make_fixtures/gguf_models.py).
#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "sinkwise/pretrained/loaded_model.h"
#include "sinkwise/weights/write_folder.h"
#include "tensor_source.h"
#include "unit/core/temporary_directory.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/fixtures.h"
#include "unit/weights/fixtures.h"
#include "unit/weights/gguf_bytes.h"

namespace sinkwise::pretrained {
namespace {

namespace fs = std::filesystem;

fs::path fixture(const std::string& name) {
  return test::pretrained_fixtures().parent_path() / "pretrained_gguf" / name;
}

class Gguf : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    path_ = fixture(name + ".gguf");
    const auto reference = test::read_json(fixture(name + ".json"));
    tokens_ = test::tensor_of(reference["input_ids"]).to(at::kLong);
    logits_ = test::tensor_of(reference["logits"]);
  }

  at::Tensor logits_of(const fs::path& path) const {
    const Model model = Model::open(path);
    return LoadedModel(model).forward(tokens_);
  }

  fs::path path_;
  at::Tensor tokens_, logits_;  // [2, 8], [2, 8, V]
  torch::NoGradGuard no_grad_;
};

// Float32 and float64 of transformers differ by up to 9e-6 on these models (the script prints it),
// and the reference is rounded to 6 decimals.
constexpr double kLogits = 2e-5;

TEST_P(Gguf, LogitsAreThoseOfTheReference) {
  EXPECT_LT(test::largest_difference(logits_of(path_), logits_), kLogits);
}

// Names, shapes and numbers are those of Hugging Face: what is written is the same model.
TEST_P(Gguf, AFolderMadeOfItGivesTheSameLogits) {
  const test::TemporaryDirectory directory;
  const fs::path folder = directory.path() / "folder";
  const Model model = Model::open(path_);
  std::vector<checkpoint::TensorView> views;
  std::vector<at::Tensor> held;
  for (const std::string& name : model.source().names()) {
    held.push_back(model.source().read(name).contiguous());
    EXPECT_EQ(model.source().shape(name), held.back().sizes().vec()) << name;
    views.push_back({name,
                     checkpoint::Dtype::F32,
                     held.back().sizes().vec(),
                     {static_cast<const std::byte*>(held.back().const_data_ptr()),
                      static_cast<std::size_t>(held.back().nbytes())}});
  }
  weights::write_folder(folder, views, {.others = {{"config.json", model.config_json()}}});
  EXPECT_TRUE(at::equal(logits_of(folder), logits_of(path_)));
}

// A tensor without a name of Hugging Face's would be left out of a folder without a word.
TEST_P(Gguf, EveryTensorIsRead) {
  const Model model = Model::open(path_);
  const weights::Weights file = weights::Weights::open(path_);
  std::size_t up = 0;  // read together with its gate
  for (const auto& tensor : file.tensors()) up += tensor.name.find("_up_exps") != std::string::npos;
  EXPECT_EQ(model.source().names().size() + up, file.tensors().size());
}

INSTANTIATE_TEST_SUITE_P(Architectures, Gguf,
                         testing::Values("gemma3", "gpt-oss", "gpt2", "gptneox", "llama"),
                         [](const auto& of) {
                           std::string name = of.param;
                           name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
                           return name;
                         });

// The message of the refusal of a file whose bytes were changed; empty when there was none.
template <typename Refusal>
std::string refusal(const std::string& bytes) {
  const test::TemporaryDirectory directory;
  const fs::path path = directory.path() / "x.gguf";
  test::put(path, bytes);
  const torch::NoGradGuard no_grad;
  try {
    const Model model = Model::open(path);
    LoadedModel(model).forward(at::zeros({1, 1}, at::kLong));
  } catch (const Refusal& error) {
    return error.what();
  }
  return {};
}

// The fixture with every `from` replaced by `to`, as long as it.
std::string replaced(const std::string& name, std::string_view from, std::string_view to) {
  std::string bytes = test::read(fixture(name));
  EXPECT_NE(bytes.find(from), std::string::npos) << from;
  for (auto at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + 1)) {
    bytes.replace(at, from.size(), to);
  }
  return bytes;
}

// The fixture with another value of a key whose values have the size of `Number`.
template <typename Number>
std::string with_value(const std::string& name, std::string_view key, Number value) {
  std::string bytes = test::read(fixture(name));
  const auto at = bytes.find(key);
  EXPECT_NE(at, std::string::npos) << key;
  const std::string raw = test::raw(value);
  return bytes.replace(at + key.size() + sizeof(std::uint32_t), raw.size(), raw);
}

constexpr std::uint32_t kUint32 = 4, kFloat32 = 6, kString = 8;  // of values, as GGUF numbers them

// The fixture with keys put in front of its own. A last one fills up, so that data stay aligned.
std::string with_keys(const std::string& name, const std::vector<std::string>& keys) {
  constexpr std::size_t kAlignment = 32, kCount = 16;  // kCount: where the number of keys stands
  std::string bytes = test::read(fixture(name)), added;
  for (const std::string& key : keys) added += key;
  const auto filler = [](std::size_t size) {
    return test::gguf_key("general.filler", kString, test::gguf_string(std::string(size, '.')));
  };
  const std::size_t rest = (added.size() + filler(0).size()) % kAlignment;
  added += filler((kAlignment - rest) % kAlignment);
  std::uint64_t count = 0;
  std::memcpy(&count, bytes.data() + kCount, sizeof count);
  bytes.replace(kCount, sizeof count, test::raw(count + keys.size() + 1));
  return bytes.insert(kCount + sizeof count, added);
}

std::string number(std::string_view key, float value) {
  return test::gguf_key(key, kFloat32, test::raw(value));
}
std::string integer(std::string_view key, std::uint32_t value) {
  return test::gguf_key(key, kUint32, test::raw(value));
}
std::string text(std::string_view key, std::string_view value) {
  return test::gguf_key(key, kString, test::gguf_string(value));
}

nlohmann::json config_of(const std::string& bytes) {
  const test::TemporaryDirectory directory;
  const fs::path path = directory.path() / "x.gguf";
  test::put(path, bytes);
  return nlohmann::json::parse(Model::open(path).config_json());
}

TEST(GgufConfig, ARotaryFactorWithoutATypeIsLinear) {
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    const auto config = config_of(with_keys("llama.gguf", {number(key, 4)}));
    EXPECT_EQ(config.at("rope_scaling").at("rope_type"), "linear") << key;
    EXPECT_EQ(config.at("rope_scaling").at("factor"), 4.0) << key;
  }
  EXPECT_FALSE(config_of(with_keys("llama.gguf", {number("llama.rope.scaling.factor", 0)}))
                   .contains("rope_scaling"));
  const auto none = config_of(with_keys("llama.gguf", {text("llama.rope.scaling.type", "none")}));
  EXPECT_EQ(none.at("rope_scaling").at("rope_type"), "default");
}

TEST(GgufConfig, WhatEndsATurnEndsAText) {
  const auto with = [](const std::vector<std::string>& keys) {
    return config_of(with_keys("llama.gguf", keys)).at("eos_token_id");
  };
  EXPECT_EQ(with({}), 2);
  EXPECT_EQ(with({integer("tokenizer.ggml.eot_token_id", 2)}), 2);
  EXPECT_EQ(
      with({integer("tokenizer.ggml.eot_token_id", 5), integer("tokenizer.ggml.eom_token_id", 6)}),
      nlohmann::json({2, 5, 6}));
}

TEST(HostileGgufModel, RotationsThatAreNotComputed) {
  for (const auto& [key, value] :
       {std::pair{number("llama.rope.scaling.attn_factor", 0.5F), "rope.scaling.attn_factor"},
        {text("llama.rope.scaling.type", "longrope"), "longrope"},
        {integer("llama.rope.dimension_count", 2), "dimension_count"}}) {
    const std::string message = refusal<Unsupported>(with_keys("llama.gguf", {key}));
    EXPECT_NE(message.find(value), std::string::npos) << value << ": " << message;
  }
  EXPECT_EQ(refusal<Unsupported>(
                with_keys("llama.gguf", {number("llama.rope.scaling.attn_factor", 1.0F)})),
            "");
}

TEST(HostileGgufModel, AnArchitectureThatIsNotBuiltIn) {
  const std::string message = refusal<Unsupported>(replaced("gpt2.gguf", "gpt2", "gpt9"));
  for (const char* part :
       {"gpt9", "gemma3", "gpt-oss", "gptneox", "qwen2", "general.architecture"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
}

TEST(HostileGgufModel, TensorsThatAreMissing) {
  for (const auto& [name, tensor] : {std::pair{"gpt-oss.gguf", "blk.1.ffn_up_exps.weight"},
                                     {"gpt-oss.gguf", "blk.0.attn_sinks.weight"},
                                     {"gpt2.gguf", "position_embd.weight"},
                                     {"gptneox.gguf", "blk.0.attn_qkv.bias"},
                                     {"gemma3.gguf", "blk.4.post_ffw_norm.weight"},
                                     {"llama.gguf", "token_embd.weight"}}) {
    std::string other = tensor;
    other.back() = 'X';
    EXPECT_NE(refusal<BadFile>(replaced(name, tensor, other)), "") << tensor;
  }
}

TEST(HostileGgufModel, SizesThatDoNotFit) {
  for (const std::uint32_t value : {0U, 1U, 5U, 7U, 1U << 24, ~0U}) {
    for (const char* name : {"gemma3", "gpt-oss", "llama"}) {
      const std::string key = name + std::string(".attention.head_count");
      EXPECT_NE(refusal<BadFile>(with_value(name + std::string(".gguf"), key, value)), "")
          << key << value;
    }
    for (const char* name : {"gpt2", "gptneox"}) {
      if (value == 1) continue;  // one head of all channels fits as well
      const std::string key = name + std::string(".attention.head_count");
      EXPECT_NE(refusal<BadFile>(with_value(name + std::string(".gguf"), key, value)), "")
          << key << value;
    }
    EXPECT_NE(refusal<BadFile>(with_value("gpt-oss.gguf", "gpt-oss.expert_count", value)), "")
        << value;
    EXPECT_NE(refusal<BadFile>(with_value("gptneox.gguf", "gptneox.rope.dimension_count", value)),
              "")
        << value;
  }
}

}  // namespace
}  // namespace sinkwise::pretrained
