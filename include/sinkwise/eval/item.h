#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/tokenizer/token_id.h"

namespace sinkwise::eval {

// What a task asks of a model, and so which metrics it has (metrics.h).
enum class Kind {
  text,                // a file cut into windows
  last_word,           // one continuation: how likely, and is it what greedy decoding writes
  choices,             // several continuations or contexts, one of them right
  normalised_choices,  // the same, scored by character as well
};

// "text", "last_word", "choices", "normalised_choices"
const char* kind_name(Kind kind);

// One sequence for the model: asked for are the log-probabilities of its last `scored` ids, each
// after all ids before it. 1 <= scored < ids.size().
struct Row {
  std::vector<tokenizer::TokenId> ids;
  std::int64_t scored = 0;
};

struct RowScore {
  double log_likelihood = 0.0;  // sum over the scored ids, nats
  bool greedy = false;          // each scored id is the likeliest one after those before it
};

// What is known of an item before a model has seen it. Items of two evaluations are the same when
// index and hash are.
struct ItemFacts {
  std::int64_t index = 0;             // place in its file, from 0
  std::string hash;                   // of prompts, continuations and label, or of a window's text
  std::string group;                  // paradigm of BLiMP, else empty
  std::size_t label = 0;              // the row that is right
  std::vector<std::int64_t> lengths;  // one a row: characters of the choice, bytes of a window
};

struct Item {
  ItemFacts facts;
  std::vector<Row> rows;
  bool truncated = false;  // a row lost ids on the left to fit into the model's context
};

struct ItemScore {
  ItemFacts facts;
  std::vector<std::int64_t> tokens;  // scored ids of each row
  std::vector<RowScore> rows;
};

}  // namespace sinkwise::eval
