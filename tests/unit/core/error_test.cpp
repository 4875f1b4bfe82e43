#include "sinkwise/core/error.h"

#include <gtest/gtest.h>

namespace sinkwise {
namespace {

TEST(Error, PrintsOneFieldALineAndLeavesEmptyOnesOut) {
  const BadConfig error({.what = "unknown key 'lamda'",
                         .where = "run.toml, line 3",
                         .expected = "lambda",
                         .found = {},
                         .next = "sinkwise train --help"});
  EXPECT_STREQ(error.what(),
               "unknown key 'lamda'\n"
               "  where:    run.toml, line 3\n"
               "  expected: lambda\n"
               "  next:     sinkwise train --help");
}

TEST(Error, KeepsItsFaultAndItsFieldsWhenCaughtAsTheBase) {
  try {
    throw LockedError(
        {.what = "locked", .where = "runs/a", .expected = {}, .found = {}, .next = {}});
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::locked);
    EXPECT_EQ(error.text().where, "runs/a");
  }
}

TEST(Error, TypesOfDifferentFaultsDoNotCatchEachOther) {
  const auto raise = [] {
    throw BadFile({.what = "x", .where = {}, .expected = {}, .found = {}, .next = {}});
  };
  bool right = false;
  try {
    raise();
  } catch (const ResourceError&) {
  } catch (const BadFile&) {
    right = true;
  }
  EXPECT_TRUE(right);
}

}  // namespace
}  // namespace sinkwise
