#include "sinkwise/data/bigram_backcopy.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "chain.h"
#include "checks.h"
#include "streams.h"

namespace sinkwise::data {
namespace {

void check(const BigramBackcopyOptions& options) {
  const std::string task = "bigram_backcopy";
  check_between(options.symbols, 2, 4096, task, "task.symbols");
  check_between(options.length, 1, kLongest, task, "task.length");
  check_between(options.triggers, 0, options.symbols - 1, task, "task.triggers");
  check_between(options.offsets, 1, std::max<std::int64_t>(1, options.triggers), task,
                "task.offsets");
  check_between(options.validation_rows, 1, 1 << 24, task, "task.validation_rows");
}

std::vector<double> without(std::vector<double> law, const std::vector<std::int32_t>& ids) {
  double rest = 1.0;
  for (std::int32_t id : ids) {
    rest -= law[static_cast<std::size_t>(id)];
    law[static_cast<std::size_t>(id)] = 0.0;
  }
  for (double& weight : law) weight /= rest;
  return law;
}

float loss_of(double probability) { return static_cast<float>(-std::log(probability)); }

}  // namespace

// Where one row of a batch is written, each [T].
struct BigramBackcopy::Row {
  std::span<std::int32_t> tokens;
  std::span<std::int32_t> targets;
  std::span<std::uint8_t> group;
  std::span<float> oracle;
};

BigramBackcopy::BigramBackcopy(BigramBackcopyOptions options) : options_(options) {
  check(options_);
  transition_ =
      random_transition(options_.symbols, static_cast<std::uint64_t>(options_.chain_seed));
  stationary_ = stationary_law(transition_, options_.symbols);
  triggers_ = most_probable(stationary_, options_.triggers);
  first_ = without(stationary_, triggers_);
  offset_.assign(static_cast<std::size_t>(options_.symbols), 0);
  for (std::size_t rank = 0; rank < triggers_.size(); ++rank) {
    offset_[static_cast<std::size_t>(triggers_[rank])] =
        1 + static_cast<std::int64_t>(rank) % options_.offsets;
  }
}

std::int64_t BigramBackcopy::vocabulary() const {
  return options_.symbols + (options_.beginning_token ? 1 : 0);
}

double BigramBackcopy::probability(std::int64_t symbol, std::int64_t next) const {
  return transition_[static_cast<std::size_t>(symbol * options_.symbols + next)];
}

void BigramBackcopy::fill(Row& row, std::uint64_t stream_key) const {
  RandomStream stream(stream_key, {});
  const auto length = row.tokens.size();
  const auto symbols = static_cast<std::size_t>(options_.symbols);
  std::vector<std::int32_t> chain = {draw(first_, stream)};  // s_0 ... s_j
  std::size_t t = 0;
  if (options_.beginning_token) {
    row.tokens[0] = static_cast<std::int32_t>(options_.symbols);
    row.targets[0] = chain[0];
    row.group[0] = Batch::kNoGroup;
    row.oracle[0] = loss_of(first_[static_cast<std::size_t>(chain[0])]);
    t = 1;
  }
  for (; t < length; ++t) {
    const std::size_t j = chain.size() - 1;
    const auto symbol = static_cast<std::size_t>(chain[j]);
    const auto offset = static_cast<std::size_t>(offset_[symbol]);
    const bool copies = offset > 0 && j >= offset;
    const std::span<const double> law(transition_.data() + symbol * symbols, symbols);
    const std::int32_t next = copies ? chain[j - offset] : draw(law, stream);
    row.tokens[t] = chain[j];
    row.targets[t] = next;
    row.group[t] = copies ? kBackcopy : kBigram;
    row.oracle[t] = copies ? 0.0f : loss_of(law[static_cast<std::size_t>(next)]);
    chain.push_back(next);
  }
}

Batch BigramBackcopy::batch(std::int64_t first_row, std::int64_t rows, std::uint64_t key) const {
  Batch batch;
  batch.rows = rows;
  batch.length = options_.length;
  const auto length = static_cast<std::size_t>(options_.length);
  const std::size_t size = static_cast<std::size_t>(rows) * length;
  batch.tokens.resize(size);
  batch.targets.resize(size);
  batch.group.resize(size);
  batch.oracle.resize(size);
  for (std::int64_t b = 0; b < rows; ++b) {
    const std::size_t start = static_cast<std::size_t>(b) * length;
    Row row{{batch.tokens.data() + start, length},
            {batch.targets.data() + start, length},
            {batch.group.data() + start, length},
            {batch.oracle.data() + start, length}};
    fill(row, derive_seed(key, {static_cast<std::uint64_t>(first_row + b)}));
  }
  return batch;
}

Batch BigramBackcopy::train_batch(std::int64_t step, std::int64_t first_row,
                                  std::int64_t rows) const {
  check_rows(step, first_row, rows);
  return batch(first_row, rows, train_key(options_.seed, step));
}

Batch BigramBackcopy::validation_batch(std::int64_t first_row, std::int64_t rows) const {
  check_validation_rows(first_row, rows, options_.validation_rows);
  return batch(first_row, rows, validation_key(options_.chain_seed));
}

std::uint64_t BigramBackcopy::fingerprint() const {
  Fingerprint print("bigram_backcopy");
  print.add(options_.symbols).add(options_.length).add(options_.triggers).add(options_.offsets);
  print.add(options_.chain_seed).add(options_.seed).add(options_.validation_rows);
  return print.add(std::int64_t{options_.beginning_token}).value();
}

}  // namespace sinkwise::data
