#include <utility>

#include "open.h"
#include "sinkwise/tokenizer/gguf_vocabulary.h"

// The tokenizer that a GGUF file brings in its metadata.

namespace sinkwise::pretrained {
namespace {

using weights::GgufMetadata;

// The values of an array of metadata as `T`; empty when the key is missing. What is no `T` is left
// out: the counts of the arrays then differ, which the tokenizer refuses.
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
          } else if constexpr (std::is_floating_point_v<T> && std::is_same_v<V, double>) {
            result.push_back(static_cast<T>(v));
          } else if constexpr (std::is_integral_v<T> && std::is_integral_v<V> &&
                               !std::is_same_v<V, bool>) {
            if (std::in_range<T>(v)) result.push_back(static_cast<T>(v));
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

tokenizer::Tokenizer gguf_tokenizer(const weights::Weights& weights, const std::string& where) {
  return tokenizer::tokenizer_from_gguf(vocabulary_of(weights.gguf()), where);
}

tokenizer::HuggingFaceFiles gguf_tokenizer_files(const weights::Weights& weights,
                                                 const std::string& where) {
  return tokenizer::hugging_face_files(vocabulary_of(weights.gguf()), where);
}

}  // namespace sinkwise::pretrained
