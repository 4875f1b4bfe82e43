#include "sinkwise/checkpoint/run_directory.h"

#include <chrono>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
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
using nlohmann::json;
using test::FaultyFileSystem;
using Fault = FaultyFileSystem::Fault;
using Names = std::set<std::string>;

class Run : public testing::Test {
 protected:
  RunDirectory open() const { return RunDirectory::open(path_, {"fingerprint", "commit"}); }
  void put(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

  test::TemporaryDirectory directory_;
  fs::path path_ = directory_.path() / "runs" / "ä b";
};

TEST_F(Run, StartsEmptyInADirectoryThatItCreates) {
  const RunDirectory run = open();
  const Discovery discovery = run.newest();
  EXPECT_FALSE(discovery.checkpoint);
  EXPECT_TRUE(discovery.rejected.empty());
  EXPECT_EQ(names_in(path_), Names{"lock"});
}

TEST_F(Run, LoadsWhatItSaved) {
  RunDirectory run = open();
  const SaveReport report = save(run, 7);
  EXPECT_EQ(report.directory, path_ / "step-7");
  EXPECT_TRUE(report.pruned.empty());
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(path_ / "step-7")) bytes += entry.file_size();
  EXPECT_EQ(report.bytes, bytes);
  EXPECT_GT(report.bytes, checkpoint_bytes(SampleCheckpoint(7).files()));

  const Discovery discovery = run.newest();
  ASSERT_TRUE(discovery.checkpoint);
  SampleCheckpoint(7).expect_equal(*discovery.checkpoint);
  EXPECT_EQ(discovery.checkpoint->directory, path_ / "step-7");
  EXPECT_EQ(discovery.checkpoint->identity.config_fingerprint, "fingerprint");
  EXPECT_EQ(discovery.checkpoint->identity.commit, "commit");
  EXPECT_EQ(names_in(path_ / "step-7"),
            (Names{"manifest.json", "model.safetensors", "optimizer.safetensors"}));
}

TEST_F(Run, TheManifestIsJson) {
  RunDirectory run = open();
  save(run, 7);
  const json manifest = json::parse(read_file(path_ / "step-7" / "manifest.json", 1 << 20));
  EXPECT_EQ(manifest["body"]["schema"], 1);
  EXPECT_EQ(manifest["body"]["step"], 7);
  EXPECT_EQ(manifest["body"]["files"][0]["bytes"],
            fs::file_size(path_ / "step-7" / "model.safetensors"));
}

TEST_F(Run, ACheckpointWithoutFilesOrStateIsFine) {
  RunDirectory run = open();
  run.save(0, {}, nullptr, 1);
  ASSERT_TRUE(run.newest().checkpoint);
  EXPECT_TRUE(run.newest().checkpoint->state.is_null());
}

TEST_F(Run, OrdersByStepAndNotByNameOrTime) {
  RunDirectory run = open();
  save(run, 10);
  save(run, 9);
  save(run, 100, 0, 3);
  fs::last_write_time(path_ / "step-9", fs::file_time_type::max());
  EXPECT_EQ(run.newest().checkpoint->step, 100);
}

TEST_F(Run, IgnoresNamesThatAreNotExactlyAStep) {
  RunDirectory run = open();
  save(run, 5);
  for (const char* name : {"step-", "step-007", "step-8.bak", "step--9", "step-9 ", "Step-9",
                           "step-9999999999999999999", "step-+9", "latest"}) {
    fs::copy(path_ / "step-5", path_ / name, fs::copy_options::recursive);
  }
  const Discovery discovery = run.newest();
  EXPECT_EQ(discovery.checkpoint->step, 5);
  EXPECT_TRUE(discovery.rejected.empty());
}

TEST_F(Run, RejectsStepsThatAreNoCheckpoints) {
  RunDirectory run = open();
  save(run, 5);
  put("step-6", "a file");
  fs::create_directory(path_ / "step-7");
  fs::create_directory_symlink(path_ / "step-5", path_ / "step-8");
  fs::copy(path_ / "step-5", path_ / "step-9", fs::copy_options::recursive);  // says step 5
  fs::copy(path_ / "step-5", path_ / "step-10", fs::copy_options::recursive);
  fs::remove(path_ / "step-10" / "manifest.json");
  fs::create_symlink(path_ / "step-5" / "manifest.json", path_ / "step-10" / "manifest.json");
  const Discovery discovery = run.newest();
  EXPECT_EQ(discovery.checkpoint->step, 5);
  ASSERT_EQ(discovery.rejected.size(), 5u);
  EXPECT_EQ(discovery.rejected.front().directory, path_ / "step-10");
  for (const Rejected& rejected : discovery.rejected) {
    EXPECT_NE(rejected.reason.find(rejected.directory.filename().string()), std::string::npos)
        << rejected.reason;
  }
}

TEST_F(Run, OverwritesAStep) {
  RunDirectory run = open();
  save(run, 5, 0);
  save(run, 6, 0);
  save(run, 5, 1);
  save(run, 6, 1);
  SampleCheckpoint(6, 1).expect_equal(*run.newest().checkpoint);
  EXPECT_EQ(names_in(path_), (Names{"lock", "step-5", "step-6"}));
}

TEST_F(Run, KeepsTheNewestAndNeverFewerThanTwo) {
  RunDirectory run = open();
  for (int step = 1; step <= 5; ++step) save(run, step, 0, 3);
  EXPECT_EQ(names_in(path_), (Names{"lock", "step-3", "step-4", "step-5"}));
  const SaveReport report = save(run, 6, 0, 1);
  EXPECT_EQ(names_in(path_), (Names{"lock", "step-5", "step-6"}));
  EXPECT_EQ(report.pruned, (std::vector<fs::path>{path_ / "step-4", path_ / "step-3"}));
  EXPECT_TRUE(report.warnings.empty());
}

TEST_F(Run, NeverRemovesTheNewestTwoIntactOnes) {
  RunDirectory run = open();
  for (int step = 1; step <= 3; ++step) save(run, step, 0, 9);
  std::fstream file(path_ / "step-3" / "model.safetensors", std::ios::in | std::ios::out);
  file.seekp(-1, std::ios::end);
  file.put('!');  // same size, another hash
  file.close();
  fs::remove(path_ / "step-2" / "optimizer.safetensors");
  save(run, 4, 0, 1);
  EXPECT_TRUE(fs::exists(path_ / "step-1"));
  save(run, 5, 0, 1);
  EXPECT_EQ(names_in(path_), (Names{"lock", "step-4", "step-5"}));
}

TEST_F(Run, NeverRemovesTheOneJustSaved) {
  RunDirectory run = open();
  for (const int step : {10, 20, 30}) save(run, step, 0, 3);
  save(run, 5, 0, 1);
  EXPECT_TRUE(fs::exists(path_ / "step-5"));
}

TEST_F(Run, TidiesUpWhatAKilledProcessLeft) {
  {
    RunDirectory run = open();
    save(run, 5);
    save(run, 6);
  }
  put("step-7.tmp-0123456789abcdef/model.safetensors", "half");
  put("config.json.tmp-0123456789abcdef", "half");
  put("step-6.old-0123456789abcdef/model.safetensors", "replaced");
  fs::rename(path_ / "step-5", path_ / "step-5.old-0123456789abcdef");  // not replaced yet
  put("step-7.tmp-mine", "somebody's file");
  put("notes.old-0123456789abcdef", "somebody's file");
  const RunDirectory run = open();
  EXPECT_EQ(names_in(path_),
            (Names{"lock", "notes.old-0123456789abcdef", "step-5", "step-6", "step-7.tmp-mine"}));
  EXPECT_EQ(run.newest().checkpoint->step, 6);
  fs::remove_all(path_ / "step-6");
  SampleCheckpoint(5).expect_equal(*run.newest().checkpoint);
}

TEST_F(Run, RefusesArgumentsThatItCouldNotReadBack) {
  RunDirectory run = open();
  const SampleCheckpoint sample(1);
  const auto files = sample.files();
  const json state = sample.state();
  EXPECT_THROW(run.save(-1, files, state, 2), BadArgument);
  EXPECT_THROW(run.save(INT64_MAX, files, state, 2), BadArgument);
  EXPECT_THROW(run.save(1, files, state, 0), BadArgument);
  for (const json& bad :
       {json{{"x", NAN}}, json{{"x", {1.0, INFINITY}}}, json("\xff"), json::binary({1, 2})}) {
    EXPECT_THROW(run.save(1, files, bad, 2), BadArgument);
  }
  json deep = 1;
  for (int i = 0; i < 64; ++i) deep = json::array({deep});
  EXPECT_THROW(run.save(1, files, deep, 2), BadArgument);
  for (const std::string name : {"", "a/b", "..", ".hidden", "/etc/passwd", "manifest.json"}) {
    const std::vector<CheckpointFile> bad = {{name, {}, {}}};
    EXPECT_THROW(run.save(1, bad, state, 2), BadArgument) << name;
  }
  const std::vector<CheckpointFile> twice = {{"a", {}, {}}, {"a", {}, {}}};
  EXPECT_THROW(run.save(1, twice, state, 2), BadArgument);
  EXPECT_EQ(names_in(path_), Names{"lock"});
}

TEST_F(Run, TheDeepestStateThatItAcceptsLoads) {
  RunDirectory run = open();
  json deep = 1;
  for (int i = 0; i < 63; ++i) deep = json::array({deep});
  run.save(1, {}, deep, 2);
  ASSERT_TRUE(run.newest().checkpoint);
  EXPECT_EQ(run.newest().checkpoint->state, deep);
}

TEST_F(Run, RefusesBeforeWritingWhenTheRoomDoesNotSuffice) {
  RunDirectory run = open();
  save(run, 1);
  FaultyFileSystem disk(Fault::none, 0);
  disk.set_free_bytes(1000);
  try {
    save(run, 2);
    FAIL();
  } catch (const ResourceError& error) {
    EXPECT_NE(error.text().where.find(path_.string()), std::string::npos);
    EXPECT_EQ(error.text().found, "1000 bytes free");
    EXPECT_NE(error.text().expected.find(" bytes free"), std::string::npos);
  }
  EXPECT_EQ(disk.operations(), 0);
  EXPECT_EQ(run.newest().checkpoint->step, 1);
}

TEST_F(Run, WritesJsonFiles) {
  RunDirectory run = open();
  run.write_json("result.json", {{"loss", 0.5}, {"bad", NAN}});
  EXPECT_EQ(read_file(path_ / "result.json", 100), "{\n  \"bad\": null,\n  \"loss\": 0.5\n}\n");
  EXPECT_THROW(run.write_json("../x", {}), BadArgument);
  EXPECT_THROW(run.write_json("x", "\xff"), BadArgument);
}

TEST_F(Run, CannotBeCreatedWhereAFileIs) {
  std::ofstream(directory_.path() / "file") << "x";
  EXPECT_THROW(RunDirectory::open(directory_.path() / "file"), ResourceError);
  EXPECT_THROW(RunDirectory::open(directory_.path() / "file" / "run"), ResourceError);
  const auto endless = directory_.path() / std::string(4096, 'x');
  EXPECT_THROW(RunDirectory::open(endless), ResourceError);
  EXPECT_EQ(names_in(directory_.path()), Names{"file"});
}

TEST_F(Run, CannotBeListedWhenMissing) {
  EXPECT_THROW(newest_checkpoint(directory_.path() / "missing"), ResourceError);
}

TEST_F(Run, HasOneOwnerEvenInOneProcess) {
  std::optional<RunDirectory> first = open();
  try {
    open();
    FAIL();
  } catch (const LockedError& error) {
    EXPECT_NE(error.text().found.find("process " + std::to_string(::getpid()) + " on "),
              std::string::npos);
  }
  const RunDirectory moved = std::move(*first);
  first.reset();
  EXPECT_THROW(open(), LockedError);
}

// Opens in a child and says how that went: 'w' won and still holding, 'l' lost, 'x' anything else.
struct Contender {
  pid_t process;
  char outcome;
};

Contender contend(const fs::path& path) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t process = ::fork();
  if (process == 0) {
    char outcome = 'x';
    std::optional<RunDirectory> run;
    try {
      run = RunDirectory::open(path);
      outcome = 'w';
    } catch (const LockedError&) {
      outcome = 'l';
    } catch (...) {
    }
    [[maybe_unused]] const auto written = ::write(ends[1], &outcome, 1);
    if (outcome == 'w') ::pause();
    ::_exit(0);
  }
  Contender contender{process, '?'};
  EXPECT_EQ(::read(ends[0], &contender.outcome, 1), 1);
  ::close(ends[0]);
  ::close(ends[1]);
  return contender;
}

void end(const Contender& contender) {
  ::kill(contender.process, SIGKILL);
  ::waitpid(contender.process, nullptr, 0);
}

TEST_F(Run, TheLockIsFreeAfterAKill) {
  for (int i = 0; i < 50; ++i) {
    const Contender winner = contend(path_);
    const auto start = std::chrono::steady_clock::now();
    const Contender loser = contend(path_);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
    EXPECT_EQ(winner.outcome, 'w');
    EXPECT_EQ(loser.outcome, 'l');
    end(winner);
    end(loser);
  }
  open();
}

TEST_F(Run, OneOfManySimultaneousStartsWins) {
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
      children.push_back(::fork());
      if (children.back() != 0) continue;
      char outcome = 'x';
      try {
        const RunDirectory run = RunDirectory::open(path_);
        outcome = 'w';
        [[maybe_unused]] const auto written = ::write(ends[1], &outcome, 1);
        ::pause();
      } catch (const LockedError&) {
        outcome = 'l';
      } catch (...) {
      }
      [[maybe_unused]] const auto written = ::write(ends[1], &outcome, 1);
      ::_exit(0);
    }
    std::string outcomes;
    for (int i = 0; i < 8; ++i) {
      char outcome = '?';
      ASSERT_EQ(::read(ends[0], &outcome, 1), 1);
      outcomes += outcome;
    }
    std::sort(outcomes.begin(), outcomes.end());
    EXPECT_EQ(outcomes, "lllllllw");
    for (const pid_t child : children) end({child, ' '});
    ::close(ends[0]);
    ::close(ends[1]);
  }
}

}  // namespace
}  // namespace sinkwise::checkpoint
