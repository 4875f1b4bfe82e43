#include "sinkwise/eval/encoder.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/hash.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/python_space.h"
#include "sinkwise/core/text.h"

namespace sinkwise::eval {
namespace {

using tokenizer::TokenId;
using tokenizer::Tokenizer;
using Ids = std::vector<TokenId>;

std::int64_t size_of(const Ids& ids) { return static_cast<std::int64_t>(ids.size()); }

// Only what stands in front: a suffix would end a text that is to go on.
Ids beginning(const Tokenizer& tokenizer, Begin begin) {
  if (begin == Begin::never) return {};
  if (begin == Begin::tokenizer || !tokenizer.prefix().empty()) return tokenizer.prefix();
  if (const auto id = tokenizer.begin_of_text()) return {*id};
  throw BadConfig(
      {"the tokenizer names no token that begins a text", "--bos", "auto or never", "always", ""});
}

std::string hash_of(const Question& question) {
  nlohmann::json all = nlohmann::json::array();
  for (const Request& request : question.requests) {
    all.push_back({request.context, request.continuation});
  }
  return hash_hex(bytes_of(json_text({all, question.label})));
}

// What the ids decode to, and where in it each of them ends. A character of several ids counts for
// the last one.
struct Decoded {
  Decoded(const Tokenizer& tokenizer, const Ids& ids) {
    tokenizer::TextStream stream(tokenizer);
    for (const TokenId id : ids) {
      text += stream.push(id);
      ends.push_back(text.size());
    }
    text += stream.finish();
    if (!ends.empty()) ends.back() = text.size();
  }

  // Of the ids from `first` to before `end`.
  std::string_view part(std::size_t first, std::size_t end) const {
    const std::size_t from = first == 0 ? 0 : ends[first - 1];
    return std::string_view(text).substr(from, ends[end - 1] - from);
  }

  std::string text;
  std::vector<std::size_t> ends;
};

}  // namespace

Encoder::Encoder(Tokenizer tokenizer, Begin begin, std::int64_t context_length)
    : tokenizer_(std::move(tokenizer)),
      begin_(beginning(tokenizer_, begin)),
      context_length_(context_length) {}

Ids Encoder::encode(std::string_view text, const std::string& where) const {
  try {
    return tokenizer_.encode(
        text, {.special_text = tokenizer::SpecialText::control, .add_special = false});
  } catch (const BadArgument& error) {
    ErrorText said = error.text();
    said.where = printable(where);
    throw BadFile(said);
  }
}

// A text that begins with the token already gets no second one.
Ids Encoder::with_begin(Ids ids) const {
  const bool there =
      ids.size() >= begin_.size() && std::equal(begin_.begin(), begin_.end(), ids.begin());
  if (!there) ids.insert(ids.begin(), begin_.begin(), begin_.end());
  return ids;
}

TokenId Encoder::prefix_token() const {
  if (const auto id = tokenizer_.begin_of_text()) return *id;
  if (const auto id = tokenizer_.end_of_text()) return *id;
  throw Unsupported({"the first token of a text has nothing to follow", "the tokenizer",
                     "a token that begins or ends a text", "neither",
                     "leave out tasks without context, such as blimp"});
}

Row Encoder::row_without_context(std::string_view continuation, const std::string& where) const {
  Ids ids = encode(continuation, where);
  const TokenId first = prefix_token();
  if (ids.empty() || ids.front() != first) ids.insert(ids.begin(), first);
  return {ids, size_of(ids) - 1};
}

Row Encoder::row(const Request& request, const std::string& where) const {
  const std::size_t spaces = trailing_space(request.context);
  const std::string context = request.context.substr(0, request.context.size() - spaces);
  const std::string whole = request.context + request.continuation;
  if (context.empty()) return row_without_context(whole, where);
  Ids ids = with_begin(encode(whole, where));
  const std::int64_t before = size_of(with_begin(encode(context, where)));
  if (before == 0) return row_without_context(whole, where);
  const std::int64_t scored = std::max<std::int64_t>(0, size_of(ids) - before);
  return {std::move(ids), scored};
}

Item Encoder::item(const Question& question, std::int64_t index, const std::string& where) const {
  Item item;
  item.facts = {index, hash_of(question), question.group, question.label, question.lengths};
  for (const Request& request : question.requests) {
    Row row = this->row(request, where);
    if (row.scored < 1) {
      throw BadFile({"a continuation has no tokens of its own", printable(where),
                     "at least one token after the context",
                     concat("'", printable(request.continuation), "'"),
                     "give the continuation some text"});
    }
    if (row.scored > context_length_) {
      throw BadFile({"a continuation is longer than the model's context", printable(where),
                     concat("at most ", context_length_, " tokens"), concat(row.scored),
                     "leave this row out, or take a model with a longer context"});
    }
    const std::int64_t surplus = size_of(row.ids) - (context_length_ + 1);
    if (surplus > 0) {
      row.ids.erase(row.ids.begin(), row.ids.begin() + surplus);
      item.truncated = true;
    }
    item.rows.push_back(std::move(row));
  }
  return item;
}

void Encoder::check(const WindowOptions& options) const {
  const std::int64_t least = size_of(begin_) + 1;
  if (options.length < least || options.length > context_length_) {
    throw BadConfig({"a window of that length does not fit the model", "--length",
                     concat(least, " to ", context_length_, ", the model's context"),
                     concat(options.length), ""});
  }
  const std::int64_t most = options.length - std::max<std::int64_t>(0, size_of(begin_) - 1);
  if (options.stride < 1 || options.stride > most) {
    throw BadConfig({"windows that far apart would leave tokens out", "--stride",
                     concat("1 to ", most, " for a --length of ", options.length),
                     concat(options.stride), ""});
  }
}

TextItems Encoder::windows(std::string_view text, const WindowOptions& options,
                           const std::string& where) const {
  check(options);
  const Ids ids = encode(text, where);
  const Decoded decoded(tokenizer_, ids);
  const std::int64_t n = size_of(ids), own = options.length - size_of(begin_);
  TextItems result;
  result.lossless = decoded.text == text;
  // Where the ids do not say the text, each window gets its share of the text's bytes.
  const double stretch = decoded.text.empty() ? 1.0
                                              : static_cast<double>(text.size()) /
                                                    static_cast<double>(decoded.text.size());
  const auto bytes_before = [&](std::string_view part) {
    const auto at = static_cast<double>(part.data() - decoded.text.data());
    return std::llround(stretch * at);
  };
  std::int64_t next = begin_.empty() ? 1 : 0;  // the first id that no window has scored
  std::int64_t end = std::min(n, own + 1);
  while (next < end) {
    // `own` ids are read after the beginning token; the last of the window is only predicted.
    const std::int64_t from = std::max<std::int64_t>(0, end - 1 - own);
    Row row{begin_, end - next};
    row.ids.insert(row.ids.end(), ids.begin() + from, ids.begin() + end);
    const auto part = decoded.part(static_cast<std::size_t>(next), static_cast<std::size_t>(end));
    Item item;
    item.facts = {static_cast<std::int64_t>(result.items.size()),
                  hash_hex(bytes_of(part)),
                  "",
                  0,
                  {bytes_before(part.substr(part.size())) - bytes_before(part)}};
    item.rows.push_back(std::move(row));
    result.items.push_back(std::move(item));
    if (static_cast<std::int64_t>(result.items.size()) == options.limit) break;
    next = end;
    end = std::min(n, next + options.stride);
  }
  if (!result.items.empty()) return result;
  throw BadFile({"a text is too short", printable(where),
                 begin_.empty() ? "at least two tokens, or --bos always" : "at least one token",
                 concat(n, n == 1 ? " token" : " tokens"), "give more text"});
}

}  // namespace sinkwise::eval
