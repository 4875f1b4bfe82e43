#include "sinkwise/data/make_task.h"

#include <gtest/gtest.h>

#include "folder.h"
#include "sinkwise/data/bigram_backcopy.h"
#include "sinkwise/data/token_file.h"

namespace sinkwise::data::test {
namespace {

TEST(MakeTask, BuildsEveryNamedTask) {
  const Folder folder;
  write_token_file(folder.at("t.bin"), std::vector<std::int32_t>(500, 7), 2);
  const std::string text = folder.write("a.txt", std::string(500, 'x'));
  for (const std::string& name : task_names()) {
    const std::string file = name == "tokens" ? folder.at("t.bin") : text;
    const auto task =
        make_task({.name = name, .length = 24, .validation_rows = 3, .files = {file}});
    EXPECT_EQ(task->name(), name);
    EXPECT_EQ(task->length(), 24);
    EXPECT_EQ(task->validation_rows(), 3);
    EXPECT_EQ(task->train_batch(0, 0, 2).rows, 2);
  }
}

TEST(MakeTask, DefaultsAreThoseOfTheTask) {
  EXPECT_EQ(make_task({})->fingerprint(), BigramBackcopy().fingerprint());
  EXPECT_EQ(make_task({.offsets = 3, .beginning_token = false})->fingerprint(),
            BigramBackcopy({.offsets = 3, .beginning_token = false}).fingerprint());
}

TEST(MakeTask, AnUnknownNameGetsASuggestion) {
  try {
    make_task({.name = "bigram_backcpy"});
    FAIL();
  } catch (const BadConfig& error) {
    EXPECT_EQ(error.text().next, "did you mean bigram_backcopy?");
  }
  EXPECT_THROW(make_task({.name = ""}), BadConfig);
}

TEST(MakeTask, PassesOnTheErrorsOfTheTask) {
  EXPECT_THROW(make_task({.triggers = 99}), BadConfig);
  EXPECT_THROW(make_task({.name = "tokens"}), BadConfig);
  EXPECT_THROW(make_task({.name = "text", .files = {"/nowhere/at/all"}}), BadFile);
}

}  // namespace
}  // namespace sinkwise::data::test
