#include "open.h"

#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "weights_source.h"

namespace sinkwise::pretrained {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTokenizerBytes = std::size_t{16} << 20;

bool is_gguf(const weights::Weights& weights) { return !weights.gguf().values().empty(); }

ConfigReader read_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  const std::string where = printable(path.string());
  return {parse_json(read_file(path, kMaxConfigBytes), where, kMaxConfigBytes), where};
}

}  // namespace

Opened open_model(const std::filesystem::path& path) {
  if (is_llama2c(path)) return open_llama2c(path);
  weights::Weights weights = weights::Weights::open(path);
  const std::string where = printable(path.string());
  if (is_gguf(weights)) {
    Opened opened{gguf_config(weights, where), nullptr, {}};
    if (const auto* factors = weights.find("rope_freqs.weight")) {
      opened.rotary_factors = at::empty(factors->shape, at::kFloat);
      weights.to_float32(factors->name, span_of(opened.rotary_factors));
    }
    opened.source = gguf_source(std::move(weights));
    return opened;
  }
  const bool folder = std::filesystem::is_directory(path);
  ConfigReader config = read_config(folder ? path : path.parent_path());
  const auto blocks = block_scales_of(config, weights);
  if (blocks) config = config.without("quantization_config");  // from here on they are plain
  return {std::move(config), hugging_face_source(std::move(weights), blocks), {}};
}

tokenizer::Tokenizer open_tokenizer(const std::filesystem::path& path) {
  if (is_llama2c(path)) return llama2c_tokenizer(path);
  const bool folder = std::filesystem::is_directory(path);
  const std::filesystem::path home = folder ? path : path.parent_path();
  if (folder) {
    for (const char* name : {"tokenizer.json", "vocab.json", "tokenizer.bin"}) {
      if (std::filesystem::exists(home / name)) return tokenizer::Tokenizer::load(home);
    }
  }
  const weights::Weights weights = weights::Weights::open(path);
  if (is_gguf(weights)) return gguf_tokenizer(weights, printable(path.string()));
  return tokenizer::Tokenizer::load(home);
}

std::string open_chat_template(const std::filesystem::path& path) {
  if (is_llama2c(path)) return {};
  const bool folder = std::filesystem::is_directory(path);
  const std::filesystem::path home = folder ? path : path.parent_path();
  const weights::Weights weights = weights::Weights::open(path);
  if (is_gguf(weights)) {
    constexpr char kKey[] = "tokenizer.chat_template";
    return weights.gguf().find(kKey) == nullptr ? "" : std::string(weights.gguf().text(kKey));
  }
  const auto file = home / "chat_template.jinja", config = home / "tokenizer_config.json";
  if (std::filesystem::exists(file)) return read_file(file, kMaxConfigBytes);
  if (!std::filesystem::exists(config)) return {};
  const std::string where = printable(config.string());
  const ConfigReader reader{
      parse_json(read_file(config, kMaxTokenizerBytes), where, kMaxTokenizerBytes), where};
  return reader.text("chat_template", "");
}

}  // namespace sinkwise::pretrained
