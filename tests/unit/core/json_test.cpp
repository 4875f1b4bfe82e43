#include "sinkwise/core/json.h"

#include <chrono>
#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"

namespace sinkwise {
namespace {

using nlohmann::json;

std::string where_of(std::string_view text, JsonLimits limits = {.max_bytes = 1 << 24}) {
  try {
    parse_json(text, "x.json", limits);
  } catch (const BadFile& error) {
    return error.text().where;
  }
  return "accepted";
}

TEST(ParseJson, BuildsWhatTheLibraryBuilds) {
  for (const char* text :
       {"null", "true", "-3", "18446744073709551615", "1.5e-7", "\"a\\u00e9\\n\"", "[]", "{}",
        " [1, [2, [3]], {}] ", R"({"a": {"b": [1, 2.5, "x", null, {"c": false}]}, "d": []})"}) {
    EXPECT_EQ(parse_json(text, "x", 1000), json::parse(text)) << text;
  }
}

TEST(ParseJson, NamesFileAndByte) {
  EXPECT_EQ(where_of("[1, 2, x]"), "x.json, byte 8");
  EXPECT_EQ(where_of("{\"a\": 1, \"a\": 2}"), "x.json, byte 12");
}

TEST(ParseJson, RefusesMalformedTexts) {
  for (const std::string text :
       {"", " ", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{a: 1}", "1 2", "[1] x", "nul", "NaN",
        "[Infinity]", "01", "1e999", "\"\\ud800\"", "\"\n\"", "'a'", "// c\n1"}) {
    EXPECT_NE(where_of(text), "accepted") << text;
  }
  EXPECT_NE(where_of("\"\xff\""), "accepted");
  EXPECT_NE(where_of(std::string("[1]\0", 4)), "accepted");
}

TEST(ParseJson, RefusesRepeatedKeysAtEveryDepth) {
  EXPECT_NE(where_of(R"({"a": 1, "b": 2, "a": 1})"), "accepted");
  EXPECT_NE(where_of(R"([{"x": {"a": 1, "\u0061": 2}}])"), "accepted");  // spelt differently
  EXPECT_EQ(where_of(R"({"a": {"a": {"a": 1}}, "b": {"a": 1}})"), "accepted");
}

TEST(ParseJson, LimitsDepthAndLength) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(where_of(nested(64)), "accepted");
  EXPECT_NE(where_of(nested(65)), "accepted");
  EXPECT_NE(where_of(std::string(1 << 20, '[')), "accepted");
  EXPECT_NE(where_of(std::string(1 << 20, '{')), "accepted");
  EXPECT_NE(where_of("[[1]]", {.max_bytes = 100, .max_depth = 1}), "accepted");
  EXPECT_EQ(where_of("[1]", {.max_bytes = 3}), "accepted");
  EXPECT_NE(where_of("[1 ]", {.max_bytes = 3}), "accepted");
}

TEST(ParseJson, ReportsWhereTheOutermostMembersAre) {
  JsonOffsets offsets{.first_byte = 100, .members = {}};
  const std::string_view text = R"({"a": {"b": 1}, "c": 2})";
  parse_json(text, "x", {.max_bytes = 100}, &offsets);
  ASSERT_EQ(offsets.members.size(), 2u);
  EXPECT_EQ(offsets.members["a"], text.find(":"));
  EXPECT_EQ(offsets.members["c"], text.rfind(":"));
  EXPECT_THROW(parse_json("[", "x", {.max_bytes = 100}, &offsets), BadFile);
}

TEST(ParseJson, EscapesWhatItQuotes) {
  try {
    parse_json("{\"\\u001b[31m\": 1, \"\\u001b[31m\": 2}", "\x1b.json", 100);
    FAIL();
  } catch (const BadFile& error) {
    EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos);
  }
}

TEST(ParseJson, TakesAMebibyteOfAnythingInASecond) {
  std::string numbers = "[0", objects = "[{}", keys = "{\"k\":0";
  while (numbers.size() < 1 << 20) numbers += ",1";
  while (objects.size() < 1 << 20) objects += ",{}";
  for (int i = 0; keys.size() < 1 << 20; ++i) keys += ",\"" + std::to_string(i) + "\":0";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(where_of(numbers + "]"), "accepted");
  EXPECT_EQ(where_of(objects + "]"), "accepted");
  EXPECT_EQ(where_of(keys + "}"), "accepted");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(JsonText, ReadsBackToTheSameBits) {
  for (const double value : {0.1, -0.0, 1e300, 5e-324, 1.0, 2.0 / 3, 1e17}) {
    const json back = parse_json(json_text(value), "x", 100);
    ASSERT_TRUE(back.is_number_float());
    EXPECT_EQ(std::signbit(back.get<double>()), std::signbit(value));
    EXPECT_EQ(back.get<double>(), value);
  }
}

TEST(JsonText, SortsKeysAndWritesNonFiniteNumbersAsNull) {
  EXPECT_EQ(json_text({{"b", NAN}, {"a", INFINITY}}), R"({"a":null,"b":null})");
  EXPECT_EQ(json_text({{"a", 1}}, 2), "{\n  \"a\": 1\n}");
}

TEST(JsonText, RefusesTextThatIsNoUtf8) { EXPECT_THROW(json_text("\xff"), BadArgument); }

// Writes down what it hears.
class Recorder : public JsonListener {
 public:
  void open(bool object) override { heard += object ? "{" : "["; }
  void close() override { heard += "/"; }
  void key(std::string& name) override { heard += name + ":"; }
  void string(std::string& value) override { heard += "'" + value + "' "; }
  void whole(std::int64_t value) override { heard += std::to_string(value) + " "; }
  void other(const json& value) override { heard += "(" + value.dump() + ") "; }
  std::string heard;
};

TEST(JsonListener, TakesItsValueOutOfTheTree) {
  Recorder recorder;
  const json tree =
      parse_json(R"({"a":{"b":{"x":1,"y":["p",[-2]]},"c":2},"b":{"x":3},"d":[{"a":{"b":4}}]})", "x",
                 JsonLimits{.max_bytes = 1000}, {{"a.b", &recorder}});
  EXPECT_EQ(recorder.heard, "{x:1 y:['p' [-2 ///");
  EXPECT_EQ(tree, json::parse(R"({"a":{"b":null,"c":2},"b":{"x":3},"d":[{"a":{"b":4}}]})"));
}

TEST(JsonListener, HearsScalarsAndTheWholeText) {
  Recorder whole;
  EXPECT_EQ(parse_json("[true,1.5,18446744073709551615]", "x", JsonLimits{.max_bytes = 1000},
                       {{"", &whole}}),
            nullptr);
  EXPECT_EQ(whole.heard, "[(true) (1.5) (18446744073709551615) /");
  Recorder scalar;
  parse_json(R"({"a":"s","b":[7]})", "x", JsonLimits{.max_bytes = 1000}, {{"a", &scalar}});
  EXPECT_EQ(scalar.heard, "'s' ");
}

TEST(JsonListener, DepthAndFormAreCheckedInsideItsValue) {
  Recorder recorder;
  const auto parse = [&](const std::string& text) {
    parse_json(text, "x", JsonLimits{.max_bytes = 1 << 20}, {{"a", &recorder}});
  };
  EXPECT_THROW(parse("{\"a\":" + std::string(1000, '[')), BadFile);
  EXPECT_THROW(parse(R"({"a":[1,})"), BadFile);
}

}  // namespace
}  // namespace sinkwise
