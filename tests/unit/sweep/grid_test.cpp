#include "sinkwise/sweep/grid.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <set>

#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::sweep {
namespace {

class GridFile : public ::testing::Test {
 protected:
  GridFile() { write("base.toml", ""); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_.path() / name) << text;
  }

  Grid read(const std::string& text, const std::filesystem::path& out = {}) {
    write("sweep.toml", text);
    return read_grid(path(), out);
  }

  // The error of a sweep file that must be refused.
  ErrorText refused(const std::string& text) {
    try {
      read(text);
    } catch (const BadConfig& problem) {
      return problem.text();
    }
    ADD_FAILURE() << "accepted: " << text;
    return {};
  }

  std::filesystem::path path() const { return directory_.path() / "sweep.toml"; }

  test::TemporaryDirectory directory_;
};

bool has(const Job& job, const std::string& assignment) {
  return std::find(job.assignments.begin(), job.assignments.end(), assignment) !=
         job.assignments.end();
}

TEST_F(GridFile, ARunIsACallOfTheProgramWithOneThread) {
  const Grid grid = read(R"(
out = "x"
seeds = [3]
[[arms]]
recipe = "base.toml"
[[arms]]
command = "finetune"
recipe = "base.toml"
set = ["balance.form=cv"]
cost = 2
)");
  const std::string recipe = (directory_.path() / "base.toml").string();
  const Call train = call_of(grid.jobs.at(0)), finetune = call_of(grid.jobs.at(1));
  EXPECT_EQ(train.words,
            (std::vector<std::string>{"train", recipe, "--set", "run.seed=3", "--set",
                                      "run.directory=x/base-seed3", "--set", "run.threads=1"}));
  EXPECT_EQ(finetune.words,
            (std::vector<std::string>{"finetune", "--no-report", "--recipe", recipe, "--set",
                                      "balance.form=cv", "--set", "run.seed=3", "--set",
                                      "run.directory=x/base-cv-seed3", "--set", "run.threads=1"}));
  EXPECT_EQ(finetune.name, "base-cv-seed3");
  EXPECT_EQ(finetune.directory, "x/base-cv-seed3");
  EXPECT_EQ(finetune.cost, 2.0);
}

TEST_F(GridFile, RunsTheProductOfListsAndSeeds) {
  const Grid grid = read(R"(
title = "two by two by three"
out = "runs/x"
seeds = [3, 4, 5]
[[arms]]
recipe = "base.toml"
set = ["run.label=a"]
grid = [["attention.mechanism=sink", "attention.mechanism=vanilla"], ["balance.form=none", "balance.form=cv"]]
)");
  EXPECT_EQ(grid.title, "two by two by three");
  EXPECT_EQ(grid.out, "runs/x");
  ASSERT_EQ(grid.jobs.size(), 12u);
  std::set<std::vector<std::string>> different;
  std::set<std::string> names;
  for (const Job& job : grid.jobs) {
    EXPECT_TRUE(has(job, "run.label=a"));
    EXPECT_EQ(job.directory, grid.out / job.name);
    EXPECT_TRUE(has(job, "run.directory=" + job.directory.string()));
    EXPECT_EQ(job.recipe, directory_.path() / "base.toml");
    EXPECT_EQ(job.cost, 1.0);
    std::vector<std::string> chosen = job.assignments;
    chosen.pop_back();  // the directory, which says it all again
    different.insert(chosen);
    names.insert(job.name);
  }
  EXPECT_EQ(different.size(), 12u);
  EXPECT_EQ(names.size(), 12u);
  for (const char* seed : {"run.seed=3", "run.seed=4", "run.seed=5"}) {
    EXPECT_EQ(std::count_if(grid.jobs.begin(), grid.jobs.end(),
                            [seed](const Job& job) { return has(job, seed); }),
              4);
  }
}

TEST_F(GridFile, NamesAreDirectoriesThatSayWhatWasChosen) {
  const Grid grid = read(R"(
seeds = [7]
[[arms]]
recipe = "base.toml"
set = ["data.files=/some/where.txt"]
grid = [["balance.lambda=1e-2"]]
)");
  ASSERT_EQ(grid.jobs.size(), 1u);
  EXPECT_EQ(grid.jobs[0].name, "base--some-where.txt-1e-2-seed7");
  EXPECT_EQ(grid.title, "sweep");  // of the file's name
  EXPECT_EQ(grid.out, "runs/sweep");
}

TEST_F(GridFile, AnArmMayHaveItsOwnSeedsAndCost) {
  const Grid grid = read(R"(
seeds = [1, 2]
[[arms]]
recipe = "base.toml"
[[arms]]
recipe = "base.toml"
set = ["run.label=long"]
seeds = [9]
cost = 2.5
)");
  ASSERT_EQ(grid.jobs.size(), 3u);
  EXPECT_EQ(grid.jobs[2].cost, 2.5);
  EXPECT_TRUE(has(grid.jobs[2], "run.seed=9"));
  EXPECT_EQ(grid.jobs[0].name, "base-seed1");
}

TEST_F(GridFile, TheCommandLineMayMoveTheRuns) {
  const Grid grid = read("[[arms]]\nrecipe = \"base.toml\"\n", "elsewhere");
  EXPECT_EQ(grid.out, "elsewhere");
  EXPECT_EQ(grid.jobs[0].directory, "elsewhere/base-seed0");
}

TEST_F(GridFile, OverheadPairsAreRead) {
  const Grid grid = read(R"(
[[arms]]
recipe = "base.toml"
[[overhead]]
recipe = "base.toml"
set = ["balance.form=cv"]
pairs = 7
[[overhead]]
recipe = "base.toml"
)");
  ASSERT_EQ(grid.overhead.size(), 2u);
  EXPECT_EQ(grid.overhead[0].pairs, 7);
  EXPECT_EQ(grid.overhead[0].assignments, (std::vector<std::string>{"balance.form=cv"}));
  EXPECT_EQ(grid.overhead[1].pairs, 100);
}

TEST_F(GridFile, UnknownKeysAreRefusedWithTheNearestOneAndTheLine) {
  const ErrorText arm = refused("title = \"x\"\n[[arms]]\nrecipe = \"base.toml\"\nseds = [1]\n");
  EXPECT_EQ(arm.where, path().string() + ":4");
  EXPECT_EQ(arm.found, "seds");
  EXPECT_EQ(arm.next, "did you mean seeds?");
  EXPECT_EQ(refused("titel = \"x\"\n").next, "did you mean title?");
  EXPECT_EQ(refused("zzzzzz = 1\n").next, "remove it");
  EXPECT_EQ(refused("[[arms]]\nrecipe = \"base.toml\"\n[[overhead]]\nrecipe = \"base.toml\"\n"
                    "pair = 3\n")
                .next,
            "did you mean pairs?");
}

TEST_F(GridFile, TwoRunsMayNotShareAName) {
  const ErrorText error = refused(
      "[[arms]]\nrecipe = \"base.toml\"\nset = [\"run.label=a/b\"]\n"
      "[[arms]]\nrecipe = \"base.toml\"\nset = [\"run.label=a b\"]\n");
  EXPECT_EQ(error.found, "base-a-b-seed0");
  EXPECT_NE(refused("seeds = [1, 1]\n[[arms]]\nrecipe = \"base.toml\"\n").found, "");
}

TEST_F(GridFile, KeysThatASweepSetsItselfAreRefused) {
  const std::string arm = "[[arms]]\nrecipe = \"base.toml\"\n";
  for (const std::string key : {"run.seed", "run.directory", "run.threads"}) {
    for (const std::string& text :
         {arm + "set = [\"a=b\",\n\"" + key + "=3\"]\n",
          arm + "grid = [[\"a=b\"], [\n\"" + key + "=3\"]]\n",
          arm + "[[overhead]]\nrecipe = \"base.toml\"\nset = [\"" + key + "=3\"]\n"}) {
      const ErrorText error = refused(text);
      EXPECT_EQ(error.found, key + "=3") << text;
      EXPECT_EQ(error.next.rfind("remove it: ", 0), 0u) << error.next;
    }
    EXPECT_EQ(refused(arm + "set = [\"a=b\",\n\"" + key + "=3\"]\n").where, path().string() + ":4");
  }
  EXPECT_NE(refused(arm + "set = [\"run.threads=2\"]\n").next.find("--workers"), std::string::npos);
  EXPECT_EQ(read(arm + "set = [\"run.threadsx=2\"]\n").jobs.size(), 1u);
}

TEST_F(GridFile, AMissingRecipeIsNamed) {
  const ErrorText error = refused("[[arms]]\nrecipe = \"absent.toml\"\n");
  EXPECT_NE(error.found.find("absent.toml"), std::string::npos);
  EXPECT_NE(refused("[[arms]]\ncost = 1\n").expected.find("recipe"), std::string::npos);
}

TEST_F(GridFile, TextThatIsNotTomlIsRefusedWithItsLine) {
  const ErrorText error = refused("title = \"x\"\nseeds = [1,\n");
  EXPECT_EQ(error.what, "not TOML");
  EXPECT_EQ(error.where.rfind(path().string() + ":", 0), 0u);
}

TEST_F(GridFile, WrongTypesAreRefused) {
  const std::string arm = "[[arms]]\nrecipe = \"base.toml\"\n";
  for (const std::string& text : {
           std::string("title = 3\n"),
           std::string("seeds = 3\n"),
           std::string("seeds = [\"a\"]\n"),
           std::string("seeds = [-1]\n"),
           std::string("seeds = [1.5]\n"),
           std::string("arms = 3\n"),
           std::string("arms = [3]\n"),
           arm + "cost = 0\n",
           arm + "cost = \"long\"\n",
           arm + "set = \"a=b\"\n",
           arm + "set = [\"no assignment\"]\n",
           arm + "grid = 3\n",
           arm + "grid = [\"a=b\"]\n",
           arm + "grid = [[1]]\n",
           arm + "[[overhead]]\nrecipe = \"base.toml\"\npairs = 0\n",
       }) {
    EXPECT_NE(refused(text).where, "") << text;
  }
}

TEST_F(GridFile, ASweepWithoutRunsIsRefused) {
  EXPECT_EQ(refused("").what, "the sweep has no run");
  EXPECT_EQ(refused("seeds = []\n[[arms]]\nrecipe = \"base.toml\"\n").what, "the sweep has no run");
}

TEST_F(GridFile, AMissingSweepFileIsABadFile) {
  EXPECT_THROW(read_grid(directory_.path() / "nothing.toml"), BadFile);
}

TEST_F(GridFile, AnArmStartsFromTheRunWhoseSeedHasTheSamePlace) {
  const Grid grid = read(
      "[[arms]]\nrecipe='base.toml'\nname='first'\nseeds=[3, 4]\n"
      "[[arms]]\nrecipe='base.toml'\nstart='first'\nseeds=[13, 14]\n"
      "grid=[['balance.form=none', 'balance.form=cv']]\n");
  ASSERT_EQ(grid.jobs.size(), 6u);
  for (std::size_t n = 0; n < 6; ++n) EXPECT_EQ(grid.jobs[n].stage, n < 2 ? 0 : 1);
  const auto& last = grid.jobs[5].assignments;
  const std::string start = "train.init_from=" + grid.jobs[1].directory.string();
  EXPECT_NE(std::find(last.begin(), last.end(), start), last.end());
}

TEST_F(GridFile, RefusesAStartThatIsNotOneRunASeed) {
  const std::string base = "[[arms]]\nrecipe='base.toml'\nname='first'\nseeds=[3]\n";
  refused("[[arms]]\nrecipe='base.toml'\nstart='first'\n");
  refused(base + "[[arms]]\nrecipe='base.toml'\nset=['run.label=a']\nstart='firs'\nseeds=[3]\n");
  refused(base +
          "[[arms]]\nrecipe='base.toml'\nset=['run.label=a']\nstart='first'\nseeds=[3, 4]\n");
  refused(
      "[[arms]]\nrecipe='base.toml'\nname='two'\ngrid=[['balance.form=none', "
      "'balance.form=cv']]\n");
  refused("[[arms]]\nrecipe='base.toml'\nset=['train.init_from=x']\n");
}

}  // namespace
}  // namespace sinkwise::sweep
