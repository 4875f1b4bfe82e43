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

TEST(Error, CutsFieldsOfAnyLengthBetweenCharacters) {
  const std::string euro = "\u20ac";
  std::string many;
  while (many.size() < (1 << 20)) many += euro;
  const BadFile error({.what = many, .where = many, .expected = many, .found = many, .next = many});
  EXPECT_LT(std::string(error.what()).size(), 32'200U);
  const std::string& found = error.text().found;
  EXPECT_EQ(found, many.substr(0, 3999) + "...");
  const std::string just(4000, 'x');
  EXPECT_EQ(BadFile({just, {}, {}, {}, {}}).text().what, just);
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
