// Exports and adapters of folders that spell, double or accompany their tensors in other ways than
// the fixtures do.
#include <gtest/gtest.h>
#include <set>

#include "sinkwise/core/error.h"
#include "sinkwise/pretrained/adapter.h"
#include "sinkwise/pretrained/export.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/model_folder.h"

namespace sinkwise::pretrained {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::largest_difference;
using test::ModelFolder;

// One product with the sum of two matrices instead of two products: roundings of logits of size 1.
constexpr double kMerged = 2e-5;

class SpelledExport : public testing::Test {
 protected:
  fs::path out(const std::string& name) const { return directory_.path() / name; }

  fs::path written(const std::string& name, const ModelFolder& model) const {
    model.write(out(name));
    return out(name);
  }

  static at::Tensor logits(const fs::path& folder, const OpenOptions& options = {}) {
    const torch::NoGradGuard no_grad;
    const Model model = Model::open(folder, options);
    return LoadedModel(model).forward(test::random_tokens({2, 9}, model.config().vocabulary, 5));
  }

  // An adapter that changes a model, written by what trained it.
  fs::path adapter_of(const fs::path& folder) const {
    const Model model = Model::open(folder);
    LoadedModel loaded(model);
    AdapterConfig config;
    config.rank = 2;
    add_adapter(loaded, config, 1);
    const torch::NoGradGuard no_grad;
    std::uint64_t seed = 1;
    for (const auto& item : loaded.named_parameters()) {
      if (!item.key().ends_with("lora_B")) continue;
      at::Tensor b = item.value();
      b.copy_(test::random_tensor(b.sizes(), seed++) * 0.3);
    }
    write_adapter(loaded, config, out("adapter"), "base");
    return out("adapter");
  }

  sinkwise::test::TemporaryDirectory directory_;
};

ModelFolder renamed(const std::string& fixture, const std::string& from, const std::string& to) {
  ModelFolder model = ModelFolder::of_fixture(fixture);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : model.tensors) {
    tensors[name.starts_with(from) ? to + name.substr(from.size()) : name] = tensor;
  }
  model.tensors = std::move(tensors);
  return model;
}

TEST_F(SpelledExport, AnAdapterReachesTensorsWithoutTheFamilysPrefix) {
  for (const auto& [fixture, from, to] :
       {std::tuple("gpt2", "transformer.", ""), {"qwen3_5", "model.", "model.language_model."}}) {
    SCOPED_TRACE(fixture);
    const fs::path model = written(std::string(fixture) + "_model", renamed(fixture, from, to));
    const fs::path adapter = adapter_of(model);
    const at::Tensor expected = logits(model, {.adapter = adapter});
    EXPECT_GT(largest_difference(expected, logits(model)), 1e-3);
    const fs::path merged = out(std::string(fixture) + "_merged");
    export_model(Model::open(model, {.adapter = adapter}), merged, ExportType::float32);
    EXPECT_LT(largest_difference(logits(merged), expected), kMerged);
    fs::remove_all(adapter);
  }
}

// PEFT names modules as the class of today has them, and the file may be of a class before.
TEST_F(SpelledExport, AnAdapterOfTodaysClassFitsAFileOfBefore) {
  const fs::path before = written("before", renamed("gemma3", "model.", "language_model.model.")),
                 today = written("today", renamed("gemma3", "model.", "model.language_model."));
  const fs::path adapter = adapter_of(today);
  const at::Tensor expected = logits(today, {.adapter = adapter});
  EXPECT_GT(largest_difference(expected, logits(today)), 1e-3);
  EXPECT_TRUE(test::same_bits(logits(before, {.adapter = adapter}), expected));
}

// A copy of the output matrix in the file of a tied model stays a copy.
TEST_F(SpelledExport, ATiedModelKeepsOneMatrix) {
  ModelFolder folder = ModelFolder::of_fixture("llama");
  folder.tensors["lm_head.weight"] = folder.tensors.at("model.embed_tokens.weight").clone();
  const Model model = Model::open(written("model", folder));
  LoadedModel loaded(model);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : loaded.parameters()) parameter.mul_(1.01);
  const at::Tensor expected =
      loaded.forward(test::random_tokens({2, 9}, model.config().vocabulary, 5));
  export_model(loaded, out("changed"), ExportType::stored);
  EXPECT_EQ(weights::Weights::open(out("changed")).find("lm_head.weight"), nullptr);
  EXPECT_TRUE(test::same_bits(logits(out("changed")), expected));
}

// Transformers does not tie two matrices that differ, whatever the configuration says.
TEST_F(SpelledExport, MatricesThatDifferAreNotTied) {
  ModelFolder folder = ModelFolder::of_fixture("llama");
  const at::Tensor tied = logits(written("tied", folder));
  folder.tensors["lm_head.weight"] = folder.tensors.at("model.embed_tokens.weight") * 2;
  EXPECT_TRUE(test::same_bits(logits(written("apart", folder)), tied * 2));
  export_model(Model::open(out("apart")), out("copy"), ExportType::stored);
  EXPECT_TRUE(test::same_bits(logits(out("copy")), tied * 2));
}

TEST_F(SpelledExport, OnlyFilesOfTheModelGoAlong) {
  written("model", ModelFolder::of_fixture("llama"));
  const std::set<std::string> own = {"tokenizer.json", "generation_config.json", "spiece.model"};
  for (const std::string& name : own) std::ofstream(out("model") / name) << "{}";
  for (const char* name : {"adapter_config.json", "evaluation.json", "result.json", "notes.txt"}) {
    std::ofstream(out("model") / name) << "{}";
  }
  export_model(Model::open(out("model")), out("copy"), ExportType::stored);
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator(out("copy"))) {
    found.insert(entry.path().filename().string());
  }
  std::set<std::string> expected = own;
  expected.insert({"config.json", "model.safetensors"});
  EXPECT_EQ(found, expected);
}

TEST_F(SpelledExport, OtherAdaptersAreNamed) {
  const fs::path model = written("model", ModelFolder::of_fixture("llama"));
  const fs::path adapter = adapter_of(model);
  json config = test::read_json(adapter / "adapter_config.json");
  config["layer_replication"] = {{0, 2}, {1, 2}};
  std::ofstream(adapter / "adapter_config.json") << config.dump();
  EXPECT_THROW(logits(model, {.adapter = adapter}), Unsupported);
  config["layer_replication"] = nullptr;
  config["target_parameters"] = json::array();  // as PEFT writes it for some models
  std::ofstream(adapter / "adapter_config.json") << config.dump();
  EXPECT_NO_THROW(logits(model, {.adapter = adapter}));
  fs::remove(adapter / "adapter_model.safetensors");
  std::ofstream(adapter / "adapter_model.bin") << "\x80\x02}q\x00.";
  try {
    logits(model, {.adapter = adapter});
    ADD_FAILURE() << "a pickle was read";
  } catch (const Unsupported& error) {
    EXPECT_NE(std::string(error.what()).find("pickle"), std::string::npos) << error.what();
  }
}

// PEFT takes the names for regular expressions, and the first of them that fits.
TEST_F(SpelledExport, PatternsOfAlpha) {
  const fs::path model = written("model", ModelFolder::of_fixture("llama"));
  const fs::path adapter = adapter_of(model);
  json config = test::read_json(adapter / "adapter_config.json");
  const auto with = [&](const json& pattern) {
    config["alpha_pattern"] = pattern;
    std::ofstream(adapter / "adapter_config.json") << config.dump();
    return logits(model, {.adapter = adapter});
  };
  const at::Tensor plain = with(json::object());
  EXPECT_FALSE(test::same_bits(with({{"q_proj", 400}}), plain));
  EXPECT_FALSE(
      test::same_bits(with({{"layers.0.self_attn.q_proj", 400}}), with({{"q_proj", 400}})));
  EXPECT_TRUE(test::same_bits(with({{"_proj", 400}}), plain));  // the end of a name, not of a word
  for (const char* name : {"^model\\.layers\\.0\\.self_attn\\.q_proj", "q_proj$", ".*q_proj"}) {
    EXPECT_THROW(with({{name, 400}}), Unsupported) << name;
  }
  EXPECT_THROW(with({{"q_proj", 4}, {"layers.0.self_attn.q_proj", 400}}), Unsupported);
}

}  // namespace
}  // namespace sinkwise::pretrained
