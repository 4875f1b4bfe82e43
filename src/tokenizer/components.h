#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fields.h"
#include "normalizer.h"
#include "pre_tokenizer.h"
#include "vocabulary.h"

namespace sinkwise::tokenizer {

// The components of a tokenizer.json. Each reader takes the component, or none where the file has
// none; BadFile for a wrong member, Unsupported for a type or option that is not implemented.

std::vector<NormalizerStep> read_normalizer(const std::optional<Field>& field);

struct PreTokenizer {
  std::vector<PreTokenizerStep> steps;
  bool byte_level = false;  // words are taken as bytes
};
PreTokenizer read_pre_tokenizer(const std::optional<Field>& field);

// How tokens that are no bytes of a byte-level vocabulary become text again.
struct TextDecoder {
  std::string mark;            // becomes a space; empty: nothing does
  bool byte_fallback = false;  // <0x41> is a byte
  bool strip_leading_space = false;
};
// None for the decoder of byte-level vocabularies.
std::optional<TextDecoder> read_decoder(const std::optional<Field>& field);

// What a template puts before and behind a single text.
struct Surround {
  std::vector<std::int64_t> prefix;
  std::vector<std::int64_t> suffix;
};
Surround read_post_processor(const std::optional<Field>& field);

}  // namespace sinkwise::tokenizer
