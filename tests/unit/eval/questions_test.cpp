#include "sinkwise/eval/questions.h"

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/eval/sets.h"

namespace sinkwise::eval {
namespace {

using test::Sets;

// The only question of a file of one row.
Question read_one(const std::string& task, const std::string& row) {
  const Sets sets;
  const auto questions = read_questions(format_of(task), sets.write("rows.jsonl", row), 0);
  EXPECT_EQ(questions.size(), 1u);
  return questions.at(0);
}

void expect_requests(const Question& question,
                     const std::vector<std::pair<std::string, std::string>>& expected) {
  ASSERT_EQ(question.requests.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(question.requests[i].context, expected[i].first);
    EXPECT_EQ(question.requests[i].continuation, expected[i].second);
  }
}

std::string message_of(const std::string& task, const std::string& content) {
  const Sets sets;
  try {
    read_questions(format_of(task), sets.write("rows.jsonl", content), 0);
  } catch (const BadFile& error) {
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << content;
  return "";
}

TEST(Questions, MultipleChoiceAsItIs) {
  const auto question = read_one(
      "multiple_choice", R"({"ctx": "The sky is", "endings": ["blue", "gr\u00fcn"], "label": 1})");
  expect_requests(question, {{"The sky is", " blue"}, {"The sky is", " gr\u00FCn"}});
  EXPECT_EQ(question.label, 1u);
  EXPECT_EQ(question.lengths, (std::vector<std::int64_t>{4, 4}));  // characters
}

TEST(Questions, HellaSwagIsCleanedAsTheHarnessDoes) {
  const auto question = read_one(
      "hellaswag",
      R"({"ctx": " Baking: How to bake [title] Mix [step] it [x", "endings": ["a  b [header] c", "d"], "label": 0})");
  expect_requests(question, {{"Baking: How to bake. Mix it [x", " a b c"},
                             {"Baking: How to bake. Mix it [x", " d"}});
  EXPECT_EQ(question.lengths, (std::vector<std::int64_t>{5, 1}));
}

TEST(Questions, PublishedHellaSwagCapitalisesItsSecondPart) {
  const auto question = read_one(
      "hellaswag",
      R"({"activity_label": "Clean and jerk", "ctx_a": "A lady walks.", "ctx_b": "the Lady", "ctx": "x", "endings": ["a", "b"], "label": "1"})");
  expect_requests(question, {{"Clean and jerk: A lady walks. The lady", " a"},
                             {"Clean and jerk: A lady walks. The lady", " b"}});
  EXPECT_EQ(question.label, 1u);
}

TEST(Questions, ArcInThreeLayouts) {
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"Question: Why?\nAnswer:", " one"},
      {"Question: Why?\nAnswer:", " two"},
      {"Question: Why?\nAnswer:", " three"}};
  for (
      const char* row :
      {R"({"ctx": "Why?", "endings": ["one", "two", "three"], "label": 2})",
       R"({"question": {"stem": "Why?", "choices": [{"text": "one", "label": "1"}, {"text": "two", "label": "2"}, {"text": "three", "label": "3"}]}, "answerKey": "3"})",
       R"({"question": "Why?", "choices": {"text": ["one", "two", "three"], "label": ["A", "B", "C"]}, "answerKey": "C"})"}) {
    for (const char* task : {"arc_easy", "arc_challenge"}) {
      const auto question = read_one(task, row);
      expect_requests(question, expected);
      EXPECT_EQ(question.label, 2u) << row;
    }
  }
}

TEST(Questions, OpenBookHasNoQuestionInFront) {
  for (
      const char* row :
      {R"({"ctx": "Fog is in", "endings": ["a marsh", "a desert"], "label": 0})",
       R"({"question": {"stem": "Fog is in", "choices": [{"text": "a marsh", "label": "A"}, {"text": "a desert", "label": "B"}]}, "answerKey": " A"})",
       R"({"question_stem": "Fog is in", "choices": {"text": ["a marsh", "a desert"], "label": ["A", "B"]}, "answerKey": "A"})"}) {
    const auto question = read_one("openbookqa", row);
    expect_requests(question, {{"Fog is in", " a marsh"}, {"Fog is in", " a desert"}});
    EXPECT_EQ(question.label, 0u);
  }
}

TEST(Questions, PiqaInTwoLayouts) {
  for (const char* row : {R"({"ctx": "dresser", "endings": ["pin", "wood"], "label": 1})",
                          R"({"goal": "dresser", "sol1": "pin", "sol2": "wood", "label": 1})"}) {
    const auto question = read_one("piqa", row);
    expect_requests(question, {{"Question: dresser\nAnswer:", " pin"},
                               {"Question: dresser\nAnswer:", " wood"}});
    EXPECT_EQ(question.label, 1u);
  }
}

TEST(Questions, WinoGrandeScoresTheEndAfterEachBeginning) {
  for (
      const char* row :
      {R"({"sentence": "Ann met Eve so _ went.", "options": ["Ann", "Eve"], "label": 1})",
       R"({"sentence": "Ann met Eve so _ went.", "option1": "Ann", "option2": "Eve", "answer": "2"})"}) {
    const auto question = read_one("winogrande", row);
    expect_requests(question, {{"Ann met Eve so Ann", " went."}, {"Ann met Eve so Eve", " went."}});
    EXPECT_EQ(question.label, 1u);
  }
}

TEST(Questions, BlimpHasNoContextAndAGroup) {
  for (const char* row :
       {R"({"uid": "island", "good": "Who left?", "bad": "Left who?"})",
        R"({"UID": "island", "sentence_good": "Who left?", "sentence_bad": "Left who?"})"}) {
    const auto question = read_one("blimp", row);
    expect_requests(question, {{"", " Who left?"}, {"", " Left who?"}});
    EXPECT_EQ(question.group, "island");
    EXPECT_EQ(question.label, 0u);
  }
}

TEST(Questions, LambadaTakesTheLastWord) {
  for (const char* row :
       {R"({"ctx": "I gave her a", "target": " ring"})", R"({"text": "I gave her a ring"})"}) {
    expect_requests(read_one("lambada", row), {{"I gave her a", " ring"}});
  }
}

TEST(Questions, LimitBlankLinesAndLineNumbers) {
  const Sets sets;
  const std::string row = R"({"text": "a b"})";
  const auto file = sets.write("rows.jsonl", row + "\n\n  \r\n" + row + "\r\n" + row);
  const auto all = read_questions(format_of("lambada"), file, 0);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].line, 4);
  EXPECT_EQ(read_questions(format_of("lambada"), file, 2).size(), 2u);
}

TEST(Questions, WhatIsWrongIsNamedWithFileLineAndMember) {
  const std::string good = R"({"ctx": "a", "endings": ["b", "c"], "label": 0})"
                           "\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"ctx": "a", "endings": ["b", "c"]})", "\"label\""},
      {R"({"ctx": "a", "endings": ["b", "c"], "label": 2})", "from 0 to 1"},
      {R"({"ctx": "a", "endings": ["b", "c"], "label": -1})", "\"label\""},
      {R"({"ctx": "a", "endings": ["b", "c"], "label": "1x"})", "1x"},
      {R"({"ctx": "a", "endings": ["b", "c"], "label": 1.5})", "\"label\""},
      {R"({"ctx": "a", "endings": ["b", "c"], "label": 18446744073709551615})", "\"label\""},
      {R"({"ctx": "a", "endings": ["b", 3], "label": 0})", "\"endings\""},
      {R"({"ctx": "a", "endings": ["b"], "label": 0})", "2 to 64"},
      {R"({"ctx": ["a"], "endings": ["b", "c"], "label": 0})", "\"ctx\""},
      {R"(["a"])", "object"},
      {R"({"ctx": "a", )", "JSON"},
      {"{\"ctx\": \"\xff\"}", "JSON"},
  };
  for (const auto& [row, said] : cases) {
    const std::string message = message_of("multiple_choice", good + row + "\n");
    EXPECT_NE(message.find(said), std::string::npos) << row << '\n' << message;
    EXPECT_NE(message.find("rows.jsonl, line 2"), std::string::npos) << message;
  }
}

TEST(Questions, MembersInsideAreNamedToo) {
  EXPECT_NE(
      message_of("arc_easy",
                 R"({"question": {"stem": "q", "choices": [{"text": "a"}]}, "answerKey": "A"})")
          .find("in \"choices\", member \"label\""),
      std::string::npos);
  EXPECT_NE(
      message_of(
          "arc_easy",
          R"({"question": {"stem": "q", "choices": [{"text": "a", "label": "A"}, {"text": "b", "label": "B"}]}, "answerKey": "C"})")
          .find("one of A, B"),
      std::string::npos);
  EXPECT_NE(
      message_of("winogrande", R"({"sentence": "no blank", "options": ["a", "b"], "label": 0})")
          .find("a text with _"),
      std::string::npos);
  EXPECT_NE(message_of("lambada", R"({"text": "word"})").find("two words"), std::string::npos);
}

TEST(Questions, NoRowsNoFileAndFolders) {
  for (const char* content : {"", "\n \n"}) {
    EXPECT_NE(message_of("lambada", content).find("no rows"), std::string::npos);
  }
  const Sets sets;
  EXPECT_THROW(read_questions(format_of("lambada"), sets.path(), 0), BadFile);
  EXPECT_THROW(read_questions(format_of("lambada"), sets.path() / "none", 0), BadFile);
}

// Quadratic time would take hours here.
TEST(Questions, ALongRowOfBracketsOrSpacesIsRead) {
  const std::string many(1 << 20, '['), spaces = "a" + std::string(1 << 20, ' ') + "b";
  EXPECT_EQ(read_one("hellaswag",
                     "{\"ctx\": \"" + spaces + "\", \"endings\": [\"a\", \"b\"], \"label\": 0}")
                .requests[0]
                .context.size(),
            2u + (1 << 19));
  const auto question = read_one(
      "hellaswag", "{\"ctx\": \"" + many + "\", \"endings\": [\"a\", \"b\"], \"label\": 0}");
  EXPECT_EQ(question.requests[0].context, many);
}

TEST(Questions, AnUnknownTaskNamesTheNearest) {
  try {
    format_of("hellasawg");
    FAIL();
  } catch (const BadConfig& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean hellaswag?"), std::string::npos);
  }
}

}  // namespace
}  // namespace sinkwise::eval
