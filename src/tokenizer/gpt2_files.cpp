#include <nlohmann/json.hpp>

#include "known_patterns.h"
#include "readers.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "vocabulary_listeners.h"

namespace sinkwise::tokenizer {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

// One merge a line, after an optional "#version: ..." line.
MergeList read_merges(const std::filesystem::path& path) {
  const std::string text = read_file(path, kMaxTokenizerBytes);
  MergeList merges;
  std::string_view rest = text;
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view merge = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (merge.ends_with('\r')) merge.remove_suffix(1);
    if (line == 1 && merge.starts_with("#version")) continue;
    add_merge(merges, merge,
              [&](std::size_t) { return concat(printable(path.string()), ", line ", line); });
  }
  return merges;
}

}  // namespace

Pipeline read_gpt2_files(const std::filesystem::path& vocab_json,
                         const std::filesystem::path& merges_txt) {
  const std::string name = vocab_json.string();
  Vocabulary vocabulary;
  VocabularyListener listener(vocabulary, printable(name));
  const std::string text = read_file(vocab_json, kMaxTokenizerBytes);
  parse_json(text, name, JsonLimits{.max_bytes = kMaxTokenizerBytes}, {{"", &listener}});

  RankedBpeParts parts;
  parts.merges = pair_table(vocabulary, read_merges(merges_txt), [&](std::size_t rank) {
    return concat(printable(merges_txt.string()), ", merge ", rank);
  });
  fill_byte_level(vocabulary, parts);

  Pipeline pipeline;
  pipeline.pre_tokenizer.emplace_back(Split{Regex(known_pattern::kGpt2, printable(name))});
  pipeline.decoded = parts.tokens;
  const TokenId end = vocabulary.index.find(vocabulary.tokens, kEndOfText);
  pipeline.model = std::make_unique<RankedBpe>(std::move(parts));
  if (end < 0) return pipeline;
  add_token(pipeline, vocabulary,
            AddedToken{.id = end, .content = std::string(kEndOfText), .special = true}, false,
            name);
  pipeline.begin_of_text = end;
  pipeline.end_of_text = end;
  return pipeline;
}

}  // namespace sinkwise::tokenizer
