#include "sinkwise/eval/evaluation.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/eval/scorer.h"

namespace sinkwise::eval {
namespace {

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
  std::vector<Row> rows;
  for (const std::size_t i : batch.items) {
    rows.insert(rows.end(), task.items[i].rows.begin(), task.items[i].rows.end());
  }
  const std::vector<RowScore> scored = score(model, rows, batch_tokens);
  std::vector<ItemScore> items;
  auto next = scored.begin();
  for (const std::size_t i : batch.items) {
    items.push_back(without_score(task.items[i]));
    const auto count = static_cast<std::ptrdiff_t>(task.items[i].rows.size());
    items.back().rows.assign(next, next + count);
    next += count;
  }
  return items;
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

}  // namespace

std::vector<std::vector<std::size_t>> plan_batches(const Task& task, std::int64_t batch_tokens) {
  std::vector<std::size_t> order(task.items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return longest_row(task.items[a]) > longest_row(task.items[b]);
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

std::optional<std::vector<std::vector<ItemScore>>> score_tasks(const std::vector<Task>& tasks,
                                                               const ModelLoader& load,
                                                               std::int64_t batch_tokens,
                                                               ItemLog* log,
                                                               const Progress& progress) {
  static const std::vector<LoggedItem> kNone;
  const std::vector<LoggedItem>& known = log == nullptr ? kNone : log->known();
  std::vector<std::vector<ItemScore>> scores(tasks.size());
  std::vector<Batch> open;
  std::size_t at = 0;  // of known
  std::int64_t done = 0, total = 0;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    scores[t].resize(tasks[t].items.size());
    for (auto& items : plan_batches(tasks[t], batch_tokens)) {
      Batch batch{t, std::move(items), 0};
      for (; batch.known < batch.items.size() && at < known.size(); ++batch.known, ++at) {
        const std::size_t i = batch.items[batch.known];
        if (!same(known[at], tasks[t], tasks[t].items[i])) foreign_items(at);
        scores[t][i] = known[at].item;
      }
      if (batch.known == batch.items.size()) continue;
      total += ids_of(tasks[t], batch);
      open.push_back(std::move(batch));
    }
  }
  if (at < known.size()) foreign_items(at);
  if (open.empty()) return scores;
  const auto model = load();
  for (const Batch& batch : open) {
    const Task& task = tasks[batch.task];
    const std::vector<ItemScore> items = score_batch(*model, task, batch, batch_tokens);
    if (log != nullptr) log->append(task, std::span(items).subspan(batch.known));
    for (std::size_t i = batch.known; i < items.size(); ++i) {
      scores[batch.task][batch.items[i]] = items[i];
    }
    done += ids_of(task, batch);
    if (!progress(done, total, task.name)) return std::nullopt;
  }
  return scores;
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
