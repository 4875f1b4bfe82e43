#include "sinkwise/data/trigger_average.h"

#include <span>

#include "checks.h"
#include "streams.h"

namespace sinkwise::data {
namespace {

void check(const TriggerAverageOptions& options) {
  const std::string task = "trigger_average";
  check_between(options.features, 3, 65536, task, "task.features");
  check_between(options.length, 3, kLongest, task, "task.length");
  check_between(options.validation_rows, 1, 1 << 24, task, "task.validation_rows");
  const double p = options.trigger_probability;
  check_option(p > 0.0 && p < 1.0, task, "task.trigger_probability", "a number in (0, 1)",
               concat(p));
}

// The sum of the ordinary tokens seen so far in a row.
struct RunningMean {
  std::vector<double> sum;
  std::int64_t count = 0;

  void add(std::span<const float> content) {
    for (std::size_t c = 0; c < content.size(); ++c) sum[c] += content[c];
    ++count;
  }
  void write(std::span<float> target) const {
    for (std::size_t c = 0; c < target.size(); ++c) {
      target[c] = static_cast<float>(sum[c] / static_cast<double>(count));
    }
  }
};

}  // namespace

TriggerAverage::TriggerAverage(TriggerAverageOptions options) : options_(options) {
  check(options_);
}

void TriggerAverage::fill(Batch& batch, std::int64_t row, std::uint64_t key) const {
  RandomStream stream(key, {});
  const auto features = static_cast<std::size_t>(options_.features);
  const std::size_t content_size = features - 2;
  RunningMean mean{std::vector<double>(content_size)};
  for (std::int64_t t = 0; t < options_.length; ++t) {
    const auto position = static_cast<std::size_t>(row * options_.length + t);
    float* const vector = batch.features.data() + position * features;
    if (t == 0) {
      vector[features - 1] = 1.0f;
      batch.group[position] = Batch::kNoGroup;
      continue;
    }
    const bool trigger = t >= 2 && stream.uniform() < options_.trigger_probability;
    const std::span<float> content(vector, content_size);
    for (float& value : content) value = static_cast<float>(stream.normal());
    if (trigger) {
      vector[features - 2] = 1.0f;
      mean.write({batch.regression.data() + position * features, content_size});
    } else {
      mean.add(content);
    }
    batch.group[position] = trigger ? kTrigger : kOther;
  }
}

Batch TriggerAverage::batch(std::int64_t first_row, std::int64_t rows, std::uint64_t key) const {
  Batch batch;
  batch.rows = rows;
  batch.length = options_.length;
  const auto positions = static_cast<std::size_t>(rows * options_.length);
  batch.features.resize(positions * static_cast<std::size_t>(options_.features));
  batch.regression.resize(batch.features.size());
  batch.group.resize(positions);
  batch.oracle.resize(positions);
  for (std::int64_t b = 0; b < rows; ++b) {
    fill(batch, b, derive_seed(key, {static_cast<std::uint64_t>(first_row + b)}));
  }
  return batch;
}

Batch TriggerAverage::train_batch(std::int64_t step, std::int64_t first_row,
                                  std::int64_t rows) const {
  check_rows(step, first_row, rows);
  return batch(first_row, rows, train_key(options_.seed, step));
}

Batch TriggerAverage::validation_batch(std::int64_t first_row, std::int64_t rows) const {
  check_validation_rows(first_row, rows, options_.validation_rows);
  return batch(first_row, rows, validation_key(options_.validation_seed));
}

std::uint64_t TriggerAverage::fingerprint() const {
  Fingerprint print("trigger_average");
  print.add(options_.features).add(options_.length).add(options_.trigger_probability);
  return print.add(options_.seed)
      .add(options_.validation_seed)
      .add(options_.validation_rows)
      .value();
}

}  // namespace sinkwise::data
