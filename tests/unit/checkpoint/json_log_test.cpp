#include "sinkwise/checkpoint/json_log.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "unit/core/faulty_file_system.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::checkpoint {
namespace {

using nlohmann::json;
using test::FaultyFileSystem;

class Log : public testing::Test {
 protected:
  std::string content() const { return read_file(path_, 1 << 20); }
  void put(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "log.jsonl";
};

json record(int step) { return {{"step", step}, {"loss", 1.0 / (step + 3)}}; }

TEST_F(Log, WritesOneLineARecord) {
  JsonLog log(path_);
  log.append({{"step", 1}, {"loss", 0.1}, {"name", "a\nb"}});
  log.append({{"step", 2}, {"loss", NAN}, {"norm", -INFINITY}});
  EXPECT_EQ(content(),
            "{\"loss\":0.1,\"name\":\"a\\nb\",\"step\":1}\n"
            "{\"loss\":null,\"norm\":null,\"step\":2}\n");
}

TEST_F(Log, SyncsEveryLine) {
  JsonLog log(path_);
  FaultyFileSystem disk(FaultyFileSystem::Fault::none, 0);
  log.append(record(1));
  EXPECT_EQ(disk.operations(), 2);  // one write, one fsync
}

TEST_F(Log, RefusesRecordsThatAResumeCouldNotPlace) {
  JsonLog log(path_);
  for (const json& bad :
       {json::object(), json(3), json{{"step", "3"}}, json{{"step", 3.0}}, json{{"step", -1}},
        json{{"step", UINT64_MAX}}, json{{"step", nullptr}}}) {
    EXPECT_THROW(log.append(bad), BadArgument) << bad;
  }
  EXPECT_THROW(log.append({{"step", 1}, {"text", "\xff"}}), BadArgument);
  EXPECT_EQ(content(), "");
}

TEST_F(Log, AResumedLogEqualsOneNeverInterrupted) {
  {
    JsonLog log(path_);
    for (int step = 1; step <= 10; ++step) log.append(record(step));
  }
  const std::string whole = content();
  for (std::size_t size = 0; size <= whole.size(); ++size) {  // killed after any byte
    put(whole.substr(0, size));
    JsonLog log(path_);
    const int from = static_cast<int>(std::count(whole.begin(), whole.begin() + size, '\n')) / 2;
    log.truncate_after(from);
    for (int step = from + 1; step <= 10; ++step) log.append(record(step));
    ASSERT_EQ(content(), whole) << size;
  }
}

TEST_F(Log, DropsATornLineOnOpening) {
  put("{\"step\":1}\n{\"step\":2");
  JsonLog log(path_);
  log.append({{"step", 3}});
  EXPECT_EQ(content(), "{\"step\":1}\n{\"step\":3}\n");
  put("torn");
  JsonLog other(path_);
  EXPECT_EQ(content(), "");
}

TEST_F(Log, KeepsOnlyValidLinesUpToTheStep) {
  put("{\"step\":1}\n\n{\"step\":2}}\n{\"step\":9}\n[1]\n{\"step\":\"2\"}\n{\"loss\":1}\n"
      "{\"step\":2}\n{\"step\":2,\"step\":2}\n{\"step\":3}\n");
  JsonLog(path_).truncate_after(2);
  EXPECT_EQ(content(), "{\"step\":1}\n{\"step\":2}\n");
}

TEST_F(Log, TruncatingFarAheadOrToNothing) {
  JsonLog log(path_);
  log.truncate_after(5);
  log.append(record(1));
  const std::string before = content();
  log.truncate_after(INT64_MAX);
  EXPECT_EQ(content(), before);
  log.truncate_after(0);
  EXPECT_EQ(content(), "");
  log.append(record(1));  // goes to the file that is there now
  EXPECT_EQ(content(), before);
}

TEST_F(Log, AFailedAppendLeavesTheLogAsItWas) {
  JsonLog log(path_);
  log.append(record(1));
  const std::string before = content();
  for (int n = 1; n <= 4; ++n) {
    FaultyFileSystem disk(FaultyFileSystem::Fault::disk_full, n);
    disk.limit_write(10);  // so that some of the line is written before the disk is full
    EXPECT_THROW(log.append(record(2)), ResourceError);
    EXPECT_EQ(content(), before) << n;
  }
}

TEST_F(Log, AFailedTruncationLeavesTheLogAsItWas) {
  JsonLog log(path_);
  for (int step = 1; step <= 3; ++step) log.append(record(step));
  const std::string before = content();
  for (int n = 1; n <= 4; ++n) {  // create, write, sync, rename
    FaultyFileSystem disk(FaultyFileSystem::Fault::error_once, n);
    EXPECT_THROW(log.truncate_after(1), ResourceError);
    EXPECT_EQ(content(), before) << n;
  }
}

}  // namespace
}  // namespace sinkwise::checkpoint
