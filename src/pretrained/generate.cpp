#include "sinkwise/pretrained/generate.h"

#include <algorithm>

#include "sinkwise/core/clock.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

using tokenizer::TokenId;

constexpr std::uint64_t kStream = 0x67656E;  // "gen"; apart from the streams of training

// The logits [V] after the last of `ids`, which follow what the caches hold.
at::Tensor last_logits(const LoadedModel& model, std::span<const TokenId> ids,
                       std::vector<LayerCache>& caches) {
  at::Tensor tokens = at::empty({1, static_cast<std::int64_t>(ids.size())}, at::kLong);
  std::copy(ids.begin(), ids.end(), tokens.mutable_data_ptr<std::int64_t>());
  return model.logits(model.hidden(tokens, {.caches = &caches}).select(1, -1))
      .select(0, 0)
      .contiguous();
}

}  // namespace

void check_prompt(std::span<const TokenId> prompt, const ModelConfig& config) {
  if (prompt.empty()) {
    throw BadArgument({"there is nothing to continue", "prompt", "at least one token", "none",
                       "give a longer prompt, or let a BOS token stand in front of it"});
  }
  if (static_cast<std::int64_t>(prompt.size()) > config.context_length) {
    throw BadArgument({"the prompt is longer than the model's context", "prompt",
                       concat("at most ", config.context_length, " tokens"), concat(prompt.size()),
                       "give a shorter prompt"});
  }
  for (const TokenId id : prompt) {
    if (id >= 0 && id < config.vocabulary) continue;
    throw BadArgument({"a token of the prompt is not in the model's vocabulary", "prompt",
                       concat("0 to ", config.vocabulary - 1), concat(id),
                       "check that the tokenizer belongs to the model"});
  }
}

Generated generate(const LoadedModel& model, std::span<const TokenId> prompt,
                   const GenerateOptions& options, const std::function<void(TokenId)>& each) {
  const ModelConfig& config = model.model().config();
  check(options.sampling);
  check_prompt(prompt, config);
  const torch::NoGradGuard no_grad;
  const std::int64_t all = config.vocabulary;
  const auto vocabulary =
      static_cast<std::size_t>(options.vocabulary > 0 ? std::min(options.vocabulary, all) : all);
  std::vector<LayerCache> caches;
  Generated generated;
  auto began = Clock::now();
  at::Tensor logits = last_logits(model, prompt, caches);
  generated.prompt_seconds = seconds_since(began);
  began = Clock::now();
  while (static_cast<std::int64_t>(generated.ids.size()) < options.tokens) {
    const std::size_t position = prompt.size() + generated.ids.size();
    RandomStream random(options.seed, {kStream, position});
    const std::span<const float> values(logits.const_data_ptr<float>(), vocabulary);
    const auto id = static_cast<TokenId>(sample(values, options.sampling, random));
    if (std::find(options.end.begin(), options.end.end(), id) != options.end.end()) {
      generated.stop = Stop::end_of_text;
      break;
    }
    generated.ids.push_back(id);
    if (each) each(id);
    if (static_cast<std::int64_t>(generated.ids.size()) == options.tokens) break;
    if (static_cast<std::int64_t>(position) >= config.context_length) {
      generated.stop = Stop::context;
      break;
    }
    logits = last_logits(model, {&generated.ids.back(), 1}, caches);
  }
  generated.seconds = seconds_since(began);
  return generated;
}

}  // namespace sinkwise::pretrained
