#include <algorithm>

#include "sinkwise/compare/comparison.h"
#include "sinkwise/core/error.h"

namespace sinkwise::compare {

const std::array<FigureInfo, 13> kFigures = {{
    {"loss", "validation loss", "nats", 4, "cross entropy a token on the held-out rows, in nats"},
    {"bits_per_byte", "bits per byte", "bits", 3, "validation loss in bits a byte of text"},
    {"excess", "excess loss", "nats", 4,
     "validation loss minus that of the best possible predictor, in nats"},
    {"cv", "CV", "", 3,
     "coefficient of variation of head importance: population standard deviation over mean, "
     "averaged over layers"},
    {"mean_gate", "mean gate", "", 3,
     "importance averaged over heads: how far the gates stand open"},
    {"min_gate", "lowest gate", "", 3, "importance of the least used head"},
    {"max_gate", "highest gate", "", 3, "importance of the most used head"},
    {"effective_heads", "effective heads by gate", "", 1,
     "participation ratio of importance: (sum x)\u00b2 / sum x\u00b2"},
    {"effective_heads_ablation", "effective heads by ablation", "", 1,
     "participation ratio of the rise of the loss when one head is silenced"},
    {"first_token_weight", "first-token weight", "", 3,
     "mean attention weight on the first token of the document"},
    {"sink_share", "sink share", "", 2, "share of heads with a first-token weight above 0.3"},
    {"value_drain", "value-drain ratio", "", 2,
     "norm of the first token's value over the mean norm; below 1 the sink's value is drained"},
    {"step_ms", "step time", "ms", 1, "median time of one training step, in milliseconds"},
}};

const FigureInfo& figure_info(const std::string& key) {
  const auto at = std::find_if(kFigures.begin(), kFigures.end(),
                               [&](const FigureInfo& info) { return key == info.key; });
  if (at == kFigures.end())
    throw InternalError({.what = "A figure was asked for that no run has.", .found = key});
  return *at;
}

}  // namespace sinkwise::compare
