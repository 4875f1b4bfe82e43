#include <bit>
#include <cmath>
#include <cstring>

#include "readers.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

static_assert(std::endian::native == std::endian::little, "llama2.c files are little endian");

// The first ids of every such vocabulary: unknown, begin and end of text, then the 256 bytes.
constexpr TokenId kUnknown = 0;
constexpr TokenId kBegin = 1;
constexpr TokenId kEnd = 2;
constexpr TokenId kFirstByte = 3;
constexpr TokenId kFirstText = kFirstByte + 256;

// int32 max_token_length, then for each token float32 score, int32 length, bytes.
class Reader {
 public:
  Reader(std::string name, std::string_view bytes) : name_(std::move(name)), bytes_(bytes) {}

  bool at_end() const { return at_ == bytes_.size(); }

  template <typename Value>
  Value number(const char* what) {
    const std::string_view bytes = take(sizeof(Value), what);
    Value value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  std::string_view take(std::size_t count, const char* what) {
    if (bytes_.size() - at_ < count) {
      refuse(what, concat(count, " bytes"), concat(bytes_.size() - at_, " of ", count, " bytes"));
    }
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

  [[noreturn]] void refuse(const char* what, std::string expected, std::string found) const {
    throw BadFile({.what = concat("not a valid llama2.c tokenizer: ", what),
                   .where = concat(printable(name_), ", byte ", at_),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .next = "fetch the file again, or check that it is a tokenizer.bin"});
  }

 private:
  std::string name_;
  std::string_view bytes_;
  std::size_t at_ = 0;
};

void read_token(Reader& reader, std::int32_t longest, ScoredBpeParts& parts) {
  const auto score = reader.number<float>("score of a token");
  if (!std::isfinite(score)) {
    reader.refuse("score of a token", "a finite number", concat(score));
  }
  const auto length = reader.number<std::int32_t>("length of a token");
  if (length < 0 || length > longest) {
    reader.refuse("length of a token", concat("0 to max_token_length, ", longest), concat(length));
  }
  const std::string_view text = reader.take(static_cast<std::size_t>(length), "bytes of a token");
  const TokenId id = parts.tokens.size();
  if (id >= kMaxVocabulary) reader.refuse("tokens", concat("at most ", kMaxVocabulary), "more");
  parts.tokens.set(id, text);
  parts.scores.push_back(score);
  // The first of equal texts wins; that the control tokens and bytes have texts is for printing.
  if (id >= kFirstText && !text.empty()) parts.index.insert(parts.tokens, id);
}

TokenTable decoded_tokens(const TokenTable& tokens) {
  TokenTable decoded;
  for (TokenId id = 0; id < tokens.size(); ++id) {
    const bool is_byte = id >= kFirstByte && id < kFirstText;
    decoded.set(id, is_byte ? std::string(1, static_cast<char>(id - kFirstByte))
                            : std::string(tokens.at(id)));
  }
  return decoded;
}

}  // namespace

Pipeline read_llama2c(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaxTokenizerBytes);
  Reader reader(path.string(), bytes);
  const auto longest = reader.number<std::int32_t>("max_token_length");
  if (longest <= 0) reader.refuse("max_token_length", "a positive number", concat(longest));
  ScoredBpeParts parts;
  while (!reader.at_end()) read_token(reader, longest, parts);
  if (parts.tokens.size() < kFirstText) {
    reader.refuse("tokens", concat("at least ", kFirstText, ", the bytes among them"),
                  concat(parts.tokens.size()));
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    parts.bytes[byte] = kFirstByte + static_cast<TokenId>(byte);
  }
  parts.unknown_characters_merge = false;

  Pipeline pipeline;
  pipeline.normalizer.emplace_back(Prepend{" "});
  pipeline.decoded = decoded_tokens(parts.tokens);
  pipeline.strip_leading_space = true;
  pipeline.model = std::make_unique<ScoredBpe>(std::move(parts));
  // Never found in a text: that format has no notion of control tokens there.
  pipeline.special.assign(kFirstText, false);
  for (const TokenId id : {kUnknown, kBegin, kEnd})
    pipeline.special[static_cast<std::size_t>(id)] = true;
  pipeline.begin_of_text = kBegin;
  pipeline.end_of_text = kEnd;
  pipeline.prefix = {kBegin};
  return pipeline;
}

}  // namespace sinkwise::tokenizer
