#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sinkwise/pretrained/loaded_model.h"
#include "sinkwise/pretrained/sampling.h"

namespace sinkwise::pretrained {

struct GenerateOptions {
  std::int64_t tokens = 100;  // at most so many
  SamplingOptions sampling;
  std::uint64_t seed = 0;
  std::vector<tokenizer::TokenId> end;  // tokens after which nothing comes; they are not given out
  std::int64_t vocabulary = 0;          // only ids below; 0: all that the model knows
};

enum class Stop {
  tokens,       // as many as were asked for
  end_of_text,  // the model drew one of `end`
  context,      // as many as the model has positions for
};

struct Generated {
  std::vector<tokenizer::TokenId> ids;  // without the prompt
  Stop stop = Stop::tokens;
  double prompt_seconds = 0.0;  // to the first logits
  double seconds = 0.0;         // of all the steps after them
};

// BadArgument when a prompt is empty, longer than the model's context or holds ids outside its
// vocabulary.
void check_prompt(std::span<const tokenizer::TokenId> prompt, const ModelConfig& config);

// Continues `prompt` token by token; `each` is called with every id as it comes. The id at position
// t depends on the model, the ids before it and (seed, t) alone. BadArgument as
// check_prompt(), or when an option of sampling is out of range; BadFile when the model's output is
// not finite.
Generated generate(const LoadedModel& model, std::span<const tokenizer::TokenId> prompt,
                   const GenerateOptions& options,
                   const std::function<void(tokenizer::TokenId)>& each = {});

}  // namespace sinkwise::pretrained
