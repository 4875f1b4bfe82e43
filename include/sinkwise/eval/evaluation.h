#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinkwise/eval/item_log.h"
#include "sinkwise/eval/metrics.h"
#include "sinkwise/eval/task.h"
#include "sinkwise/pretrained/loaded_model.h"

namespace sinkwise::eval {

// Indices into task.items, batch by batch: the longest first, among equals the one whose rows share
// most, so that the rows of a batch are about equally long and so are their beginnings; as many
// items as fit into `batch_tokens` with their padding (one at least). A function of its arguments
// alone: that is why a call that goes on ends with the same bits.
std::vector<std::vector<std::size_t>> plan_batches(const Task& task, std::int64_t batch_tokens);

// done and total count ids; false: stop after this batch.
using Progress =
    std::function<bool(std::int64_t done, std::int64_t total, const std::string& task)>;
using ModelLoader = std::function<std::shared_ptr<pretrained::LoadedModel>()>;

using TaskScores = std::vector<std::vector<ItemScore>>;  // of each task, in the order of its items

struct ScoringOptions {
  std::int64_t batch_tokens = 512;  // as in score()
  // Each takes batches of its own, at most eight side by side: threads that share the work of one
  // batch wait for each other after every product, which is slow where others use the cores too.
  std::int64_t threads = 1;
};

// The scores of all tasks; nothing when `progress` said stop. `load` is called once, and only when
// something is left to score. A batch that `log` (may be null) holds in part is scored again as a
// whole, and only what is missing is added. Sets Torch's number of threads. BadFile when the log
// holds other items than these tasks have; errors of score().
std::optional<TaskScores> score_tasks(const std::vector<Task>& tasks, const ModelLoader& load,
                                      const ScoringOptions& options, ItemLog* log,
                                      const Progress& progress);

struct GroupResult {
  std::string name;
  std::int64_t count = 0;  // items
  std::vector<Metric> metrics;
};

struct TaskResult {
  std::string name, prompt, file, hash;
  Kind kind = Kind::text;
  std::int64_t tokens = 0;     // scored ids
  std::int64_t truncated = 0;  // items
  bool lossless = true;
  GroupResult all;                  // every item
  std::vector<GroupResult> groups;  // by name
};

TaskResult summarise(const Task& task, const std::vector<ItemScore>& items);

}  // namespace sinkwise::eval
