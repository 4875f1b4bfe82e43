#include "sinkwise/config/table.h"

#include <gtest/gtest.h>
#include <limits>

#include "demo_table.h"
#include "sinkwise/config/differences.h"

namespace sinkwise::config::test {
namespace {

TEST(Table, DescribesEveryKey) {
  Demo demo;
  const std::vector<Row> rows = demo_table(demo).describe();
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[0].key, "train.steps");
  EXPECT_EQ(rows[0].type, "integer");
  EXPECT_EQ(rows[0].default_value, "400");
  EXPECT_EQ(rows[0].unit, "steps");
  EXPECT_EQ(rows[0].range, ">= 1");
  EXPECT_EQ(rows[0].help, "optimiser steps");
  EXPECT_EQ(rows[0].environment, "SINKWISE_TRAIN_STEPS");
  EXPECT_TRUE(rows[0].resumable);
  EXPECT_EQ(rows[1].range, "> 0");
  EXPECT_EQ(rows[6].default_value, "\"sink\"");
  EXPECT_EQ(rows[6].choices, (std::vector<std::string>{"vanilla", "sink", "gated"}));
}

TEST(Table, ResolvedTomlShowsOriginsBySection) {
  Demo demo;
  Table table = demo_table(demo);
  table.load_text("[optim]\nlr = 0.003", "recipe.toml");
  table.load_environment({{"SINKWISE_DATA_NAME", "text"}});
  table.set("attention.mechanism=gated");
  table.finish();
  EXPECT_EQ(table.to_toml(),
            "[train]\n"
            "steps = 400  # default\n"
            "\n"
            "[optim]\n"
            "lr = 0.003  # recipe.toml:2\n"
            "\n"
            "[data]\n"
            "shuffle = true  # default\n"
            "name = \"text\"  # environment SINKWISE_DATA_NAME\n"
            "files = [\"a.txt\", \"b.txt\"]  # default\n"
            "\n"
            "[probe]\n"
            "layers = [1, 2]  # default\n"
            "\n"
            "[attention]\n"
            "mechanism = \"gated\"  # --set\n");
}

// Strings and numbers that are easy to write wrongly.
TEST(Table, ResolvedTomlParsesBackToTheSameValues) {
  const std::vector<std::string> texts = {
      "",        "a\"b\\c",         "tab\tnew\nline\r",   "\x01\x1f",
      "del\x7f", "# not a comment", "gr\xc3\xbc\xc3\x9f", "'''",
      "[x]"};
  const std::vector<double> numbers = {0.1,  1e-300, 5e-324,   1.7976931348623157e308,
                                       1e22, 100000, 1.0 / 3.0};
  for (const std::string& text : texts) {
    for (double number : numbers) {
      Demo first;
      first.name = text;
      first.files = {text, text};
      first.lr = number;
      first.steps = std::numeric_limits<std::int64_t>::max();
      first.layers = {};
      const std::string toml = demo_table(first).to_toml();
      Demo second;
      Table table = demo_table(second);
      table.load_text(toml, "again.toml");
      table.finish();
      EXPECT_EQ(second.name, text);
      EXPECT_EQ(second.files, first.files);
      EXPECT_EQ(second.lr, number);
      EXPECT_EQ(second.steps, first.steps);
      EXPECT_EQ(second.layers, first.layers);
      EXPECT_EQ(table.to_toml(false), demo_table(first).to_toml(false));
    }
  }
}

TEST(Table, AHostileFileNameStaysInsideItsComment) {
  Demo demo;
  Table table = demo_table(demo);
  table.load_text("optim.lr = 0.5", "evil\nlr = 9\x1b[31m.toml");
  table.finish();
  Demo again;
  Table second = demo_table(again);
  second.load_text(table.to_toml(), "r.toml");
  second.finish();
  EXPECT_EQ(again.lr, 0.5);
}

TEST(Table, KeysWithoutASectionComeFirst) {
  std::int64_t seed = 1;
  double deep = 2;
  bool flag = false;
  Table table;
  table.add("a.b.c", deep, "deep");
  table.add("seed", seed, "seed");
  table.add("a.flag", flag, "flag");
  EXPECT_EQ(table.to_toml(false), "seed = 1\n\n[a.b]\nc = 2.0\n\n[a]\nflag = false\n");
  table.load_text(table.to_toml(), "r.toml");
  EXPECT_NO_THROW(table.finish());
}

TEST(Table, JsonIsFlatAndSorted) {
  Demo demo;
  EXPECT_EQ(demo_table(demo).to_json(),
            "{\"attention.mechanism\":\"sink\",\"data.files\":[\"a.txt\",\"b.txt\"],"
            "\"data.name\":\"bigram_backcopy\",\"data.shuffle\":true,\"optim.lr\":0.01,"
            "\"probe.layers\":[1,2],\"train.steps\":400}");
}

TEST(Table, FingerprintSeesEveryKeyButResumableAndExceptedOnes) {
  const auto fingerprint_with = [](const std::string& assignment,
                                   const std::vector<std::string>& except) {
    Demo demo;
    Table table = demo_table(demo);
    if (!assignment.empty()) table.set(assignment);
    table.finish();
    return table.fingerprint(except);
  };
  const auto base = fingerprint_with("", {});
  EXPECT_EQ(fingerprint_with("optim.lr=0.01", {}), base);  // the origin does not count
  EXPECT_EQ(fingerprint_with("train.steps=9", {}), base);  // resumable
  for (const char* assignment :
       {"optim.lr=0.02", "data.shuffle=false", "data.name=x", "data.files=a.txt", "probe.layers=1",
        "attention.mechanism=gated"}) {
    EXPECT_NE(fingerprint_with(assignment, {}), base) << assignment;
  }
  EXPECT_EQ(fingerprint_with("data.name=x", {"data."}), fingerprint_with("", {"data."}));
}

TEST(Table, FingerprintDoesNotDependOnTheOrderOfDeclaration) {
  std::int64_t a = 1;
  std::int64_t b = 2;
  Table first;
  first.add("a", a, "a");
  first.add("b", b, "b");
  Table second;
  second.add("b", b, "b");
  second.add("a", a, "a");
  EXPECT_EQ(first.fingerprint(), second.fingerprint());
}

TEST(Table, RefusesWrongDeclarations) {
  std::int64_t target = 5;
  const auto declares = [&](const std::string& key, Options options = {},
                            const std::string& help = "help") {
    Table table;
    table.add("optim.lr", target, "help");
    table.add(key, target, help, options);
  };
  for (const char* key : {"", ".", "a.", ".a", "a..b", "A", "a-b", "a b", "optim.lr", "optim",
                          "optim.lr.peak", "optim_lr"}) {
    EXPECT_THROW(declares(key), BadArgument) << key;
  }
  EXPECT_THROW(declares("a", {.range = at_least(6)}), BadArgument);
  EXPECT_THROW(declares("a", {}, ""), BadArgument);
  EXPECT_NO_THROW(declares("a", {.range = within(5, 5)}));

  Table table;
  double infinite = std::numeric_limits<double>::infinity();
  EXPECT_THROW(table.add("x", infinite, "help"), BadArgument);
  Mechanism outside = static_cast<Mechanism>(9);
  EXPECT_THROW(table.choice("m", outside, {{"sink", Mechanism::sink}}, "help"), BadArgument);
  EXPECT_THROW(table.origin("nothing"), BadArgument);
}

TEST(Range, Ends) {
  EXPECT_TRUE(at_least(1).contains(1));
  EXPECT_FALSE(above(1).contains(1));
  EXPECT_TRUE(within(0, 1).contains(1));
  EXPECT_FALSE(from_below(0, 1).contains(1));
  EXPECT_TRUE(from_below(0, 1).contains(0));
  EXPECT_FALSE(Range{}.contains(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_EQ(from_below(0, 0.5).describe(), "in [0, 0.5)");
  EXPECT_EQ((Range{.high = 3, .high_open = true}).describe(), "< 3");
  EXPECT_EQ(Range{}.describe(), "");
}

TEST(Differences, NamesTheKeys) {
  const auto found = differences(R"({"a": 1, "b": [1, 2], "c": "x", "e": 1})",
                                 R"({"a": 1.0, "b": [1, 3], "d": true, "e": 2})");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].key, "b");
  EXPECT_EQ(found[0].first, "[1,2]");
  EXPECT_EQ(found[0].second, "[1,3]");
  EXPECT_EQ(found[1].key, "c");
  EXPECT_EQ(found[1].second, "");
  EXPECT_EQ(found[2].key, "d");
  EXPECT_EQ(found[2].first, "");
  EXPECT_EQ(found[3].key, "e");
  EXPECT_TRUE(differences("{}", "{}").empty());
  EXPECT_THROW(differences("[]", "{}"), BadFile);
  EXPECT_THROW(differences("{}", "{"), BadFile);
}

}  // namespace
}  // namespace sinkwise::config::test
