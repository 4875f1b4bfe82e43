#include "sinkwise/eval/evaluation.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <numeric>

#include <ATen/Parallel.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/eval/scorer.h"

namespace sinkwise::eval {
namespace {

// More would only take memory; further threads work inside of a batch.
constexpr std::int64_t kMostBatchesSideBySide = 8;

// What one forward pass or a few of them score, and how much of it is known already.
struct Batch {
  std::size_t task = 0;
  std::vector<std::size_t> items;
  std::size_t known = 0;
};

std::int64_t longest_row(const Item& item) {
  std::size_t longest = 0;
  for (const Row& row : item.rows) longest = std::max(longest, row.ids.size());
  return static_cast<std::int64_t>(longest);
}

std::int64_t longest_row(const std::vector<Task>& tasks) {
  std::int64_t longest = 0;
  for (const Task& task : tasks) {
    for (const Item& item : task.items) longest = std::max(longest, longest_row(item));
  }
  return longest;
}

std::int64_t ids_of(const Task& task, const Batch& batch) {
  std::int64_t sum = 0;
  for (const std::size_t i : batch.items) {
    for (const Row& row : task.items[i].rows) sum += static_cast<std::int64_t>(row.ids.size());
  }
  return sum;
}

ItemScore without_score(const Item& item) {
  ItemScore score{item.facts, {}, {}};
  for (const Row& row : item.rows) score.tokens.push_back(row.scored);
  return score;
}

std::vector<ItemScore> score_batch(const pretrained::LoadedModel& model, const Task& task,
                                   const Batch& batch, std::int64_t batch_tokens) {
  std::vector<const Item*> items;
  for (const std::size_t i : batch.items) items.push_back(&task.items[i]);
  auto rows = score(model, items, batch_tokens);
  std::vector<ItemScore> scores;
  for (std::size_t i = 0; i < items.size(); ++i) {
    scores.push_back(without_score(*items[i]));
    scores.back().rows = std::move(rows[i]);
  }
  return scores;
}

bool same(const LoggedItem& logged, const Task& task, const Item& item) {
  const ItemFacts& facts = logged.item.facts;
  return logged.task == task.name && facts.index == item.facts.index &&
         facts.hash == item.facts.hash && logged.item.rows.size() == item.rows.size();
}

[[noreturn]] void foreign_items(std::size_t line) {
  throw BadFile({"a directory holds other items than this evaluation has",
                 concat("items.jsonl, line ", line + 1), "the next item in order", "another one",
                 "remove the directory and evaluate again"});
}

// What is known, and what is left to score.
struct Plan {
  TaskScores scores;
  std::vector<Batch> open;
  std::int64_t open_ids = 0, batches = 0;  // batches: the known ones as well
};

Plan make_plan(const std::vector<Task>& tasks, const std::vector<LoggedItem>& known,
               std::int64_t batch_tokens) {
  Plan plan;
  std::size_t at = 0;  // of known
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    plan.scores.emplace_back(tasks[t].items.size());
    for (auto& items : plan_batches(tasks[t], batch_tokens)) {
      ++plan.batches;
      Batch batch{t, std::move(items), 0};
      for (; batch.known < batch.items.size() && at < known.size(); ++batch.known, ++at) {
        const std::size_t i = batch.items[batch.known];
        if (!same(known[at], tasks[t], tasks[t].items[i])) foreign_items(at);
        plan.scores[t][i] = known[at].item;
      }
      if (batch.known == batch.items.size()) continue;
      plan.open_ids += ids_of(tasks[t], batch);
      plan.open.push_back(std::move(batch));
    }
  }
  if (at < known.size()) foreign_items(at);
  return plan;
}

// The results of `work` for 0, 1, ... below `count`, in this order, computed on `threads` threads
// (one: the caller's own). What `work` throws comes out of next().
template <typename Result>
class InOrder {
 public:
  InOrder(std::int64_t threads, std::int64_t count, std::function<Result(std::size_t)> work)
      : threads_(static_cast<std::size_t>(threads)),
        count_(static_cast<std::size_t>(count)),
        work_(std::move(work)) {}

  Result next() {
    while (started_ < count_ && running_.size() < threads_) {
      const auto how = threads_ == 1 ? std::launch::deferred : std::launch::async;
      running_.push_back(std::async(how, work_, started_++));
    }
    std::future<Result> first = std::move(running_.front());
    running_.pop_front();
    return first.get();
  }

 private:
  std::size_t threads_, count_, started_ = 0;
  std::function<Result(std::size_t)> work_;
  std::deque<std::future<Result>> running_;  // joined when it goes
};

}  // namespace

std::vector<std::vector<std::size_t>> plan_batches(const Task& task, std::int64_t batch_tokens) {
  std::vector<std::size_t> order(task.items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) {
    return std::pair(longest_row(task.items[i]), shared_beginning(task.items[i].rows));
  });
  std::vector<std::vector<std::size_t>> batches;
  std::int64_t rows = 0, width = 0;
  for (const std::size_t i : order) {
    const auto more = static_cast<std::int64_t>(task.items[i].rows.size());
    if (batches.empty() || (rows + more) * width > batch_tokens) {
      batches.emplace_back();
      rows = 0, width = longest_row(task.items[i]) - 1;
    }
    batches.back().push_back(i);
    rows += more;
  }
  return batches;
}

std::optional<TaskScores> score_tasks(const std::vector<Task>& tasks, const ModelLoader& load,
                                      const ScoringOptions& options, ItemLog* log,
                                      const Progress& progress) {
  static const std::vector<LoggedItem> kNone;
  Plan plan = make_plan(tasks, log == nullptr ? kNone : log->known(), options.batch_tokens);
  if (plan.open.empty()) return std::move(plan.scores);
  const auto model = load();
  model->reach(longest_row(tasks) - 1);  // the last id is not read
  const std::int64_t side_by_side =
      std::min({options.threads, plan.batches, kMostBatchesSideBySide});
  at::set_num_threads(static_cast<int>(options.threads / side_by_side));
  std::int64_t done = 0;
  InOrder<std::vector<ItemScore>> scored(side_by_side, std::ssize(plan.open), [&](std::size_t b) {
    const Batch& batch = plan.open[b];
    return score_batch(*model, tasks[batch.task], batch, options.batch_tokens);
  });
  for (const Batch& batch : plan.open) {
    const Task& task = tasks[batch.task];
    const std::vector<ItemScore> items = scored.next();
    if (log != nullptr) log->append(task, std::span(items).subspan(batch.known));
    for (std::size_t i = batch.known; i < items.size(); ++i) {
      plan.scores[batch.task][batch.items[i]] = items[i];
    }
    done += ids_of(task, batch);
    if (!progress(done, plan.open_ids, task.name)) return std::nullopt;
  }
  return std::move(plan.scores);
}

TaskResult summarise(const Task& task, const std::vector<ItemScore>& items) {
  const auto group = [&](const std::string& name, const std::vector<ItemScore>& of_group) {
    GroupResult result{name, static_cast<std::int64_t>(of_group.size()), {}};
    for (const MetricRule& rule : rules_of(task.kind)) {
      result.metrics.push_back(estimate(rule, of_group));
    }
    return result;
  };
  TaskResult result{task.name, task.prompt, task.file,     task.hash,        task.kind,
                    0,         0,           task.lossless, group("", items), {}};
  std::map<std::string, std::vector<ItemScore>> groups;
  for (const ItemScore& item : items) {
    result.tokens = std::accumulate(item.tokens.begin(), item.tokens.end(), result.tokens);
    if (!item.facts.group.empty()) groups[item.facts.group].push_back(item);
  }
  for (const auto& [name, of_group] : groups) result.groups.push_back(group(name, of_group));
  result.truncated = std::ranges::count_if(task.items, &Item::truncated);
  return result;
}

}  // namespace sinkwise::eval
