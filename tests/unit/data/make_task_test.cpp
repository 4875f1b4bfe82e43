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

TEST(MakeTask, NamesTheWholeKeyOfABadOption) {
  const std::string here = "/proc/self/exe";  // any file: options are refused before it is read
  const std::pair<TaskOptions, const char*> cases[] = {
      {{.length = 0}, "task.length"},
      {{.validation_rows = 0}, "task.validation_rows"},
      {{.symbols = 1}, "task.symbols"},
      {{.triggers = 99}, "task.triggers"},
      {{.offsets = 99}, "task.offsets"},
      {{.name = "trigger_average", .features = 1}, "task.features"},
      {{.name = "trigger_average", .trigger_probability = 2}, "task.trigger_probability"},
      {{.name = "text", .files = {""}}, "data.files"},
      {{.name = "text", .validation_fraction = 0}, "data.validation_fraction"},
      {{.name = "text", .max_bytes = 0}, "data.max_bytes"},
      {{.name = "tokens"}, "data.files"},
      {{.name = "tokens", .files = {here}, .validation_fraction = 0}, "data.validation_fraction"},
      {{.name = "tokens", .files = {here}, .vocabulary = -1}, "data.vocabulary"},
      {{.name = "tokens", .files = {here}, .bytes_per_token = -1}, "data.bytes_per_token"},
      {{.name = "none"}, "task.name"},
  };
  for (const auto& [options, key] : cases) {
    try {
      make_task(options);
      ADD_FAILURE() << key << " was accepted";
    } catch (const BadConfig& error) {
      const std::string where = error.text().where;
      EXPECT_EQ(where.substr(0, where.find(',')), key) << error.what();
    }
  }
}

}  // namespace
}  // namespace sinkwise::data::test
