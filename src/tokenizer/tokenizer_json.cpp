#include <algorithm>
#include <nlohmann/json.hpp>

#include "fields.h"
#include "readers.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "vocabulary_listeners.h"

namespace sinkwise::tokenizer {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxConfigBytes = std::size_t{16} << 20;

struct File {
  std::string name;
  json root;
  Vocabulary vocabulary;
  MergeList merges;
};

File read(const std::filesystem::path& path) {
  File file{.name = path.string(), .root = {}, .vocabulary = {}, .merges = {}};
  const std::string name = printable(file.name);
  VocabularyListener vocabulary(file.vocabulary, name + ", model.vocab");
  MergesListener merges(file.merges, name + ", model.merges");
  const std::string text = read_file(path, kMaxTokenizerBytes);
  file.root = parse_json(text, file.name, JsonLimits{.max_bytes = kMaxTokenizerBytes},
                         {{"model.vocab", &vocabulary}, {"model.merges", &merges}});
  const Field model = Field(file.root, file.name, "").at("model");
  const auto type = model.find("type");  // GPT-2's older files have none
  if (type && type->text() != "BPE") type->not_supported("BPE");
  if (!vocabulary.heard()) model.refuse("a member 'vocab'");
  if (!merges.heard()) model.refuse("a member 'merges'");
  return file;
}

void refuse_unsupported_options(const Field& model) {
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const auto field = model.find(name);
    if (field && !field->text().empty()) field->not_supported("none");
  }
  const auto dropout = model.find("dropout");
  if (dropout && dropout->value() != 0) dropout->not_supported("no dropout");
}

std::optional<TokenId> read_unknown(const Field& model, const Vocabulary& vocabulary) {
  const auto field = model.find("unk_token");
  if (!field) return std::nullopt;
  const TokenId id = vocabulary.index.find(vocabulary.tokens, field->text());
  if (id < 0) return std::nullopt;  // an error only of a text that needs it
  return id;
}

RankedBpeParts read_model(const File& file, const Field& model, bool byte_level) {
  refuse_unsupported_options(model);
  RankedBpeParts parts;
  parts.byte_level = byte_level;
  parts.ignore_merges = model.truth_or("ignore_merges", false);
  parts.fuse_unknown = model.truth_or("fuse_unk", false);
  parts.unknown = read_unknown(model, file.vocabulary);
  parts.merges = pair_table(file.vocabulary, file.merges, [&](std::size_t rank) {
    return concat(printable(file.name), ", model.merges[", rank, "]");
  });
  if (byte_level) {
    fill_byte_level(file.vocabulary, parts);
    return parts;
  }
  parts.bytes.fill(TokenIndex::kAbsent);
  if (model.truth_or("byte_fallback", false)) parts.bytes = fallback_bytes(file.vocabulary);
  parts.tokens = file.vocabulary.tokens;
  parts.index = file.vocabulary.index;
  return parts;
}

void read_added_tokens(const Field& root, const Vocabulary& vocabulary, Pipeline& pipeline) {
  const auto list = root.find("added_tokens");
  if (!list) return;
  for (const Field& item : list->items()) {
    const std::int64_t id = item.at("id").whole();
    if (id < 0 || id >= kMaxVocabulary) {
      item.at("id").refuse(concat("an id from 0 to ", kMaxVocabulary - 1));
    }
    AddedToken token{.id = static_cast<TokenId>(id),
                     .content = item.at("content").text(),
                     .special = item.truth_or("special", false),
                     .left_space = item.truth_or("lstrip", false),
                     .right_space = item.truth_or("rstrip", false),
                     .single_word = item.truth_or("single_word", false)};
    const bool normalized = item.truth_or("normalized", !token.special);
    add_token(pipeline, vocabulary, std::move(token), normalized, item.where());
  }
}

std::vector<TokenId> checked_ids(const std::vector<std::int64_t>& ids, const Pipeline& pipeline,
                                 const Field& field) {
  std::vector<TokenId> checked;
  for (const std::int64_t id : ids) {
    const bool known =
        id >= 0 && id < pipeline.decoded.size() && pipeline.decoded.holds(static_cast<TokenId>(id));
    if (!known) field.refuse(concat("ids of tokens, which ", id, " is not"));
    checked.push_back(static_cast<TokenId>(id));
  }
  return checked;
}

// A token by its content, given as a string or as an object with that member.
std::optional<TokenId> read_token(const Field& config, const std::string& name,
                                  const Pipeline& pipeline) {
  const auto field = config.find(name);
  if (!field) return std::nullopt;
  const std::string content =
      field->value().is_object() ? field->at("content").text() : field->text();
  const auto added = pipeline.added.find(content);
  if (added == pipeline.added.end()) return std::nullopt;
  return added->second.id;
}

// Only names tokens: what goes around a text is the template's word, as in transformers 5, which
// heeds no add_bos_token beside a tokenizer.json.
void read_config(const std::filesystem::path& path, Pipeline& pipeline) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return;
  const std::string name = path.string();
  const json root = parse_json(read_file(path, kMaxConfigBytes), name, kMaxConfigBytes);
  const Field config(root, name, "");
  if (const auto id = read_token(config, "bos_token", pipeline)) pipeline.begin_of_text = id;
  if (const auto id = read_token(config, "eos_token", pipeline)) pipeline.end_of_text = id;
}

}  // namespace

TokenTable text_of_tokens(const Vocabulary& vocabulary, const TextDecoder& decoder) {
  TokenTable table;
  for (TokenId id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!vocabulary.tokens.holds(id)) continue;
    const std::string_view written = vocabulary.tokens.at(id);
    const auto byte = decoder.byte_fallback ? byte_of_fallback(written) : std::nullopt;
    if (byte) {
      table.set(id, std::string(1, static_cast<char>(*byte)));
    } else if (decoder.mark.empty()) {
      table.set(id, written);
    } else {
      table.set(id, replace_all(written, decoder.mark, " "));
    }
  }
  return table;
}

Pipeline read_tokenizer_json(const std::filesystem::path& path) {
  const File file = read(path);
  const Field root(file.root, file.name, "");
  Pipeline pipeline;
  pipeline.normalizer = read_normalizer(root.find("normalizer"));
  PreTokenizer pre_tokenizer = read_pre_tokenizer(root.find("pre_tokenizer"));
  const std::optional<TextDecoder> decoder = read_decoder(root.find("decoder"));
  if (pre_tokenizer.byte_level == decoder.has_value()) {
    root.at("decoder").not_supported("ByteLevel with, and only with, that pre-tokenizer");
  }
  pipeline.pre_tokenizer = std::move(pre_tokenizer.steps);
  RankedBpeParts parts = read_model(file, root.at("model"), pre_tokenizer.byte_level);
  pipeline.decoded = decoder ? text_of_tokens(file.vocabulary, *decoder) : parts.tokens;
  pipeline.strip_leading_space = decoder && decoder->strip_leading_space;
  pipeline.model = std::make_unique<RankedBpe>(std::move(parts));
  read_added_tokens(root, file.vocabulary, pipeline);
  const Surround surround = read_post_processor(root.find("post_processor"));
  if (const auto field = root.find("post_processor")) {
    pipeline.prefix = checked_ids(surround.prefix, pipeline, *field);
    pipeline.suffix = checked_ids(surround.suffix, pipeline, *field);
  }
  if (pipeline.prefix.size() == 1) pipeline.begin_of_text = pipeline.prefix.front();
  if (pipeline.suffix.size() == 1) pipeline.end_of_text = pipeline.suffix.front();
  read_config(path.parent_path() / "tokenizer_config.json", pipeline);
  return pipeline;
}

}  // namespace sinkwise::tokenizer
