#include "sinkwise/sweep/pool.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>
#include <signal.h>
#include <thread>

#include "process.h"
#include "sinkwise/core/clock.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"

namespace sinkwise::sweep {
namespace {

constexpr int kInterrupted = 75;     // exit code of a run that saved and left
constexpr int kEndedBySignal = 128;  // plus the signal, see Process::poll
constexpr auto kPollInterval = std::chrono::milliseconds(200);

// The last bytes of a text file, at most so many; or nothing.
std::string tail_of(const std::filesystem::path& path, std::int64_t most) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto size = static_cast<std::int64_t>(file.tellg());
  const std::int64_t tail = std::min<std::int64_t>(size, most);
  std::string text(static_cast<std::size_t>(tail), '\0');
  file.seekg(size - tail);
  file.read(text.data(), tail);
  return text;
}

// The last whole line of a text file, or nothing.
std::string last_line(const std::filesystem::path& path) {
  const std::string text = tail_of(path, 512);
  const auto end = text.rfind('\n');
  if (end == std::string::npos || end == 0) return {};
  const auto before = text.rfind('\n', end - 1);
  const auto begin = before == std::string::npos ? 0 : before + 1;
  return text.substr(begin, end - begin);
}

// Why a call failed: the line of its output that says so, else the last one.
std::string reason(const std::filesystem::path& output) {
  constexpr std::string_view kError = "\nerror: ";
  const std::string text = "\n" + tail_of(output, 4096);
  const auto at = text.rfind(kError);
  if (at == std::string::npos) return last_line(output);
  const auto begin = at + kError.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

// How far a call is, in [0, 1], by the last line of its timing.jsonl.
double fraction_done(const Call& call) {
  const auto line =
      nlohmann::json::parse(last_line(call.directory / "timing.jsonl"), nullptr, false);
  if (!line.is_object() || !line.contains("step") || !line.contains("steps")) return 0.0;
  return std::min(1.0, line["step"].get<double>() / std::max(1.0, line["steps"].get<double>()));
}

std::vector<std::string> command_of(const Call& call, const PoolOptions& options) {
  std::vector<std::string> words = {options.program.string()};
  words.insert(words.end(), call.words.begin(), call.words.end());
  return words;
}

// A call, and how far an earlier sweep brought it: that took none of this one's time.
struct TrackedCall {
  Call call;
  double before;
};

struct Running {
  TrackedCall tracked;
  Process process;
  Clock::time_point started;
};

struct Failure {
  Call call;
  int code;
};

class Pool {
 public:
  Pool(std::vector<Call> calls, const PoolOptions& options, PoolListener& listener,
       const std::atomic<bool>& stop)
      : options_(options), listener_(listener), stop_(stop) {
    for (Call& call : calls) {
      total_cost_ += call.cost;
      const double before = fraction_done(call);
      waiting_.push_back({std::move(call), before});
    }
    total_ = waiting_.size();
    // Longest first packs the cores best; std::stable_sort keeps the file's order among equals. The
    // vector is used from its back.
    std::stable_sort(
        waiting_.begin(), waiting_.end(),
        [](const TrackedCall& a, const TrackedCall& b) { return a.call.cost > b.call.cost; });
    std::reverse(waiting_.begin(), waiting_.end());
  }

  PoolOutcome run() {
    while (!done()) {
      if ((stop_ || !failures_.empty()) && !asked_) ask_all_to_stop();
      if (!asked_) fill();
      std::this_thread::sleep_for(kPollInterval);
      reap();
      report();
    }
    if (!failures_.empty()) throw_failures();
    // One may also have been stopped by somebody else.
    const bool all_done = !asked_ && finished_ == total_;
    return all_done ? PoolOutcome::finished : PoolOutcome::interrupted;
  }

 private:
  bool done() const { return running_.empty() && (waiting_.empty() || asked_); }

  void fill() {
    while (!waiting_.empty() && running_.size() < static_cast<std::size_t>(options_.workers)) {
      TrackedCall tracked = std::move(waiting_.back());
      waiting_.pop_back();
      make_directories(tracked.call.directory);
      Process process(command_of(tracked.call, options_), tracked.call.directory / "output.txt");
      const auto now = Clock::now();
      if (tracked.before < 1.0 && !working_since_) working_since_ = now;
      running_.push_back({std::move(tracked), std::move(process), now});
    }
  }

  void reap() {
    for (auto one = running_.begin(); one != running_.end();) {
      const std::optional<int> code = one->process.poll();
      if (!code) {
        ++one;
        continue;
      }
      if (*code == 0) {
        const TrackedCall& tracked = one->tracked;
        ++finished_;
        cost_done_here_ += tracked.call.cost * (1.0 - tracked.before);
        listener_.finished(tracked.call, seconds_since(one->started));
      } else if (!is_stopped(*code)) {
        failures_.push_back({one->tracked.call, *code});
      }
      one = running_.erase(one);
    }
  }

  // A run that was asked before it could listen has ended by the signal: nothing of it is lost.
  bool is_stopped(int code) const {
    return code == kInterrupted || (asked_ && code == kEndedBySignal + SIGTERM);
  }

  void ask_all_to_stop() {
    asked_ = true;
    for (const Running& one : running_) one.process.ask_to_stop();
  }

  void report() {
    PoolProgress progress;
    progress.finished = finished_;
    progress.running = running_.size();
    progress.total = total_;
    double done_here = cost_done_here_, left = 0.0;
    for (const TrackedCall& tracked : waiting_) left += tracked.call.cost * (1.0 - tracked.before);
    for (const Running& one : running_) {
      const auto& [call, before] = one.tracked;
      const double now = std::min(0.99, fraction_done(call));
      done_here += call.cost * (now - before);
      left += call.cost * (1.0 - now);
      progress.current.push_back(call.name);
    }
    progress.fraction = 1.0 - left / total_cost_;
    progress.seconds_left = done_here > 0.0 ? seconds_since(*working_since_) * left / done_here
                                            : std::numeric_limits<double>::quiet_NaN();
    listener_.progressed(progress);
  }

  [[noreturn]] void throw_failures() const {
    const Failure& first = failures_.front();
    const std::filesystem::path output = first.call.directory / "output.txt";
    std::vector<std::string> names;
    bool same = true;
    for (const Failure& failure : failures_) {
      names.push_back(concat(failure.call.name, " (exit code ", failure.code, ")"));
      same = same && failure.code == first.code;
    }
    throw CallsFailed(same ? first.code : 0,
                      {"runs of the sweep failed: " + join(names), output.string(), "exit code 0",
                       concat("exit code ", first.code, ": ", reason(output)),
                       "read that file, repair the cause, and give the same command again"});
  }

  std::vector<TrackedCall> waiting_;
  std::list<Running> running_;  // erased in the middle; processes are not assignable
  const PoolOptions& options_;
  PoolListener& listener_;
  const std::atomic<bool>& stop_;
  std::optional<Clock::time_point> working_since_;  // the first that was not done before began
  std::size_t total_ = 0, finished_ = 0;
  double total_cost_ = 0.0, cost_done_here_ = 0.0;
  bool asked_ = false;
  std::vector<Failure> failures_;  // in the order in which they ended
};

}  // namespace

PoolOutcome run_calls(std::vector<Call> calls, const PoolOptions& options, PoolListener& listener,
                      const std::atomic<bool>& stop) {
  return Pool(std::move(calls), options, listener, stop).run();
}

}  // namespace sinkwise::sweep
