#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/eval/questions.h"
#include "sinkwise/tokenizer/tokenizer.h"

namespace sinkwise::eval {

// Who decides whether a sequence begins with a token of its own.
enum class Begin { tokenizer, always, never };

struct WindowOptions {
  std::int64_t length = 0;  // T, ids that the model reads at once, a beginning token included
  std::int64_t stride = 0;  // ids that each window but the first scores, 1 to T
  std::int64_t limit = 0;   // windows; 0: all
};

struct TextItems {
  std::vector<Item> items;
  bool lossless = true;  // the ids decode to the text; else a window has its share of the bytes
};

// Texts to rows of ids, cut where the EleutherAI harness cuts them. Names of control tokens in a
// text mean the tokens, as there.
class Encoder {
 public:
  // `context_length` is the model's. BadConfig for Begin::always with a tokenizer that names no
  // beginning token.
  Encoder(tokenizer::Tokenizer tokenizer, Begin begin, std::int64_t context_length);

  // White space at the end of the context goes over to the continuation, both are encoded
  // together, and the ids after as many as the context alone has are scored. An empty context is
  // the token that begins a text, or else the one that ends it. Ids on the left are dropped until
  // at most context_length + 1 are left (the last one is not read). BadFile at `where` when the
  // tokenizer cannot encode a text, when a continuation has no ids of its own, or does not fit
  // into the context; Unsupported when a context is empty and there is neither token.
  Item item(const Question& question, std::int64_t index, const std::string& where) const;

  // The ids x of the text in windows. With a beginning token in front of every window the first
  // scores x_0 .. x_{T-1}; without one it scores x_1 .. x_T, and nothing predicts x_0. Each later
  // one scores the next `stride` ids, or what is left, and reads as many ids before them as T
  // allows. So every id is scored once. A window is an item of one row. BadConfig for a length or
  // stride out of range; BadFile at `where` when there is nothing to score.
  TextItems windows(std::string_view text, const WindowOptions& options,
                    const std::string& where) const;

  const std::vector<tokenizer::TokenId>& begin() const { return begin_; }

 private:
  std::vector<tokenizer::TokenId> encode(std::string_view text, const std::string& where) const;
  std::vector<tokenizer::TokenId> with_begin(std::vector<tokenizer::TokenId> ids) const;
  Row row(const Request& request, const std::string& where) const;
  Row row_without_context(std::string_view continuation, const std::string& where) const;
  tokenizer::TokenId prefix_token() const;
  void check(const WindowOptions& options) const;

  tokenizer::Tokenizer tokenizer_;
  std::vector<tokenizer::TokenId> begin_;
  std::int64_t context_length_;
};

}  // namespace sinkwise::eval
