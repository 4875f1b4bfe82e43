#include <algorithm>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
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
    if (static_cast<std::int64_t>(ids.size()) >= own * options.most) break;
    const auto more = tokenizer.encode(
        text, {.special_text = tokenizer::SpecialText::control, .add_special = false});
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
