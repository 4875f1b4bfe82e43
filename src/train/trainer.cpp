#include "sinkwise/train/trainer.h"

#include <nlohmann/json.hpp>
#include <set>

#include "result.h"
#include "run_log.h"
#include "session.h"
#include "sinkwise/build_info.h"
#include "sinkwise/config/differences.h"
#include "sinkwise/core/clock.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/train/checkpoint.h"
#include "sinkwise/train/routed.h"

namespace sinkwise::train {
namespace {

using nlohmann::json;

std::string hexadecimal(std::uint64_t value) {
  std::ostringstream stream;
  stream << std::hex << value;
  return stream.str();
}

checkpoint::RunIdentity identity_of(const config::Table& table, const Experiment& experiment) {
  const std::string& start = experiment.identity;
  return {concat(hexadecimal(table.fingerprint()), "-", hexadecimal(experiment.task->fingerprint()),
                 start.empty() ? "" : "-", start),
          kCommit};
}

// One run from its directory to its result.
class Run {
 public:
  Run(const LoopConfig& config, const config::Table& table, Experiment experiment,
      checkpoint::RunDirectory& directory, Listener& listener, const std::atomic<bool>& stop)
      : config_(config),
        table_(table),
        listener_(listener),
        stop_(stop),
        session_(config, std::move(experiment)),
        directory_(directory) {}

  Outcome go() {
    if (!resume()) start();
    if (finished()) return Outcome::already_finished;
    write_file_atomically(directory_.path() / "config.toml", table_.to_toml(true));
    RunLog log(directory_.path(), fresh_ ? -1 : state_.step, config_.tensorboard);
    if (fresh_) validate(log);
    const auto started = Clock::now();
    const std::int64_t first = state_.step;
    while (state_.step < config_.train.steps) {
      if (stop_) return interrupt();
      advance(log, started, first);
    }
    if (saved_ != state_.step) save();
    times_.wall_seconds = seconds_since(started);
    const Evaluation evaluation = session_.evaluate(true);
    json result = result_json(config_, json::parse(table_.to_json()), session_.experiment(),
                              evaluation, state_.skipped, times_);
    result["final"].update(extra(evaluation));
    directory_.write_json("result.json", result);
    return Outcome::finished;
  }

 private:
  const data::Task& task() const { return *session_.experiment().task; }

  bool finished() const {
    return state_.step >= config_.train.steps &&
           std::filesystem::exists(directory_.path() / "result.json");
  }

  bool resume() {
    const checkpoint::Discovery found = directory_.newest();
    for (const auto& rejected : found.rejected) {
      listener_.said(concat("passed over ", rejected.directory.string(), ": ", rejected.reason));
    }
    if (!found.checkpoint) {
      if (!found.rejected.empty()) refuse_damaged(found.rejected);
      return false;
    }
    check_same_recipe(*found.checkpoint);
    state_ = restore(*found.checkpoint, session_.model(), session_.optimizer());
    if (!state_.routed.empty()) routed_ = to_tensor(state_.routed);
    saved_ = state_.step;
    listener_.said(concat("resumed at step ", state_.step, " of ", config_.train.steps));
    return true;
  }

  // Starting again from step 0 would throw away what may still be repaired.
  [[noreturn]] void refuse_damaged(const std::vector<checkpoint::Rejected>& rejected) const {
    std::vector<std::string> names;
    for (const auto& each : rejected) names.push_back(each.directory.filename().string());
    throw BadFile({"every checkpoint of the run is damaged", directory_.path().string(),
                   "at least one intact step-N folder", join(names) + ": " + rejected[0].reason,
                   "put one back from a copy, or start over: sinkwise train with the same recipe "
                   "and --fresh --force"});
  }

  void check_same_recipe(const checkpoint::Checkpoint& saved) const {
    const auto own = identity_of(table_, session_.experiment());
    if (saved.identity.config_fingerprint == own.config_fingerprint) return;
    std::vector<config::Problem> problems;
    std::set<std::string> may_change;
    for (const config::Row& row : table_.describe()) {
      if (row.resumable) may_change.insert(row.key);
    }
    const std::string before = saved.state.value("config", json::object()).dump();
    for (const auto& change : config::differences(before, table_.to_json())) {
      if (may_change.count(change.key) > 0) continue;
      problems.push_back(
          {change.key, table_.origin(change.key),
           concat("the run was started with ", change.first, ", now ", change.second), ""});
    }
    if (problems.empty()) {
      const bool starts = !session_.experiment().identity.empty();
      problems.push_back({"", config_.run.directory,
                          starts ? "the data of the run, or the model it starts from, has changed"
                                 : "the data of the run has changed",
                          ""});
    }
    throw config::ConfigProblems(std::move(problems),
                                 "use the recipe of " + config_.run.directory +
                                     "/config.toml to go on, or choose another run.directory");
  }

  void start() {
    fresh_ = true;
    if (session_.experiment().start) session_.experiment().start();
    const bool frozen = config_.balance.shared_choice == objectives::SharedChoice::frozen;
    const bool balanced = config_.balance.form != objectives::BalanceForm::none;
    if (session_.experiment().choose_routed || (balanced && frozen)) {
      const at::Tensor routed = session_.calibrate();
      if (frozen) {
        routed_ = routed;
        state_.routed = to_lists(routed_);
      }
    }
    session_.prepare();
  }

  json extra(const Evaluation& evaluation) const {
    const auto& describe = session_.experiment().extra;
    return describe ? describe(evaluation) : json::object();
  }

  // One step, its log lines, its validation, its checkpoint: in this order, so that a checkpoint of
  // step N always has all lines of step N before it.
  void advance(RunLog& log, Clock::time_point started, std::int64_t first) {
    const std::int64_t step = ++state_.step;
    const bool logged = step % config_.log_every == 0 || step == config_.train.steps;
    const auto begin = Clock::now();
    const StepReport report = session_.step(step, routed_, logged);
    times_.milliseconds.push_back(1000.0 * seconds_since(begin));
    count(report);
    const bool given_up = state_.bad_in_row >= config_.train.bad_steps_in_row;
    if (logged || given_up) record(log, report);
    if (given_up) give_up(report);
    if (logged) tell(report, started, first);
    if (step % config_.evaluation.every == 0 || step == config_.train.steps) validate(log);
    if (step % config_.checkpoint_every == 0) save();
  }

  void count(const StepReport& report) {
    times_.tokens_per_step = config_.train.batch_rows * task().length();
    state_.optimizer_steps = session_.optimizer().steps();
    state_.bad_in_row = report.skipped ? state_.bad_in_row + 1 : 0;
    if (!report.skipped) return;
    ++state_.skipped;
    listener_.said(concat("step ", state_.step, " skipped: loss ", report.loss, ", gradient norm ",
                          report.gradient_norm));
  }

  [[noreturn]] void give_up(const StepReport& report) const {
    throw NumericsError({concat(state_.bad_in_row, " steps in a row were not finite"),
                         concat("step ", state_.step, " of ", config_.run.directory),
                         "finite loss and gradients",
                         concat("loss ", report.loss, ", gradient norm ", report.gradient_norm),
                         saved_ >= 0 ? concat("the newest checkpoint is step ", saved_,
                                              "; lower optim.lr or optim.clip and start a new run")
                                     : std::string("lower optim.lr or optim.clip")});
  }

  double tokens_per_second() const {
    return 1000.0 * static_cast<double>(times_.tokens_per_step) /
           quantile(times_.milliseconds, 0.5);
  }

  void record(RunLog& log, const StepReport& report) {
    log.train_line(state_.step, report, session_.learning_rate(state_.step));
    log.timing_line(state_.step, config_.train.steps, times_.milliseconds.back(),
                    tokens_per_second());
  }

  void tell(const StepReport& report, Clock::time_point started, std::int64_t first) {
    const double done = static_cast<double>(state_.step - first);
    const double left = static_cast<double>(config_.train.steps - state_.step);
    const auto gates = objectives::statistics(report.importance);
    listener_.stepped({state_.step, config_.train.steps, report.loss, report.balance, gates.mean_cv,
                       gates.mean_gate, report.gradient_norm, tokens_per_second(),
                       seconds_since(started) / done * left});
  }

  void validate(RunLog& log) {
    const Evaluation evaluation = session_.evaluate(false);
    log.validation_line(state_.step, evaluation, extra(evaluation));
    listener_.validated({state_.step, evaluation.loss, evaluation.bits_per_byte, evaluation.excess,
                         evaluation.gates.mean_cv, evaluation.gates.mean_gate});
  }

  void save() {
    const auto files = checkpoint_files(session_.model(), session_.optimizer());
    const json state = {{"train", to_json(state_)}, {"config", json::parse(table_.to_json())}};
    const auto report = directory_.save(state_.step, files, state, config_.checkpoint_keep);
    saved_ = state_.step;
    for (const std::string& warning : report.warnings) listener_.said(warning);
  }

  Outcome interrupt() {
    if (saved_ != state_.step) save();
    return Outcome::interrupted;
  }

  const LoopConfig& config_;
  const config::Table& table_;
  Listener& listener_;
  const std::atomic<bool>& stop_;
  Session session_;
  checkpoint::RunDirectory& directory_;
  TrainState state_;
  at::Tensor routed_;  // [L, H] bool; undefined when recomputed or not needed
  StepTimes times_;
  bool fresh_ = false;
  std::int64_t saved_ = -1;  // step of the newest checkpoint of this process
};

}  // namespace

checkpoint::RunDirectory own_directory(const LoopConfig& config, const config::Table& table,
                                       const Experiment& experiment) {
  return checkpoint::RunDirectory::open(config.run.directory, identity_of(table, experiment));
}

Outcome run(const LoopConfig& config, const config::Table& table, Experiment experiment,
            checkpoint::RunDirectory& directory, Listener& listener,
            const std::atomic<bool>& stop) {
  return Run(config, table, std::move(experiment), directory, listener, stop).go();
}

}  // namespace sinkwise::train
