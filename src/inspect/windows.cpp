#include <algorithm>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/core/utf8.h"
#include "sinkwise/inspect/inspect.h"

namespace sinkwise::inspect {
namespace {

using tokenizer::TokenId;
using tokenizer::Tokenizer;

std::optional<TokenId> beginning(const Tokenizer& tokenizer, Begin begin) {
  if (begin == Begin::never) return std::nullopt;
  if (begin == Begin::tokenizer) {
    if (tokenizer.prefix().empty()) return std::nullopt;
    return tokenizer.prefix().front();
  }
  if (const auto id = tokenizer.begin_of_text()) return id;
  throw BadArgument(
      {"the tokenizer knows no beginning token", "--bos", "auto or never", "always", ""});
}

// At least the first `wanted` ids of a text, where it has so many. A piece of it is enough; its
// last tokens may be others than the whole text's there, so there are some to spare.
std::vector<TokenId> first_ids(const Tokenizer& tokenizer, std::string_view text,
                               std::int64_t wanted) {
  constexpr std::size_t kBytesOfToken = 16;
  constexpr std::int64_t kToSpare = 256;
  const auto enough = static_cast<std::size_t>(wanted + kToSpare);
  for (std::size_t size = enough * kBytesOfToken;; size *= 2) {
    const std::string_view piece = text.substr(0, character_boundary(text, size));
    auto ids = tokenizer.encode(
        piece, {.special_text = tokenizer::SpecialText::control, .add_special = false});
    if (piece.size() == text.size() || ids.size() >= enough) return ids;
  }
}

std::string text_of(const Tokenizer& tokenizer, TokenId id) {
  const auto bytes = tokenizer.bytes(id);
  return bytes ? std::string(*bytes) : concat("token ", id);
}

}  // namespace

Windows cut_windows(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                    const WindowOptions& options) {
  const auto first = beginning(tokenizer, options.begin);
  const std::int64_t own = options.length - (first ? 1 : 0);
  std::vector<TokenId> ids;
  for (const std::string& text : texts) {
    const std::int64_t wanted = own * options.most - static_cast<std::int64_t>(ids.size());
    if (wanted <= 0) break;
    const auto more = first_ids(tokenizer, text, wanted);
    ids.insert(ids.end(), more.begin(), more.end());
  }
  const auto N = std::min(options.most, static_cast<std::int64_t>(ids.size()) / own);
  if (N == 0) {
    throw BadArgument(
        {"the text is too short", "--text",
         concat("at least ", own, " tokens, for one window of --length ", options.length),
         concat(ids.size()), "give more text, or a smaller --length"});
  }
  Windows windows{
      at::empty({N, options.length}, at::kLong), at::zeros({N, options.length}, at::kBool), {}, {}};
  TextFacts& facts = windows.facts;
  facts.windows = N, facts.length = options.length;
  if (first) facts.begin_id = *first, facts.begin_text = text_of(tokenizer, *first);
  auto* out = windows.tokens.mutable_data_ptr<std::int64_t>();
  auto next = ids.begin();
  for (std::int64_t n = 0; n < N; ++n) {
    for (std::int64_t t = 0; t < options.length; ++t) {
      const TokenId id = t == 0 && first ? *first : *next++;
      *out++ = id;
      if (t == 0) continue;
      if (tokenizer.is_special(id)) {
        ++facts.special_inside;
        windows.special_inside[n][t] = true;
      }
      const auto bytes = tokenizer.bytes(id);
      facts.predicted_bytes += bytes ? static_cast<std::int64_t>(bytes->size()) : 0;
    }
  }
  for (std::int64_t t = 0; t < std::min(options.length, kMapTokens); ++t) {
    windows.first_texts.push_back(
        text_of(tokenizer, static_cast<TokenId>(windows.tokens[0][t].item<std::int64_t>())));
  }
  return windows;
}

}  // namespace sinkwise::inspect
