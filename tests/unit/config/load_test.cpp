#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "demo_table.h"

namespace sinkwise::config::test {
namespace {

const std::string kAllToml = R"(
[train]
steps = 1_000
[optim]
lr = 3            # an integer serves as a number
[data]
shuffle = false
name = "text"
files = ["x.txt", "y,z.txt"]
[probe]
layers = [3, 4, 5]
[attention]
mechanism = "gated"
)";

void expect_loaded(const Demo& demo, const std::vector<std::string>& files) {
  EXPECT_EQ(demo.steps, 1000);
  EXPECT_EQ(demo.lr, 3.0);
  EXPECT_FALSE(demo.shuffle);
  EXPECT_EQ(demo.name, "text");
  EXPECT_EQ(demo.files, files);
  EXPECT_EQ(demo.layers, (std::vector<std::int64_t>{3, 4, 5}));
  EXPECT_EQ(demo.mechanism, Mechanism::gated);
}

TEST(Load, EveryTypeFromAFile) {
  Demo demo;
  Table table = demo_table(demo);
  table.load_text(kAllToml, "recipe.toml");
  table.finish();
  expect_loaded(demo, {"x.txt", "y,z.txt"});
}

TEST(Load, EveryTypeFromTheEnvironment) {
  Demo demo;
  Table table = demo_table(demo);
  table.load_environment({{"SINKWISE_TRAIN_STEPS", "1_000"},
                          {"SINKWISE_OPTIM_LR", "3"},
                          {"SINKWISE_DATA_SHUFFLE", "0"},
                          {"SINKWISE_DATA_NAME", "text"},
                          {"SINKWISE_DATA_FILES", "x.txt, z.txt"},
                          {"SINKWISE_PROBE_LAYERS", "3,4,5"},
                          {"SINKWISE_ATTENTION_MECHANISM", "gated"},
                          {"HOME", "/root"}});
  table.finish();
  expect_loaded(demo, {"x.txt", "z.txt"});
}

TEST(Load, EveryTypeFromSet) {
  Demo demo;
  Table table = demo_table(demo);
  for (const char* assignment :
       {"train.steps=1000", "optim.lr=3e0", "data.shuffle=false", "data.name=text",
        "data.files=x.txt,z.txt", "probe.layers=3,4,5", "attention.mechanism=gated"}) {
    table.set(assignment);
  }
  table.finish();
  expect_loaded(demo, {"x.txt", "z.txt"});
}

TEST(Load, SetReadsExponentsEmptyListsAndEqualsSigns) {
  Demo demo;
  Table table = demo_table(demo);
  table.set("optim.lr=1e-2");
  table.set("data.files=");
  table.set("data.name=a=b");
  table.finish();
  EXPECT_EQ(demo.lr, 1e-2);
  EXPECT_TRUE(demo.files.empty());
  EXPECT_EQ(demo.name, "a=b");
}

TEST(Load, PrecedenceDoesNotDependOnTheOrderOfCalls) {
  Demo demo;
  Table table = demo_table(demo);
  table.set("optim.lr=4");
  table.load_environment({{"SINKWISE_OPTIM_LR", "3"}, {"SINKWISE_TRAIN_STEPS", "30"}});
  table.load_text("optim.lr = 2\ntrain.steps = 20\ndata.name = \"file\"", "a.toml");
  table.load_text("data.name = \"later file\"", "b.toml");
  table.finish();
  EXPECT_EQ(demo.lr, 4);
  EXPECT_EQ(demo.steps, 30);
  EXPECT_EQ(demo.name, "later file");
  EXPECT_EQ(table.origin("optim.lr"), "--set");
  EXPECT_EQ(table.origin("train.steps"), "environment SINKWISE_TRAIN_STEPS");
  EXPECT_EQ(table.origin("data.name"), "b.toml:1");
  EXPECT_EQ(table.origin("data.files"), "default");
}

TEST(Load, NothingReachesATargetWhenThereIsAProblem) {
  Demo demo;
  Table table = demo_table(demo);
  table.set("train.steps=7");
  table.set("optim.lr=-1");
  EXPECT_THROW(table.finish(), BadConfig);
  EXPECT_EQ(demo.steps, 400);
  EXPECT_EQ(demo.lr, 1e-2);
}

TEST(Load, AllProblemsAtOnceWithTheirPlaces) {
  Demo demo;
  Table table = demo_table(demo);
  table.load_text("[optim]\nlr = \"fast\"\n\n[train]\nsteps = 0\nstpes = 3\n", "recipe.toml");
  table.load_environment({{"SINKWISE_OPTIM_LRR", "1"}, {"SINKWISE_DATA_SHUFFLE", "maybe"}});
  table.set("attention.mechanism=gatd");
  table.set("nonsense");
  const auto problems = problems_of(table);
  ASSERT_EQ(problems.size(), 7u);
  EXPECT_EQ(problems[0].origin, "recipe.toml:2");
  EXPECT_EQ(problems[0].message, "expected a number > 0, found the string \"fast\"");
  EXPECT_EQ(problems[1].origin, "recipe.toml:5");
  EXPECT_EQ(problems[1].message, "expected an integer >= 1, found 0");
  EXPECT_EQ(problems[2].key, "train.stpes");
  EXPECT_EQ(problems[2].suggestion, "did you mean train.steps?");
  EXPECT_EQ(problems[3].origin, "environment SINKWISE_DATA_SHUFFLE");
  EXPECT_EQ(problems[4].suggestion, "did you mean SINKWISE_OPTIM_LR?");
  EXPECT_EQ(problems[5].suggestion, "did you mean gated?");
  EXPECT_EQ(problems[6].origin, "--set");
}

TEST(Load, TheMessageNamesEveryProblemAndWhatToDo) {
  Demo demo;
  Table table = demo_table(demo);
  table.set("train.stpes=3");
  table.set("optim.lr=0");
  try {
    table.finish();
    FAIL();
  } catch (const BadConfig& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("2 problems"), std::string::npos) << text;
    EXPECT_NE(text.find("--set: train.stpes: unknown key; did you mean train.steps?"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("--set: optim.lr: expected a number > 0, found 0.0"), std::string::npos)
        << text;
    EXPECT_NE(text.find("sinkwise train --help"), std::string::npos) << text;
  }
}

// Every line is one bad value; each must give exactly one problem.
TEST(Load, WrongValuesInAFile) {
  for (const char* line : {"optim.lr = inf",
                           "optim.lr = -inf",
                           "optim.lr = nan",
                           "optim.lr = 0",
                           "optim.lr = true",
                           "optim.lr = \"1\"",
                           "optim.lr = [1.0]",
                           "optim.lr = 1979-05-27",
                           "optim.lr = {}",
                           "train.steps = 1.0",
                           "train.steps = 0",
                           "train.steps = \"5\"",
                           "train.steps = [5]",
                           "data.shuffle = 1",
                           "data.shuffle = \"true\"",
                           "data.name = 5",
                           "data.name = [\"a\"]",
                           "data.files = \"a\"",
                           "data.files = [1]",
                           "data.files = [\"a\", [\"b\"]]",
                           "probe.layers = [1, -1]",
                           "probe.layers = [1.5]",
                           "probe.layers = 3",
                           "attention.mechanism = \"open\"",
                           "attention.mechanism = 1",
                           "optim = 5",
                           "[optm]",
                           "[[optim.lr]]",
                           "\"optim.lr\" = 1",
                           "optim.lr.peak = 3",
                           "'' = 3"}) {
    Demo demo;
    Table table = demo_table(demo);
    table.load_text(line, "r.toml");
    const auto problems = problems_of(table);
    ASSERT_EQ(problems.size(), 1u) << line;
    EXPECT_EQ(problems[0].origin, "r.toml:1") << line;
    EXPECT_FALSE(problems[0].message.empty()) << line;
  }
}

TEST(Load, WrongValuesInSet) {
  for (const char* text : {"optim.lr=inf",
                           "optim.lr=nan",
                           "optim.lr=",
                           "optim.lr=1e999",
                           "optim.lr=1x",
                           "optim.lr=0x10",
                           "train.steps=1.5",
                           "train.steps=1e3",
                           "train.steps=9223372036854775808",
                           "train.steps=-1",
                           "train.steps=1__0",
                           "train.steps=_1",
                           "data.shuffle=yes please",
                           "data.name=\xff\xfe",
                           "data.files=a,",
                           "probe.layers=1,,2",
                           "probe.layers=a",
                           "probe.layers=-1",
                           "attention.mechanism=",
                           "=5",
                           "optim.lr",
                           "Optim.lr=1",
                           "optim=1",
                           "optim.lr =1"}) {
    Demo demo;
    Table table = demo_table(demo);
    table.set(text);
    EXPECT_EQ(problems_of(table).size(), 1u) << text;
  }
}

TEST(Load, ASetKeyIsRefusedTheSecondTime) {
  Demo demo;
  Table table = demo_table(demo);
  table.set("optim.lr=1");
  table.set("optim.lr=2");
  const auto problems = problems_of(table);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].message, "set twice");
}

TEST(Load, SyntaxErrorsCarryLineAndColumn) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[optim]\nlr = \n", "r.toml:2:"},
      {"[optim]\nlr = 1\nlr = 2\n", "r.toml:3:"},
      {"[optim]\n[optim]\n", "r.toml:2:"},
      {"a = \"open", "r.toml:1:"},
      {"\n\nlr 5", "r.toml:3:"},
      {"name = \"\xff\"", "r.toml:1:"},
      {"x = 99999999999999999999", "r.toml:1:"},
  };
  for (const auto& [text, place] : cases) {
    Demo demo;
    Table table = demo_table(demo);
    table.load_text(text, "r.toml");
    const auto problems = problems_of(table);
    ASSERT_EQ(problems.size(), 1u) << text;
    EXPECT_TRUE(problems[0].origin.starts_with(place)) << problems[0].origin;
    EXPECT_TRUE(problems[0].message.starts_with("not TOML")) << problems[0].message;
  }
}

TEST(Load, DeepNestingIsRefusedBeforeItCanExhaustTheStack) {
  std::string dots = "a";
  for (int i = 0; i < 1'000'000; ++i) dots += ".a";
  std::string brackets(1'000'000, '[');
  for (const std::string& text :
       {dots + " = 1", "[" + dots + "]", "x = {" + dots + " = 1}", "x = " + brackets,
        "x = [\"\"\"a\"\"\"\", {" + dots + " = 1}]", "x = ['''a''''', {" + dots + " = 1}]"}) {
    Demo demo;
    Table table = demo_table(demo);
    table.load_text(text, "r.toml");
    const auto problems = problems_of(table);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_NE(problems[0].message.find("levels deep"), std::string::npos) << problems[0].message;
  }
}

TEST(Load, DotsInStringsAndCommentsDoNotNest) {
  const std::string dots(200, '.');
  Demo demo;
  Table table = demo_table(demo);
  table.load_text("# " + dots + "\ndata.name = \"" + dots + "\" # " + dots + "\ndata.files = ['" +
                      dots + "', \"\"\"\n" + dots + "\"\"\"]\n",
                  "r.toml");
  table.finish();
  EXPECT_EQ(demo.name, dots);
  EXPECT_EQ(demo.files, (std::vector<std::string>{dots, dots}));
}

TEST(Load, ManyUnknownKeysTakeNoMinutes) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "optim_lr" + std::to_string(i) + " = 1\n";
  Demo demo;
  Table table = demo_table(demo);
  table.load_text(text, "r.toml");
  try {
    table.finish();
    FAIL();
  } catch (const ConfigProblems& error) {
    EXPECT_EQ(error.problems().size(), 100'000u);
    EXPECT_LT(std::string(error.what()).size(), 20'000u);
  }
}

class LoadFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("sinkwise-config-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

TEST_F(LoadFile, ReadsAndNamesTheLine) {
  Demo demo;
  Table table = demo_table(demo);
  const auto path = write("recipe.toml", "# comment\r\n\r\n[optim]\r\nlr = 0.5\r\n");
  table.load_file(path);
  table.finish();
  EXPECT_EQ(demo.lr, 0.5);
  EXPECT_EQ(table.origin("optim.lr"), path.string() + ":4");
}

TEST_F(LoadFile, FilesThatCannotBeRead) {
  write("large.toml", std::string((8 << 20) + 1, '#'));
  write("binary.toml", std::string("lr = 1\0", 7));
  for (const char* name : {"missing.toml", ".", "large.toml", "binary.toml", "/dev/zero"}) {
    Demo demo;
    Table table = demo_table(demo);
    table.load_file(folder_ / name);
    const auto problems = problems_of(table);
    ASSERT_EQ(problems.size(), 1u) << name;
    EXPECT_EQ(problems[0].origin, (folder_ / name).string());
    EXPECT_GT(problems[0].message.size(), 10u);
  }
}

TEST_F(LoadFile, AnEmptyFileKeepsTheDefaults) {
  Demo demo;
  Table table = demo_table(demo);
  table.load_file(write("empty.toml", ""));
  table.finish();
  EXPECT_EQ(demo.steps, 400);
}

TEST(Environment, AllowedNamesPassAndOthersOfOursDoNot) {
  Demo demo;
  Table table = demo_table(demo);
  table.load_environment({{"SINKWISE_BIN", "/bin/x"}, {"SINKWISE_QQQ", "1"}, {"SINKWISELY", "1"}},
                         {"SINKWISE_BIN"});
  const auto problems = problems_of(table);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].key, "SINKWISE_QQQ");
}

TEST(Environment, OfThisProcessHasThePath) { EXPECT_TRUE(process_environment().contains("PATH")); }

}  // namespace
}  // namespace sinkwise::config::test
