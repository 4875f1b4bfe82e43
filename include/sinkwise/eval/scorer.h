#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sinkwise/eval/item.h"
#include "sinkwise/pretrained/loaded_model.h"

namespace sinkwise::eval {

// How many ids all `rows` have in common in front, the last id that each of them reads not counted;
// 0 where that is no more than one row.
std::int64_t shared_beginning(std::span<const Row> rows);

// The scores of the rows of each item. Items whose rows share a beginning are read in two passes:
// the beginning once for each item, as far as every item has one, then the rows after it. Rows go
// through the model side by side, padded on the right, so that causal attention never looks at the
// padding; at most `batch_tokens` ids (or one row) at a time, beginnings and padding counted: items
// should be about equally long. Logits are formed only where they are asked for, 64 MiB of them at
// a time. BadFile when the model's output is not finite; errors of LoadedModel::hidden().
std::vector<std::vector<RowScore>> score(const pretrained::LoadedModel& model,
                                         std::span<const Item* const> items,
                                         std::int64_t batch_tokens);

}  // namespace sinkwise::eval
