#include "small_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "convert.h"
#include "known_as.h"
#include "open.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t kMaxBytes = std::uint64_t{64} << 20;

// What belongs to a model beside its weights and config.json: its tokenizer, how to generate and to
// look at pictures, who may use it. Not what lies there for other reasons: an adapter, results.
bool is_small_file(const fs::path& path) {
  static const std::set<std::string> kNames = {"added_tokens.json",
                                               "chat_template.json",
                                               "generation_config.json",
                                               "merges.txt",
                                               "preprocessor_config.json",
                                               "processor_config.json",
                                               "tekken.json",
                                               "special_tokens_map.json",
                                               "video_preprocessor_config.json",
                                               "vocab.json",
                                               "vocab.txt",
                                               "LICENSE",
                                               "LICENSE.txt",
                                               "NOTICE",
                                               "README.md"};
  const std::string name = path.filename().string(), ending = path.extension().string();
  const bool tokenizer = name.starts_with("tokenizer") && ending == ".json";
  return kNames.contains(name) || tokenizer || ending == ".model" || ending == ".jinja";
}

std::vector<weights::TextFile> copies(const fs::path& folder) {
  std::vector<weights::TextFile> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file() || !is_small_file(entry.path())) continue;
    const std::string name = entry.path().filename().string();
    if (name.starts_with("model")) continue;  // reserved for weights
    files.push_back({name, read_file(entry.path(), kMaxBytes)});
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

// The tokenizer of a format that is no folder.
std::vector<weights::TextFile> made_up(const fs::path& path) {
  if (is_llama2c(path)) {
    const fs::path file = path.parent_path() / "tokenizer.bin";
    if (!fs::exists(file)) return {};
    return {{"tokenizer.bin", read_file(file, kMaxBytes)}};
  }
  const auto texts = gguf_tokenizer_files(weights::Weights::open(path), printable(path.string()));
  return {{"tokenizer.json", texts.tokenizer_json},
          {"tokenizer_config.json", texts.tokenizer_config_json}};
}

// The class that Hugging Face loads for a configuration made up for another format.
std::string architecture(const std::string& model_type) {
  if (model_type == "qwen2") return "Qwen2ForCausalLM";
  if (model_type == "qwen3") return "Qwen3ForCausalLM";
  if (model_type == "gemma3_text") return "Gemma3ForCausalLM";
  if (model_type == "gpt2") return "GPT2LMHeadModel";
  if (model_type == "gpt_neox") return "GPTNeoXForCausalLM";
  if (model_type == "gpt_oss") return "GptOssForCausalLM";
  return "LlamaForCausalLM";
}

json config_json(const Model& model, const std::string& type, bool made_up) {
  json config = json::parse(model.config_json());
  if (made_up) config["architectures"] = {architecture(model.config().model_type)};
  if (!type.empty()) {
    config.erase("torch_dtype");
    config["dtype"] = type;
  }
  const nn::Mechanism mechanism = model.options().conversion.mechanism;
  if (mechanism == nn::Mechanism::vanilla) return config;
  if (const KnownAs* known = known_as(model)) return known->config(std::move(config), model);
  config["model_type"] = kConvertedPrefix + model.config().model_type;
  config["architectures"] = json::array();
  config["sinkwise"] = {{"mechanism", nn::name(mechanism)}};
  return config;
}

}  // namespace

std::vector<weights::TextFile> small_files(const Model& model, const std::string& type) {
  const fs::path& path = model.path();
  const fs::path home = fs::is_directory(path) ? path : path.parent_path();
  const bool folder =
      fs::exists(home / "config.json") && path.extension() != ".gguf" && !is_llama2c(path);
  std::vector<weights::TextFile> files = folder ? copies(home.empty() ? "." : home) : made_up(path);
  files.push_back({"config.json", json_text(config_json(model, type, !folder), 2) + "\n"});
  return files;
}

}  // namespace sinkwise::pretrained
