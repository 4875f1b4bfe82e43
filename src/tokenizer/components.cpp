#include "components.h"

#include <array>

#include "known_patterns.h"

namespace sinkwise::tokenizer {
namespace {

using Pattern = std::variant<std::string, Regex>;

// {"String": "..."} or {"Regex": "..."}.
Pattern read_pattern(const Field& field) {
  if (const auto literal = field.find("String")) {
    std::string text = literal->text();
    if (text.empty()) literal->refuse("a string that is not empty");
    return text;
  }
  const auto regex = field.find("Regex");
  if (!regex) field.refuse("a member 'String' or 'Regex'");
  return Regex(regex->text(), regex->where());
}

// --- Normalizers ---

void read_normalizer_step(const Field& field, std::vector<NormalizerStep>& steps) {
  const std::string type = field.at("type").text();
  if (type == "Sequence") {
    for (const Field& item : field.at("normalizers").items()) read_normalizer_step(item, steps);
  } else if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") {
    steps.emplace_back(NormalForm{.compose = type.back() == 'C', .compatible = type[2] == 'K'});
  } else if (type == "Prepend") {
    steps.emplace_back(Prepend{field.at("prepend").text()});
  } else if (type == "Replace") {
    steps.emplace_back(Replace{read_pattern(field.at("pattern")), field.at("content").text()});
  } else {
    field.at("type").not_supported("NFC, NFD, NFKC, NFKD, Prepend, Replace or Sequence");
  }
}

// --- Pre-tokenizers ---

SplitBehavior read_behavior(const Field& field) {
  const std::string name = field.text();
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  field.refuse("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

void read_byte_level(const Field& field, PreTokenizer& result) {
  if (field.truth_or("add_prefix_space", true)) result.steps.emplace_back(PrefixSpace{});
  if (field.truth_or("use_regex", true)) {
    result.steps.emplace_back(Split{Regex(std::string(known_pattern::kGpt2), field.where())});
  }
  result.byte_level = true;
}

void read_metaspace(const Field& field, PreTokenizer& result) {
  MarkSpaces step{.mark = field.at("replacement").text()};
  if (step.mark.empty()) field.at("replacement").refuse("one character");
  if (const auto scheme = field.find("prepend_scheme")) {
    const std::string name = scheme->text();
    if (name != "always" && name != "first" && name != "never") {
      scheme->refuse("always, first or never");
    }
    step.front = name == "always"  ? MarkSpaces::Front::every_piece
                 : name == "first" ? MarkSpaces::Front::first_piece
                                   : MarkSpaces::Front::never;
  } else if (!field.truth_or("add_prefix_space", true)) {
    step.front = MarkSpaces::Front::never;
  }
  const std::string mark = step.mark;
  result.steps.emplace_back(std::move(step));
  if (field.truth_or("split", true)) {
    result.steps.emplace_back(Split{mark, SplitBehavior::merged_with_next});
  }
}

void read_pre_tokenizer_step(const Field& field, PreTokenizer& result) {
  const Field type_field = field.at("type");
  const std::string type = type_field.text();
  // Behind it the text would be bytes in their printable form, which nothing here works on.
  if (result.byte_level) type_field.not_supported("ByteLevel as the last pre-tokenizer");
  if (type == "Sequence") {
    for (const Field& item : field.at("pretokenizers").items()) {
      read_pre_tokenizer_step(item, result);
    }
  } else if (type == "Split") {
    result.steps.emplace_back(Split{read_pattern(field.at("pattern")),
                                    read_behavior(field.at("behavior")),
                                    field.truth_or("invert", false)});
  } else if (type == "Digits") {
    result.steps.emplace_back(Split{Regex(known_pattern::kDigit, field.where()),
                                    field.truth_or("individual_digits", false)
                                        ? SplitBehavior::isolated
                                        : SplitBehavior::contiguous});
  } else if (type == "ByteLevel") {
    read_byte_level(field, result);
  } else if (type == "Metaspace") {
    read_metaspace(field, result);
  } else {
    type_field.not_supported("Split, Digits, ByteLevel, Metaspace or Sequence");
  }
}

// --- Decoders ---

void read_strip(const Field& field, TextDecoder& decoder) {
  const std::int64_t start = field.at("start").whole();
  const bool one_space = field.at("content").text() == " " && start >= 0 && start <= 1;
  if (!one_space || field.at("stop").whole() != 0) {
    field.not_supported("one space stripped at the start, none at the end");
  }
  decoder.strip_leading_space = start == 1;
}

void read_mark(const Field& mark, const Field& content, TextDecoder& decoder) {
  decoder.mark = mark.text();
  if (decoder.mark.empty()) mark.refuse("a string that is not empty");
  if (content.text() != " ") content.not_supported("a mark that becomes one space");
}

void read_decoder_step(const Field& field, TextDecoder& decoder) {
  const std::string type = field.at("type").text();
  if (type == "Sequence") {
    for (const Field& item : field.at("decoders").items()) read_decoder_step(item, decoder);
  } else if (type == "Replace") {
    const Field pattern = field.at("pattern");
    if (!pattern.find("String")) pattern.not_supported("a member 'String'");
    read_mark(pattern.at("String"), field.at("content"), decoder);
  } else if (type == "ByteFallback") {
    decoder.byte_fallback = true;
  } else if (type == "Strip") {
    read_strip(field, decoder);
  } else if (type == "Metaspace") {
    PreTokenizer same;
    read_metaspace(field, same);
    const auto& step = std::get<MarkSpaces>(same.steps.front());
    decoder.mark = step.mark;
    decoder.strip_leading_space = step.front != MarkSpaces::Front::never;
  } else if (type != "Fuse") {
    field.at("type").not_supported(
        "ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip or Sequence");
  }
}

// --- Post-processors ---

void read_template(const Field& field, Surround& surround) {
  bool behind = false;
  const Field tokens = field.at("special_tokens");
  for (const Field& piece : field.at("single").items()) {
    if (const auto sequence = piece.find("Sequence")) {
      if (behind || sequence->at("id").text() != "A") sequence->not_supported("one sequence, A");
      behind = true;
      continue;
    }
    const std::string name = piece.at("SpecialToken").at("id").text();
    for (const Field& id : tokens.at(name).at("ids").items()) {
      (behind ? surround.suffix : surround.prefix).push_back(id.whole());
    }
  }
  if (!behind) field.at("single").not_supported("one sequence, A");
}

void read_post_processor_step(const Field& field, Surround& surround) {
  const Field type_field = field.at("type");
  const std::string type = type_field.text();
  if (type == "Sequence") {
    for (const Field& item : field.at("processors").items()) {
      read_post_processor_step(item, surround);
    }
  } else if (type == "TemplateProcessing") {
    if (!surround.prefix.empty() || !surround.suffix.empty()) {
      type_field.not_supported("one TemplateProcessing");
    }
    read_template(field, surround);
  } else if (type != "ByteLevel") {  // that one only moves offsets
    type_field.not_supported("TemplateProcessing, ByteLevel or Sequence");
  }
}

}  // namespace

std::vector<NormalizerStep> read_normalizer(const std::optional<Field>& field) {
  std::vector<NormalizerStep> steps;
  if (field) read_normalizer_step(*field, steps);
  return steps;
}

PreTokenizer read_pre_tokenizer(const std::optional<Field>& field) {
  PreTokenizer result;
  if (field) read_pre_tokenizer_step(*field, result);
  return result;
}

std::optional<TextDecoder> read_decoder(const std::optional<Field>& field) {
  if (field && field->at("type").text() == "ByteLevel") return std::nullopt;
  TextDecoder decoder;
  if (field) read_decoder_step(*field, decoder);
  return decoder;
}

Surround read_post_processor(const std::optional<Field>& field) {
  Surround surround;
  if (field) read_post_processor_step(*field, surround);
  return surround;
}

}  // namespace sinkwise::tokenizer
