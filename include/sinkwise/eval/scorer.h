#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sinkwise/eval/item.h"
#include "sinkwise/pretrained/loaded_model.h"

namespace sinkwise::eval {

// The score of each row, in the order of the rows. They go through the model side by side, the
// longest first, padded on the right, at most `batch_tokens` ids (or one row) at a time; causal
// attention never looks at the padding. Logits are formed only where they are asked for, 64 MiB of
// them at a time. BadFile when the model's output is not finite; errors of LoadedModel::hidden().
std::vector<RowScore> score(const pretrained::LoadedModel& model, std::span<const Row> rows,
                            std::int64_t batch_tokens);

}  // namespace sinkwise::eval
