// Faults at every single operation on the disk, and damage to what is on it.
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sinkwise/core/error.h"
#include "unit/checkpoint/sample_run.h"
#include "unit/core/faulty_file_system.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::checkpoint {
namespace {

namespace fs = std::filesystem;
using test::FaultyFileSystem;
using Fault = FaultyFileSystem::Fault;

// A save with its place in the order of acknowledgements.
struct Save {
  std::int64_t step;
  int version;
};

struct Scenario {
  const char* name;
  std::vector<Save> before;  // done without faults by an earlier process
  std::vector<Save> under_fire;
  std::int64_t keep;
};

const std::vector<Scenario> kScenarios = {
    {"FirstSaves", {}, {{1, 0}, {2, 0}, {3, 0}}, 1},
    {"Retention", {{1, 0}, {2, 0}, {3, 0}}, {{4, 0}, {5, 0}, {6, 0}}, 3},
    {"Overwrite", {{1, 0}, {2, 0}}, {{2, 1}, {2, 2}, {3, 1}}, 2},
    {"OverwriteTheOnlyOne", {{5, 0}}, {{5, 1}, {5, 2}, {5, 3}}, 1},
};

void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

class Crash : public testing::TestWithParam<Scenario> {};

// Runs the scenario in a child with the fault at operation `at`; returns how many saves were
// acknowledged, and whether the child was killed.
struct Outcome {
  std::size_t acknowledged = 0;
  bool killed = false;
};

Outcome run_child(const fs::path& path, const Scenario& scenario, Fault fault, std::int64_t at) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    FaultyFileSystem disk(fault, at);
    RunDirectory run = RunDirectory::open(path);
    for (const auto& [step, version] : scenario.under_fire) {
      save(run, step, version, scenario.keep);
      if (::write(ends[1], "+", 1) != 1) ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  Outcome outcome;
  for (char byte; ::read(ends[0], &byte, 1) == 1;) ++outcome.acknowledged;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.killed = WIFSIGNALED(status);
  EXPECT_TRUE(outcome.killed || WEXITSTATUS(status) == 0);
  return outcome;
}

// The newest checkpoint must be the last acknowledged save or the one that was under way.
void expect_recovered(const fs::path& path, const Scenario& scenario, std::size_t acknowledged) {
  RunDirectory run = RunDirectory::open(path);
  for (const std::string& name : names_in(path)) {
    EXPECT_EQ(name.find(".tmp-"), std::string::npos) << name;
    EXPECT_EQ(name.find(".old-"), std::string::npos) << name;
  }
  const Discovery discovery = run.newest();
  EXPECT_TRUE(discovery.rejected.empty()) << discovery.rejected.front().reason;
  std::vector<Save> order = scenario.before;
  order.insert(order.end(), scenario.under_fire.begin(), scenario.under_fire.end());
  const std::size_t committed = scenario.before.size() + acknowledged;
  if (!discovery.checkpoint) {
    EXPECT_EQ(committed, 0u) << "an acknowledged checkpoint is lost";
  } else {
    const int version = discovery.checkpoint->state.at("version").get<int>();
    const auto is_loaded = [&](std::size_t i) {
      return order.at(i).step == discovery.checkpoint->step && order.at(i).version == version;
    };
    EXPECT_TRUE((committed > 0 && is_loaded(committed - 1)) ||
                (committed < order.size() && is_loaded(committed)))
        << "step " << discovery.checkpoint->step << " version " << version;
    SampleCheckpoint(discovery.checkpoint->step, version).expect_equal(*discovery.checkpoint);
  }
  save(run, 9, 9);  // the same directory goes on
  SampleCheckpoint(9, 9).expect_equal(*run.newest().checkpoint);
}

void sweep(const Scenario& scenario, Fault fault) {
  constexpr std::int64_t kMost = 2000;
  std::int64_t at = 1;
  for (bool killed = true; killed && at < kMost; ++at) {
    SCOPED_TRACE(testing::Message() << "killed at operation " << at);
    const test::TemporaryDirectory directory;
    const fs::path path = directory.path() / "run";
    if (!scenario.before.empty()) {
      FaultyFileSystem quick(Fault::none, 0);
      RunDirectory run = RunDirectory::open(path);
      for (const auto& [step, version] : scenario.before) save(run, step, version, scenario.keep);
    }
    const Outcome outcome = run_child(path, scenario, fault, at);
    killed = outcome.killed;
    FaultyFileSystem quick(Fault::none, 0);
    expect_recovered(path, scenario, outcome.acknowledged);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(at, 50);
  EXPECT_LT(at, kMost) << "the child never came to its end";
}

TEST_P(Crash, KilledAtEveryOperation) { sweep(GetParam(), Fault::kill); }

TEST_P(Crash, KilledInTheMiddleOfEveryWrite) { sweep(GetParam(), Fault::kill_midway); }

// Fails operation n of one save, for every n; the save must throw and leave no trace, or succeed.
void sweep_errors(const Scenario& scenario, Fault fault, int error) {
  bool swept = false;  // the save ends before the fault
  for (std::int64_t at = 1; !swept && !testing::Test::HasFailure(); ++at) {
    SCOPED_TRACE(testing::Message() << "error at operation " << at);
    const test::TemporaryDirectory directory;
    RunDirectory run = RunDirectory::open(directory.path());
    const auto save_all = [&](const std::vector<Save>& saves) {
      for (const auto& [step, version] : saves) save(run, step, version, scenario.keep);
    };
    {
      FaultyFileSystem quick(Fault::none, 0);
      save_all(scenario.before);
    }
    const auto before = names_in(directory.path());
    const Save next = scenario.under_fire.front();
    bool failed = false;
    {
      FaultyFileSystem disk(fault, at, error);
      try {
        save(run, next.step, next.version, scenario.keep);
      } catch (const ResourceError& caught) {
        failed = true;
        EXPECT_NE(caught.text().where.find(directory.path().string()), std::string::npos);
        EXPECT_FALSE(caught.text().next.empty());
      }
      swept = at > disk.operations();
      EXPECT_FALSE(swept && failed);
    }
    const Discovery discovery = run.newest();
    EXPECT_TRUE(discovery.rejected.empty());
    if (!failed) {
      SampleCheckpoint(next.step, next.version).expect_equal(*discovery.checkpoint);
    } else if (scenario.before.empty()) {
      EXPECT_FALSE(discovery.checkpoint);
    } else {
      const Save last = scenario.before.back();
      SampleCheckpoint(last.step, last.version).expect_equal(*discovery.checkpoint);
    }
    if (failed) {
      EXPECT_EQ(names_in(directory.path()), before);
    }
  }
}

TEST_P(Crash, AFullDiskLeavesEverythingAsItWas) {
  sweep_errors(GetParam(), Fault::disk_full, ENOSPC);
}

TEST_P(Crash, OneInputOutputErrorLeavesEverythingAsItWas) {
  sweep_errors(GetParam(), Fault::error_once, EIO);
}

// The disk stops working in the middle of a save, so that nothing can be undone either, and is well
// again when the next process opens the directory.
TEST_P(Crash, ADiskThatStaysDeadLosesNothing) {
  const Scenario& scenario = GetParam();
  bool swept = false;
  for (std::int64_t at = 1; !swept && !HasFailure(); ++at) {
    SCOPED_TRACE(testing::Message() << "dead from operation " << at);
    const test::TemporaryDirectory directory;
    FaultyFileSystem quick(Fault::none, 0);
    std::size_t acknowledged = 0;
    {
      RunDirectory run = RunDirectory::open(directory.path());
      for (const auto& [step, version] : scenario.before) save(run, step, version, scenario.keep);
      FaultyFileSystem disk(Fault::disk_dead, at, EIO);
      try {
        for (const auto& [step, version] : scenario.under_fire) {
          save(run, step, version, scenario.keep);
          ++acknowledged;
        }
      } catch (const ResourceError&) {
      }
      swept = at > disk.operations();
    }
    expect_recovered(directory.path(), scenario, acknowledged);
  }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Crash, testing::ValuesIn(kScenarios),
                         [](const auto& test) { return std::string(test.param.name); });

// A run with steps 1 and 2; damage goes into step 2.
class Damage : public testing::Test {
 protected:
  Damage() {
    FaultyFileSystem quick(Fault::none, 0);
    save(run_, 1);
    save(run_, 2);
    for (const std::string& name : names_in(newest_)) {
      original_[name] = read_file(newest_ / name, 1 << 20);
    }
  }

  void put(const std::string& name, const std::string& text) const {
    fs::remove(newest_ / name);  // truncating it instead makes some file systems flush
    std::ofstream(newest_ / name, std::ios::binary) << text;
  }
  void repair() const {
    for (const auto& [name, text] : original_) put(name, text);
  }

  // Step 2 is rejected for a reason that names `file`, and step 1 is loaded.
  void expect_fallback(const std::string& file) const {
    const Discovery discovery = run_.newest();
    ASSERT_TRUE(discovery.checkpoint);
    ASSERT_EQ(discovery.checkpoint->step, 1);
    ASSERT_EQ(discovery.rejected.size(), 1u);
    ASSERT_EQ(discovery.rejected[0].directory, newest_);
    ASSERT_NE(discovery.rejected[0].reason.find(file), std::string::npos)
        << discovery.rejected[0].reason;
  }

  test::TemporaryDirectory directory_;
  fs::path newest_ = directory_.path() / "step-2";
  RunDirectory run_ = RunDirectory::open(directory_.path());
  std::map<std::string, std::string> original_;
};

TEST_F(Damage, EveryFlippedBitIsSeen) {
  std::mt19937 random(3);
  for (const auto& [name, text] : original_) {
    for (std::size_t byte = 0; byte < text.size(); ++byte) {
      SCOPED_TRACE(testing::Message() << name << " byte " << byte);
      std::string damaged = text;
      damaged[byte] ^= static_cast<char>(1 << random() % 8);
      put(name, damaged);
      ASSERT_NO_FATAL_FAILURE(expect_fallback(name));
    }
    put(name, text);
  }
  EXPECT_EQ(run_.newest().checkpoint->step, 2);
}

TEST_F(Damage, EveryTruncationAndExtensionIsSeen) {
  for (const auto& [name, text] : original_) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      SCOPED_TRACE(testing::Message() << name << " cut to " << size);
      put(name, text.substr(0, size));
      ASSERT_NO_FATAL_FAILURE(expect_fallback(name));
    }
    put(name, text + '\0');
    ASSERT_NO_FATAL_FAILURE(expect_fallback(name));
    put(name, text);
  }
  EXPECT_EQ(run_.newest().checkpoint->step, 2);
}

TEST_F(Damage, ATruncatedFileSaysNOfMBytes) {
  const std::string& text = original_.at("model.safetensors");
  put("model.safetensors", text.substr(0, 10));
  const std::string reason = run_.newest().rejected.at(0).reason;
  EXPECT_NE(reason.find("expected " + std::to_string(text.size()) + " bytes"), std::string::npos);
  EXPECT_NE(reason.find("found 10 bytes"), std::string::npos);
}

TEST_F(Damage, MissingSwappedAndForeignFilesAreSeen) {
  for (const auto& [name, text] : original_) {
    fs::remove(newest_ / name);
    ASSERT_NO_FATAL_FAILURE(expect_fallback(name));
    fs::create_directory(newest_ / name);
    ASSERT_NO_FATAL_FAILURE(expect_fallback(name));
    fs::remove(newest_ / name);
    fs::create_symlink(directory_.path() / "step-1" / name, newest_ / name);
    ASSERT_NO_FATAL_FAILURE(expect_fallback(name));
    fs::remove(newest_ / name);
    put(name, text);
  }
  put("model.safetensors", original_.at("optimizer.safetensors"));
  put("optimizer.safetensors", original_.at("model.safetensors"));
  ASSERT_NO_FATAL_FAILURE(expect_fallback("safetensors"));
  repair();
  put("model.safetensors", read_file(directory_.path() / "step-1" / "model.safetensors", 1 << 20));
  ASSERT_NO_FATAL_FAILURE(expect_fallback("model.safetensors"));
  repair();
  put("manifest.json", read_file(directory_.path() / "step-1" / "manifest.json", 1 << 20));
  ASSERT_NO_FATAL_FAILURE(expect_fallback("manifest.json"));
}

TEST_F(Damage, WithNothingIntactThereIsNoCheckpointButAReasonEach) {
  put("manifest.json", "");
  std::ofstream(directory_.path() / "step-1" / "manifest.json") << "{}";
  const Discovery discovery = run_.newest();
  EXPECT_FALSE(discovery.checkpoint);
  EXPECT_EQ(discovery.rejected.size(), 2u);
}

}  // namespace
}  // namespace sinkwise::checkpoint
