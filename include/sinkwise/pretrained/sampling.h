#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sinkwise/core/random.h"

namespace sinkwise::pretrained {

// Which of the tokens that a model finds likely comes next.
struct SamplingOptions {
  double temperature = 0.0;  // divides the logits; 0: always the largest, the first of equals
  std::int64_t top_k = 0;    // only the k largest; 0: all
  double top_p = 1.0;        // of these only the fewest that hold this share of the probability
};

// BadArgument, with the member, for what is out of range: temperature from 0, top_k from 0, top_p
// in (0, 1].
void check(const SamplingOptions& options);

// An index into `logits`, which may not be empty. Draws one number from `random` unless the
// temperature is 0. BadFile when a logit is not finite: the model's weights are damaged.
std::size_t sample(std::span<const float> logits, const SamplingOptions& options,
                   RandomStream& random);

}  // namespace sinkwise::pretrained
