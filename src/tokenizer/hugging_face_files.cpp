#include "sinkwise/tokenizer/hugging_face_files.h"

#include <nlohmann/json.hpp>

#include "characters.h"
#include "gguf_parts.h"
#include "known_patterns.h"
#include "scored_merges.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

using nlohmann::json;

// Digits and GPT-2's pattern as published files write them; any other as a Split.
json pre_tokenizer_json(const GgufPreTokenizer& pre) {
  json steps = json::array();
  bool gpt2 = false;
  for (const std::string_view pattern : {pre.first, pre.second}) {
    if (pattern == known_pattern::kGpt2) {
      gpt2 = true;
    } else if (pattern == known_pattern::kDigit) {
      steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
    } else if (!pattern.empty()) {
      steps.push_back({{"type", "Split"},
                       {"pattern", {{"Regex", pattern}}},
                       {"behavior", "Isolated"},
                       {"invert", false}});
    }
  }
  steps.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", gpt2}});
  if (steps.size() == 1) return steps.front();
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

json bpe_json(const GgufVocabulary& vocabulary) {
  json ids = json::object();
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) ids[vocabulary.tokens[id]] = id;
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", std::move(ids)},
          {"merges", json::array()}};
}

// The members of a tokenizer.json that say what happens between the added tokens.

json ranked_json(const GgufVocabulary& vocabulary, const std::string& where) {
  const GgufPreTokenizer& pre = find_gguf_pre_tokenizer(vocabulary.pre, where);
  json model = bpe_json(vocabulary);
  model["ignore_merges"] = pre.ignore_merges;
  model["merges"] = vocabulary.merges;
  return {{"normalizer", pre.nfc ? json{{"type", "NFC"}} : json()},
          {"pre_tokenizer", pre_tokenizer_json(pre)},
          {"decoder",
           {{"type", "ByteLevel"},
            {"add_prefix_space", true},
            {"trim_offsets", true},
            {"use_regex", true}}},
          {"model", std::move(model)}};
}

json scored_json(const GgufVocabulary& vocabulary, const std::string& where) {
  json model = bpe_json(vocabulary);
  model["byte_fallback"] = true;
  if (vocabulary.unknown_token_id) {
    const auto unknown = static_cast<std::size_t>(*vocabulary.unknown_token_id);
    model["unk_token"] = vocabulary.tokens[unknown];
  }
  for (const ScoredMerge& merge : merges_of_scores(vocabulary, where)) {
    model["merges"].push_back({merge.left, merge.right});
  }
  const auto replace = [](std::string_view from, std::string_view to) {
    return json{{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
  };
  json normalizers = json::array();
  json decoders = {replace(kSpaceMark, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
  if (vocabulary.add_space_prefix.value_or(true)) {
    normalizers.push_back({{"type", "Prepend"}, {"prepend", kSpaceMark}});
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  normalizers.push_back(replace(" ", kSpaceMark));
  return {{"normalizer", {{"type", "Sequence"}, {"normalizers", std::move(normalizers)}}},
          {"pre_tokenizer", nullptr},
          {"decoder", {{"type", "Sequence"}, {"decoders", std::move(decoders)}}},
          {"model", std::move(model)}};
}

// In the order of their ids, as `tokenizers` wants them.
json added_tokens_json(const GgufVocabulary& vocabulary) {
  json added = json::array();
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const GgufTokenType type = gguf_token_type(vocabulary, id);
    if (!is_special_type(type) && type != GgufTokenType::user_defined) continue;
    added.push_back({{"id", id},
                     {"content", vocabulary.tokens[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", is_special_type(type)}});
  }
  return added;
}

// What goes around a text, as TemplateProcessing; null where nothing does.
json post_processor_json(const Tokenizer& tokenizer, const GgufVocabulary& vocabulary) {
  json single = json::array(), pair = json::array(), special = json::object();
  const auto content = [&](TokenId id) { return vocabulary.tokens[static_cast<std::size_t>(id)]; };
  const auto add_tokens = [&](const std::vector<TokenId>& ids, json& to, int type) {
    for (const TokenId id : ids) {
      to.push_back({{"SpecialToken", {{"id", content(id)}, {"type_id", type}}}});
      special[content(id)] = {{"id", content(id)}, {"ids", {id}}, {"tokens", {content(id)}}};
    }
  };
  const auto add_sequence = [&](const char* name, json& to, int type) {
    add_tokens(tokenizer.prefix(), to, type);
    to.push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
    add_tokens(tokenizer.suffix(), to, type);
  };
  add_sequence("A", single, 0);
  add_sequence("A", pair, 0);
  add_sequence("B", pair, 1);
  if (special.empty()) return nullptr;
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(special)}};
}

json config_json(const Tokenizer& tokenizer, const GgufVocabulary& vocabulary,
                 const std::string& where) {
  json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false}};
  const auto name = [&](const char* member, const char* key,
                        const std::optional<std::int64_t>& id) {
    if (!id) return;
    const auto count = static_cast<std::int64_t>(vocabulary.tokens.size());
    if (*id < 0 || *id >= count) {
      throw BadFile({.what = "the vocabulary of a GGUF file is not valid",
                     .where = concat(where, ", tokenizer.ggml.", key),
                     .expected = concat("0 to ", count - 1),
                     .found = concat(*id),
                     .next = "convert the model again, or fetch the file again"});
    }
    const auto place = static_cast<std::size_t>(*id);
    const GgufTokenType type = gguf_token_type(vocabulary, place);
    if (is_special_type(type) || type == GgufTokenType::user_defined) {
      config[member] = vocabulary.tokens[place];
    }
  };
  name("bos_token", "bos_token_id", vocabulary.bos_token_id);
  name("eos_token", "eos_token_id", vocabulary.eos_token_id);
  name("unk_token", "unknown_token_id", vocabulary.unknown_token_id);
  name("pad_token", "padding_token_id", vocabulary.padding_token_id);
  // The template says the same; transformers 4 heeds these.
  if (config.contains("bos_token")) config["add_bos_token"] = !tokenizer.prefix().empty();
  if (config.contains("eos_token")) config["add_eos_token"] = !tokenizer.suffix().empty();
  if (vocabulary.chat_template) {
    if (malformed_utf8(*vocabulary.chat_template)) {
      throw BadFile({.what = "the vocabulary of a GGUF file is not valid",
                     .where = concat(where, ", tokenizer.chat_template"),
                     .expected = "UTF-8",
                     .found = "other bytes",
                     .next = "convert the model again, or fetch the file again"});
    }
    config["chat_template"] = *vocabulary.chat_template;
  }
  return config;
}

}  // namespace

HuggingFaceFiles hugging_face_files(const GgufVocabulary& vocabulary, const std::string& where) {
  const Tokenizer tokenizer = tokenizer_from_gguf(vocabulary, where);  // checks everything
  const std::string place = printable(where);
  json root =
      vocabulary.model == "gpt2" ? ranked_json(vocabulary, place) : scored_json(vocabulary, place);
  root["version"] = "1.0";
  root["truncation"] = root["padding"] = nullptr;
  root["added_tokens"] = added_tokens_json(vocabulary);
  root["post_processor"] = post_processor_json(tokenizer, vocabulary);
  return {json_text(root), json_text(config_json(tokenizer, vocabulary, place), 2) + "\n"};
}

}  // namespace sinkwise::tokenizer
