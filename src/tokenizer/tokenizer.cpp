#include "sinkwise/tokenizer/tokenizer.h"

#include <algorithm>
#include <utility>

#include "characters.h"
#include "pipeline.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {
namespace {

constexpr std::size_t kLongestText = std::size_t{1} << 30;  // positions in words take 32 bits

void check_text(std::string_view text) {
  if (text.size() > kLongestText) {
    throw BadArgument({.what = "a text is too long to be tokenised at once",
                       .where = "Tokenizer::encode",
                       .expected = concat("at most ", kLongestText, " bytes"),
                       .found = concat(text.size()),
                       .next = "encode it in pieces"});
  }
  if (const auto at = malformed_utf8(text)) {
    throw BadArgument({.what = "a text is no UTF-8",
                       .where = concat("Tokenizer::encode, byte ", *at, " of the text"),
                       .expected = "UTF-8",
                       .found = "'" + printable(text.substr(*at, 4)) + "'",
                       .next = "convert the text first, for example with iconv"});
  }
}

// One call of encode().
class Encoder {
 public:
  Encoder(const Pipeline& pipeline, std::string_view text, EncodeOptions options)
      : pipeline_(pipeline), text_(text), control_(options.special_text == SpecialText::control) {}

  void run(std::vector<TokenId>& ids) {
    const auto raw = [&](std::string_view piece, std::optional<TokenId> token) {
      if (token) return ids.push_back(*token);
      encode_between(piece, piece.data() == text_.data(), ids);
    };
    pipeline_.raw_tokens.split(text_, control_, raw);
  }

 private:
  void encode_between(std::string_view piece, bool first, std::vector<TokenId>& ids) {
    const std::string normal = normalize(pipeline_.normalizer, piece);
    const auto use = [&](std::string_view part, std::optional<TokenId> token) {
      if (token) return ids.push_back(*token);
      for_each_word(pipeline_.pre_tokenizer, part, first && part.data() == normal.data(),
                    [&](std::string_view word) { pipeline_.model->encode(word, scratch_, ids); });
    };
    pipeline_.normalized_tokens.split(normal, control_, use);
  }

  const Pipeline& pipeline_;
  std::string_view text_;
  bool control_;
  MergeScratch scratch_;
};

bool is_special_id(const Pipeline& pipeline, TokenId id) {
  return id >= 0 && static_cast<std::size_t>(id) < pipeline.special.size() &&
         pipeline.special[static_cast<std::size_t>(id)];
}

// What a token adds to a text that is at its start or not.
std::string_view bytes_of_token(const Pipeline& pipeline, TokenId id, bool& at_start,
                                DecodeOptions options) {
  if (!pipeline.decoded.holds(id)) {
    throw BadArgument(
        {.what = "an id has no token",
         .where = "Tokenizer::decode",
         .expected = concat("an id of the vocabulary, below ", pipeline.decoded.size()),
         .found = concat(id),
         .next = "decode with the tokenizer that the ids were made with"});
  }
  if (options.skip_special && is_special_id(pipeline, id)) return {};
  std::string_view bytes = pipeline.decoded.at(id);
  if (at_start && pipeline.strip_leading_space && bytes.starts_with(' ')) bytes.remove_prefix(1);
  at_start = at_start && pipeline.decoded.at(id).empty();
  return bytes;
}

// Whether more bytes could make a character of `bytes`, which is none yet. Of the second byte's
// possible ranges each holds 0x80 or 0xBF.
bool begins_character(std::string_view bytes) {
  std::uint32_t code = 0;
  for (const char filler : {'\x80', '\xBF'}) {
    const std::string filled = std::string(bytes) + std::string(3, filler);
    if (decode_utf8(filled, code) > bytes.size()) return true;
  }
  return false;
}

// Bytes at the end of `bytes` that begin a character without ending it.
std::size_t unfinished_bytes(std::string_view bytes) {
  for (std::size_t count = std::min<std::size_t>(3, bytes.size()); count > 0; --count) {
    if (begins_character(bytes.substr(bytes.size() - count))) return count;
  }
  return 0;
}

}  // namespace

Tokenizer::Tokenizer(Pipeline pipeline)
    : pipeline_(std::make_shared<const Pipeline>(std::move(pipeline))),
      begin_of_text_(pipeline_->begin_of_text) {}

Tokenizer Tokenizer::beginning_with(TokenId id) const {
  Tokenizer other = *this;
  other.begin_of_text_ = id;
  return other;
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  check_text(text);
  std::vector<TokenId> ids;
  if (options.add_special) ids = pipeline_->prefix;
  Encoder(*pipeline_, text, options).run(ids);
  if (options.add_special) ids.insert(ids.end(), suffix().begin(), suffix().end());
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, DecodeOptions options) const {
  std::string text;
  bool at_start = true;
  for (const TokenId id : ids) text += bytes_of_token(*pipeline_, id, at_start, options);
  return text;
}

TokenId Tokenizer::vocabulary_size() const { return pipeline_->decoded.size(); }

std::optional<std::string_view> Tokenizer::bytes(TokenId id) const {
  if (!pipeline_->decoded.holds(id)) return std::nullopt;
  return pipeline_->decoded.at(id);
}

std::optional<TokenId> Tokenizer::find(std::string_view content) const {
  const auto added = pipeline_->added.find(content);
  if (added != pipeline_->added.end()) return added->second.id;
  const TokenId id = pipeline_->model->find(content);
  if (id < 0) return std::nullopt;
  return id;
}

bool Tokenizer::is_special(TokenId id) const { return is_special_id(*pipeline_, id); }
std::optional<TokenId> Tokenizer::begin_of_text() const { return begin_of_text_; }
std::optional<TokenId> Tokenizer::end_of_text() const { return pipeline_->end_of_text; }
const std::vector<TokenId>& Tokenizer::prefix() const { return pipeline_->prefix; }
const std::vector<TokenId>& Tokenizer::suffix() const { return pipeline_->suffix; }

TextStream::TextStream(Tokenizer tokenizer, DecodeOptions options)
    : tokenizer_(std::move(tokenizer)), options_(options) {}

std::string TextStream::push(TokenId id) {
  pending_ += bytes_of_token(*tokenizer_.pipeline_, id, at_start_, options_);
  std::string certain = std::move(pending_);
  const std::size_t kept = unfinished_bytes(certain);
  pending_ = certain.substr(certain.size() - kept);
  certain.resize(certain.size() - kept);
  return certain;
}

std::string TextStream::finish() {
  at_start_ = true;
  return std::exchange(pending_, std::string());
}

}  // namespace sinkwise::tokenizer
