#include "gguf_parts.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "known_patterns.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

constexpr GgufPreTokenizer kPreTokenizers[] = {
    {"gpt-2", known_pattern::kGpt2},
    {"llama-bpe", known_pattern::kLlama3, {}, true, true},
    {"llama3", known_pattern::kLlama3, {}, true, true},
    {"llama-v3", known_pattern::kLlama3, {}, true, true},
    {"dbrx", known_pattern::kLlama3},
    {"smaug-bpe", known_pattern::kLlama3},
    {"qwen2", known_pattern::kQwen2, {}, false, false, true},
    {"deepseek-r1-qwen", known_pattern::kQwen2, {}, false, false, true},
    {"stablelm2", known_pattern::kQwen2},
    {"gpt-4o", known_pattern::kO200k, {}, true},
    {"llama4", known_pattern::kO200k, {}, true, true},
    {"tekken", known_pattern::kTekken, {}, true, true},
    {"smollm", known_pattern::kDigit, known_pattern::kGpt2},
    {"starcoder", known_pattern::kDigit, known_pattern::kGpt2},
    {"refact", known_pattern::kDigit, known_pattern::kGpt2},
    {"command-r", known_pattern::kDigit, known_pattern::kGpt2, false, true},
};

}  // namespace

GgufTokenType gguf_token_type(const GgufVocabulary& vocabulary, std::size_t id) {
  return vocabulary.types.empty() ? GgufTokenType::normal
                                  : static_cast<GgufTokenType>(vocabulary.types[id]);
}

bool is_special_type(GgufTokenType type) {
  return type == GgufTokenType::control || type == GgufTokenType::unknown;
}

const GgufPreTokenizer& find_gguf_pre_tokenizer(const std::string& name, const std::string& where) {
  const auto* const found =
      std::find_if(std::begin(kPreTokenizers), std::end(kPreTokenizers),
                   [&](const GgufPreTokenizer& known) { return known.name == name; });
  if (found != std::end(kPreTokenizers)) return *found;
  std::vector<std::string> names;
  for (const GgufPreTokenizer& known : kPreTokenizers) names.emplace_back(known.name);
  refuse_gguf_tokenizer(where, "pre", "one of " + join(names), name);
}

void refuse_gguf_tokenizer(const std::string& where, const char* member,
                           const std::string& expected, const std::string& found) {
  throw Unsupported({.what = "a GGUF file names a tokenizer that is not supported",
                     .where = concat(where, ", tokenizer.ggml.", member),
                     .expected = expected,
                     .found = "'" + printable(found) + "'",
                     .next = "use the tokenizer.json of the model instead"});
}

}  // namespace sinkwise::tokenizer
