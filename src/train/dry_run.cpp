#include <algorithm>
#include <filesystem>
#include <sys/resource.h>

#include "session.h"
#include "sinkwise/core/clock.h"
#include "sinkwise/core/file.h"
#include "sinkwise/train/checkpoint.h"
#include "sinkwise/train/trainer.h"

namespace sinkwise::train {
namespace {

std::filesystem::path nearest_existing(const std::string& path) {
  std::filesystem::path place = std::filesystem::absolute(path);
  while (!std::filesystem::exists(place)) place = place.parent_path();
  return place;
}

std::uint64_t peak_memory() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts KiB
}

}  // namespace

Plan dry_run(const RunConfig& config) {
  configure_process(config);
  Session session(config, from_scratch(config));
  const data::Task& task = *session.experiment().task;
  Plan plan;
  plan.model = config.decoder(task);
  plan.cost = models::cost(plan.model);
  plan.steps = config.train.steps;
  plan.tokens_per_step = config.train.batch_rows * task.length();
  plan.checkpoint_bytes =
      checkpoint::checkpoint_bytes(checkpoint_files(session.model(), session.optimizer()));
  // One more than is kept: a new checkpoint is complete before an old one goes.
  const std::int64_t kept = std::max<std::int64_t>(2, config.checkpoint_keep) + 1;
  plan.disk_needed = plan.checkpoint_bytes * static_cast<std::uint64_t>(kept);
  plan.disk_free = free_bytes(nearest_existing(config.run.directory));
  const bool balanced = config.balance.form != objectives::BalanceForm::none;
  const auto begin = Clock::now();
  plan.first_loss = session.step(1, balanced ? session.calibrate() : at::Tensor(), true).loss;
  plan.first_step_seconds = seconds_since(begin);
  plan.peak_memory = peak_memory();
  return plan;
}

}  // namespace sinkwise::train
