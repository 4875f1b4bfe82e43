#include "sinkwise/sweep/pool.h"

#include <atomic>
#include <cmath>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <sstream>
#include <stdlib.h>

#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::sweep {
namespace {

// Watches a pool and may ask it to stop when something is seen.
class Watcher : public PoolListener {
 public:
  void progressed(const PoolProgress& progress) override {
    most_running = std::max(most_running, progress.running);
    highest_fraction = std::max(highest_fraction, progress.fraction);
    last = progress;
    if (on_progress) on_progress(progress);
  }
  void finished(const Call& call, double seconds) override {
    names.push_back(call.name);
    EXPECT_GE(seconds, 0.0);
  }

  std::function<void(const PoolProgress&)> on_progress;
  std::size_t most_running = 0;
  double highest_fraction = 0.0;
  PoolProgress last;
  std::vector<std::string> names;
};

// Calls of a shell script of the test's instead of the program. The script finds its recipe in $2
// and its directory in run.directory=...
class PoolTest : public ::testing::Test {
 protected:
  PoolTest() {
    // Beside this executable: shared memory may be mounted so that nothing in it can run.
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    ::setenv("TMPDIR", here.c_str(), 1);
    directory_ = std::make_unique<test::TemporaryDirectory>();
  }

  void program(const std::string& body) {
    const auto path = directory_->path() / "program.sh";
    std::ofstream(path) << "#!/bin/sh\n"
                           "for word in \"$@\"; do case \"$word\" in run.directory=*)"
                           " directory=${word#run.directory=};; esac; done\n"
                        << body;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  Call call(const std::string& name, double cost = 1.0) const {
    const auto place = directory_->path() / name;
    return {name, {"train", "recipe of " + name, "run.directory=" + place.string()}, place, cost};
  }

  PoolOutcome run(std::vector<Call> calls, std::int64_t workers) {
    return run_calls(std::move(calls), {directory_->path() / "program.sh", workers}, watcher_,
                     stop_);
  }

  std::string text(const std::filesystem::path& name) const {
    std::ostringstream stream;
    stream << std::ifstream(directory_->path() / name).rdbuf();
    return stream.str();
  }

  std::unique_ptr<test::TemporaryDirectory> directory_;
  Watcher watcher_;
  std::atomic<bool> stop_ = false;
};

TEST_F(PoolTest, RunsEveryJobWithItsOwnCommandLine) {
  program("for word in \"$@\"; do echo \"[$word]\"; done; echo \"$OMP_NUM_THREADS\" >&2\n");
  EXPECT_EQ(run({call("a"), call("b"), call("c")}, 2), PoolOutcome::finished);
  std::sort(watcher_.names.begin(), watcher_.names.end());
  EXPECT_EQ(watcher_.names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(text("b/output.txt"), "[train]\n[recipe of b]\n[run.directory=" +
                                      (directory_->path() / "b").string() + "]\n1\n");
  EXPECT_EQ(watcher_.last.finished, 3u);
  EXPECT_EQ(watcher_.last.total, 3u);
  EXPECT_DOUBLE_EQ(watcher_.last.fraction, 1.0);
  EXPECT_NEAR(watcher_.last.seconds_left, 0.0, 1e-9);
}

TEST_F(PoolTest, RunsNoMoreAtATimeThanAsked) {
  // Every job counts who is there with it.
  program(
      "cd \"$directory/..\"; touch here.$$; ls here.* | wc -l >> counts; sleep 0.3; rm here.$$\n");
  for (const std::int64_t workers : {1, 3}) {
    watcher_ = {};
    EXPECT_EQ(run({call("a"), call("b"), call("c"), call("d"), call("e")}, workers),
              PoolOutcome::finished);
    std::istringstream counts(text("counts"));
    std::int64_t most = 0;
    for (std::int64_t count = 0; counts >> count;) most = std::max(most, count);
    EXPECT_LE(most, workers);
    EXPECT_EQ(watcher_.most_running, static_cast<std::size_t>(workers));
    EXPECT_EQ(watcher_.names.size(), 5u);
    std::filesystem::remove(directory_->path() / "counts");
  }
}

TEST_F(PoolTest, StartsTheLongestFirstAndKeepsTheOrderOfEquals) {
  program("echo \"$2\" >> \"$directory/../order\"\n");
  run({call("short", 1), call("first", 2), call("second", 2), call("long", 9)}, 1);
  EXPECT_EQ(text("order"), "recipe of long\nrecipe of first\nrecipe of second\nrecipe of short\n");
}

TEST_F(PoolTest, CountsRunningJobsByTheirStep) {
  // A line of the log may be half written: the one before it counts.
  program(
      "printf '{\"step\":1,\"steps\":4}\\n{\"step\":3,\"steps\":4}\\n{\"st' > "
      "\"$directory/timing.jsonl\"; sleep 0.6\n");
  bool seen = false;
  watcher_.on_progress = [&seen](const PoolProgress& progress) {
    if (progress.running == 1 && std::abs(progress.fraction - 0.75) < 1e-9) seen = true;
  };
  run({call("a")}, 1);
  EXPECT_TRUE(seen) << watcher_.highest_fraction;
}

TEST_F(PoolTest, WhatAnEarlierSweepDidIsDoneAndSaysNothingOfTheTimeLeft) {
  program(
      "case \"$2\" in *new) sleep 0.6; echo '{\"step\":2,\"steps\":4}' > "
      "\"$directory/timing.jsonl\"; sleep 0.6;; esac\n");
  std::filesystem::create_directory(directory_->path() / "old");
  std::ofstream(directory_->path() / "old/timing.jsonl") << "{\"step\":4,\"steps\":4}\n";
  bool unknown = false, known = false;
  watcher_.on_progress = [&](const PoolProgress& progress) {
    if (std::abs(progress.fraction - 0.5) < 1e-9) unknown = std::isnan(progress.seconds_left);
    if (std::abs(progress.fraction - 0.75) < 1e-9) known = std::isfinite(progress.seconds_left);
  };
  run({call("old"), call("new")}, 1);
  EXPECT_TRUE(unknown);
  EXPECT_TRUE(known);
}

TEST_F(PoolTest, AFailedJobIsReportedWithItsOutputAndStopsTheOthers) {
  program(
      "case \"$2\" in *bad) sleep 0.3; echo noise; echo 'error: the disk is full';"
      " echo '  next: free some room'; exit 4;; esac\n"
      "trap 'echo saved > \"$directory/saved\"; exit 75' TERM\n"
      "n=0; while [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done\n");
  try {
    run({call("good", 3), call("bad", 2), call("never", 1)}, 2);
    FAIL() << "no error";
  } catch (const ResourceError& error) {
    EXPECT_NE(error.text().what.find("bad"), std::string::npos);
    EXPECT_EQ(error.text().where, (directory_->path() / "bad/output.txt").string());
    EXPECT_EQ(error.text().found, "exit code 4: the disk is full");  // not what it advises
  }
  EXPECT_EQ(text("good/saved"), "saved\n");  // asked to save, not killed
  EXPECT_FALSE(std::filesystem::exists(directory_->path() / "never"));
}

TEST_F(PoolTest, FailedJobsAreAllNamedAndTheirCodeIsKeptWhereTheyAgree) {
  const auto code = [this](const std::vector<Call>& calls) {
    // Nobody ends before all are there and past listening, so that every one of them fails.
    program(
        "trap '' TERM; touch \"$directory/ready\"\n"
        "while [ $(ls \"$directory\"/../*/ready | wc -l) -lt " +
        std::to_string(calls.size()) + " ]; do sleep 0.02; done; exit ${2##*-}\n");
    int found = -1;
    try {
      run(calls, 2);
    } catch (const CallsFailed& failed) {
      found = failed.code();
      for (const Call& each : calls) {
        EXPECT_NE(failed.text().what.find(each.name), std::string::npos) << failed.what();
      }
    }
    for (const Call& each : calls) std::filesystem::remove_all(each.directory);
    return found;
  };
  EXPECT_EQ(code({call("a-3")}), 3);
  EXPECT_EQ(code({call("a-3"), call("b-3")}), 3);
  EXPECT_EQ(code({call("a-3"), call("b-6")}), 0);
}

TEST_F(PoolTest, AStopAsksTheJobsAndStartsNoMore) {
  program(
      "trap 'echo saved > \"$directory/saved\"; exit 75' TERM; touch \"$directory/ready\"\n"
      "n=0; while [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done\n");
  watcher_.on_progress = [this](const PoolProgress&) {
    const auto here = directory_->path();
    if (std::filesystem::exists(here / "a/ready") && std::filesystem::exists(here / "b/ready")) {
      stop_ = true;
    }
  };
  EXPECT_EQ(run({call("a"), call("b"), call("c")}, 2), PoolOutcome::interrupted);
  EXPECT_EQ(text("a/saved"), "saved\n");
  EXPECT_EQ(text("b/saved"), "saved\n");
  EXPECT_FALSE(std::filesystem::exists(directory_->path() / "c"));
  EXPECT_TRUE(watcher_.names.empty());
}

TEST_F(PoolTest, AJobStoppedBeforeItCouldListenIsNoFailure) {
  program("sleep 10\n");  // no handler: SIGTERM ends it
  watcher_.on_progress = [this](const PoolProgress&) { stop_ = true; };
  EXPECT_EQ(run({call("a")}, 1), PoolOutcome::interrupted);
}

TEST_F(PoolTest, AJobThatSomebodyElseStoppedLeavesTheSweepUnfinished) {
  program("case \"$2\" in *a) exit 75;; esac\n");
  EXPECT_EQ(run({call("a"), call("b")}, 1), PoolOutcome::interrupted);
}

TEST_F(PoolTest, AJobKilledByASignalIsAFailure) {
  program("kill -KILL $$\n");
  try {
    run({call("a")}, 1);
    FAIL() << "no error";
  } catch (const CallsFailed& error) {
    EXPECT_EQ(error.text().found.rfind("exit code 137", 0), 0u);
    EXPECT_EQ(error.code(), 137);
  }
}

TEST_F(PoolTest, AProgramThatDoesNotExistIsAnError) {
  EXPECT_THROW(run({call("a")}, 1), ResourceError);
}

}  // namespace
}  // namespace sinkwise::sweep
