#include "sinkwise/eval/item_log.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "sinkwise/core/error.h"
#include "unit/core/faulty_file_system.h"
#include "unit/eval/sets.h"

namespace sinkwise::eval {
namespace {

using nlohmann::json;
using test::FaultyFileSystem;
using test::read_bytes;

const json kSettings = {{"model", "abc"}, {"tasks", {{"piqa", {{"count", 3}}}}}};

Task some_task() {
  Task task;
  task.name = "piqa", task.kind = Kind::normalised_choices;
  return task;
}

std::vector<ItemScore> some_items(std::int64_t first, std::int64_t count) {
  std::vector<ItemScore> items;
  for (std::int64_t i = first; i < first + count; ++i) {
    ItemScore item;
    item.facts = {i, "hash" + std::to_string(i), "", static_cast<std::size_t>(i % 2), {3, 4}};
    item.tokens = {1, 2};
    item.rows = {{-0.1 * static_cast<double>(i) - 1.0, true}, {-2.0 / 3.0, false}};
    items.push_back(item);
  }
  return items;
}

TEST(ItemLog, GivesBackTheSameBits) {
  const test::TemporaryDirectory home;
  const auto items = some_items(0, 5);
  ItemLog(home.path() / "out", kSettings).append(some_task(), items);
  const ItemLog again(home.path() / "out", kSettings);
  ASSERT_EQ(again.known().size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    const LoggedItem& found = again.known()[i];
    EXPECT_EQ(found.task, "piqa");
    EXPECT_EQ(found.item.facts.hash, items[i].facts.hash);
    EXPECT_EQ(found.item.facts.label, items[i].facts.label);
    EXPECT_EQ(found.item.facts.lengths, items[i].facts.lengths);
    EXPECT_EQ(found.item.tokens, items[i].tokens);
    for (std::size_t row = 0; row < 2; ++row) {
      EXPECT_EQ(found.item.rows[row].log_likelihood, items[i].rows[row].log_likelihood);
      EXPECT_EQ(found.item.rows[row].greedy, items[i].rows[row].greedy);
    }
  }
}

TEST(ItemLog, ATornLastLineIsDropped) {
  const test::TemporaryDirectory home;
  ItemLog(home.path(), kSettings).append(some_task(), some_items(0, 3));
  const std::string whole = read_bytes(home.path() / kItemsFile);
  std::filesystem::resize_file(home.path() / kItemsFile, whole.size() - 1);
  EXPECT_EQ(ItemLog(home.path(), kSettings).known().size(), 2u);
  EXPECT_EQ(read_bytes(home.path() / kItemsFile),
            whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1));
}

TEST(ItemLog, OtherSettingsAreRefusedByName) {
  const test::TemporaryDirectory home;
  ItemLog(home.path(), kSettings).append(some_task(), some_items(0, 1));
  json other = kSettings;
  other["tasks"]["piqa"]["count"] = 4;
  try {
    ItemLog(home.path(), other);
    FAIL();
  } catch (const BadConfig& error) {
    EXPECT_NE(std::string(error.what()).find("/tasks/piqa/count: 3 there, 4 now"),
              std::string::npos);
  }
  std::filesystem::remove(home.path() / kSettingsFile);
  EXPECT_THROW(ItemLog(home.path(), kSettings), BadConfig);
}

TEST(ItemLog, OneProcessAtATime) {
  const test::TemporaryDirectory home;
  const ItemLog first(home.path(), kSettings);
  EXPECT_THROW(ItemLog(home.path(), kSettings), LockedError);
}

TEST(ItemLog, DamagedLinesAreNamed) {
  const std::string good =
      R"({"task":"piqa","index":0,"hash":"h","group":"","label":0,"lengths":[1],"tokens":[1],"log_likelihoods":[-1],"greedy":[true]})";
  std::vector<std::string> bad = {"{}", "[]", "nonsense", "null"};
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"label\":0", "\"label\":1"},
                                                        {"[-1]", "[]"},
                                                        {"[-1]", "[-1,-2]"},
                                                        {"[-1]", "[null]"},
                                                        {"[true]", "[1]"},
                                                        {"\"lengths\":[1]", "\"lengths\":[1,2]"},
                                                        {"\"piqa\"", "7"}}) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    bad.push_back(line);
  }
  const test::Sets sets;
  for (const std::string& line : bad) {
    const auto file = sets.write("items.jsonl", good + "\n" + line + "\n");
    try {
      read_items(file);
      ADD_FAILURE() << line;
    } catch (const BadFile& error) {
      EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(read_items(sets.write("items.jsonl", good + "\n")).size(), 1u);
  EXPECT_THROW(read_items(sets.write("items.jsonl", good)), BadFile);
}

// What a process does that writes three batches, one after the other, wherever an earlier one was.
void write_all(const std::filesystem::path& out) {
  ItemLog log(out, kSettings);
  for (auto at = static_cast<std::int64_t>(log.known().size()); at < 9;) {
    const std::int64_t end = at / 3 * 3 + 3;
    log.append(some_task(), some_items(at, end - at));
    at = end;
  }
}

// Ends a process at its operation number `at`; whether that came before the end.
bool killed_at(const std::filesystem::path& out, FaultyFileSystem::Fault fault, std::int64_t at) {
  const pid_t child = ::fork();
  if (child == 0) {
    FaultyFileSystem faulty(fault, at);
    write_all(out);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

TEST(ItemLog, AKillAtAnyWriteEndsWithTheSameBytes) {
  const test::TemporaryDirectory home;
  write_all(home.path() / "whole");
  const std::string expected = read_bytes(home.path() / "whole" / kItemsFile);
  for (const auto fault : {FaultyFileSystem::Fault::kill, FaultyFileSystem::Fault::kill_midway}) {
    std::int64_t at = 1;
    for (;; ++at) {
      const auto out = home.path() / ("out" + std::to_string(at));
      const bool killed = killed_at(out, fault, at);
      write_all(out);
      EXPECT_EQ(read_bytes(out / kItemsFile), expected) << "operation " << at;
      std::filesystem::remove_all(out);
      if (!killed) break;
    }
    EXPECT_GT(at, 8) << "the directory, two files and three batches are more operations";
  }
}

TEST(ItemLog, AFullDiskLeavesWholeLines) {
  const test::TemporaryDirectory home;
  ItemLog log(home.path(), kSettings);
  log.append(some_task(), some_items(0, 2));
  const std::string before = read_bytes(home.path() / kItemsFile);
  {
    FaultyFileSystem faulty(FaultyFileSystem::Fault::error_once, 2);  // the sync after the write
    EXPECT_THROW(log.append(some_task(), some_items(2, 1)), ResourceError);
  }
  EXPECT_EQ(read_bytes(home.path() / kItemsFile), before);
  log.append(some_task(), some_items(2, 1));
  EXPECT_EQ(read_items(home.path() / kItemsFile).size(), 3u);
}

}  // namespace
}  // namespace sinkwise::eval
