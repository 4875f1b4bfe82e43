#include "sinkwise/finetune/documents.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"
#include "unit/pretrained/fixtures.h"

namespace sinkwise::finetune {
namespace {

using nlohmann::json;

class Documents : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content) const {
    const auto path = directory_.path() / name;
    std::ofstream(path) << content;
    return path.string();
  }

  std::vector<data::Document> read(const std::string& path) const {
    return read_documents({path}, tokenizer_, [] { return DialogueTemplate{}; });
  }

  std::string text_of(const data::Document& document, bool asked_only = false) const {
    std::string text;
    for (std::size_t i = 0; i < document.tokens.size(); ++i) {
      const bool asked = document.asked.empty() || document.asked[i] != 0;
      if (asked || !asked_only) text += *tokenizer_.bytes(document.tokens[i]);
    }
    return text;
  }

  std::string refusal(const std::string& path) const {
    try {
      read(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  tokenizer::Tokenizer tokenizer_ =
      tokenizer::Tokenizer::load(test::pretrained_fixtures() / "../tokenizer/smollm");

 private:
  test::TemporaryDirectory directory_;
};

TEST_F(Documents, ATextFileIsOneDocument) {
  const auto documents = read(file("a.txt", "one\ntwo\n"));
  ASSERT_EQ(documents.size(), 1u);
  EXPECT_EQ(text_of(documents[0]), "one\ntwo\n");
  std::uint32_t bytes = 0;
  for (const auto n : documents[0].bytes) bytes += n;
  EXPECT_EQ(bytes, 8u);
}

TEST_F(Documents, JsonLinesHoldTextsAndDialogues) {
  const auto documents =
      read(file("a.jsonl",
                "{\"text\": \"first\"}\n\n{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
                " {\"role\": \"assistant\", \"content\": \" long answer\"}]}\n"));
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(text_of(documents[0]), "first");
  EXPECT_EQ(text_of(documents[1]),
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n long answer<|im_end|>\n");
  // A token that reaches over the border belongs to where it begins: the fixture's merges have
  // none across a line break.
  EXPECT_EQ(text_of(documents[1], true), " long answer<|im_end|>");
}

TEST_F(Documents, SegmentsAreADialogueThatIsTextAlready) {
  const auto documents = read(file("a.jsonl", R"({"segments": [)"
                                              R"({"text": "<|begin|>user\nq", "label": false},)"
                                              R"({"text": "<|end|>\n", "label": false},)"
                                              R"({"text": "an answer<|end|>", "label": true}]})"
                                              "\n"
                                              R"({"text": "<|begin|>"})"));
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(text_of(documents[0]), "<|begin|>user\nq<|end|>\nan answer<|end|>");
  EXPECT_EQ(text_of(documents[0], true), "an answer<|end|>");
  EXPECT_EQ(documents[0].bytes.front(), 9u);  // <|begin|> is a token here,
  EXPECT_GT(documents[1].tokens.size(), 1u);  // and characters in a text
}

// Llama 2's kind puts a space behind every special token, and Qwen's composes characters: the bytes
// of tokens are not those of the template's text.
TEST_F(Documents, AssistantsAreFoundWhateverTheTokenizerDoesToTheText) {
  const std::string line =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"cafe\\u0301 naive\\u0308te\"},"
      " {\"role\": \"assistant\", \"content\": \"Yes\"}, {\"role\": \"user\", \"content\":"
      " \"e\\u0301e\\u0301e\\u0301\"}, {\"role\": \"assistant\", \"content\": \"No\"},"
      " {\"role\": \"user\", \"content\": \"and\"}, {\"role\": \"assistant\", \"content\":"
      " \"Go\"}]}\n";
  struct Case {
    const char* fixture;
    DialogueTemplate dialogue;
    const char* end;
  };
  const Case cases[] = {{"qwen2", {Layout::chatml, "", "", ""}, "<|im_end|>"},
                        {"llama2", {Layout::zephyr, "", "", "</s>"}, "</s>"},
                        {"llama2", {Layout::mistral, "", "<s>", "</s>"}, "</s>"},
                        {"smollm", {Layout::chatml, "", "", ""}, "<|im_end|>"}};
  for (const Case& one : cases) {
    tokenizer_ =
        tokenizer::Tokenizer::load(test::pretrained_fixtures() / "../tokenizer" / one.fixture);
    const auto documents =
        read_documents({file("talk.jsonl", line)}, tokenizer_, [&] { return one.dialogue; });
    ASSERT_EQ(documents.size(), 1u);
    std::string asked = text_of(documents[0], true);
    std::erase(asked, ' ');  // what a template or a normaliser puts around an answer
    const std::string end = one.end;
    EXPECT_EQ(asked, "Yes" + end + "No" + end + "Go" + end) << one.fixture;
  }
}

// A turn ends where the tokens of everything up to its end do, said by one encoding a turn.
TEST_F(Documents, ALongDialogueIsMarkedAsItsTurnsOneByOneAre) {
  for (const char* fixture : {"smollm", "qwen2", "llama2"}) {
    tokenizer_ = tokenizer::Tokenizer::load(test::pretrained_fixtures() / "../tokenizer" / fixture);
    const std::string control = fixture == std::string("llama2") ? "</s>" : "<|end|>";
    json segments = json::array();
    for (int i = 0; i < 12; ++i) {
      segments.push_back(
          {{"text", i % 3 == 0 ? control + "user " : "cafe\u0301 "}, {"label", false}});
      segments.push_back(
          {{"text", i % 2 == 0 ? "an answer" : "\u4e2d\u6587 e\u0301"}, {"label", true}});
    }
    std::string text;
    std::vector<std::size_t> ends;
    const auto tokens_of = [&](const std::string& of) {
      return tokenizer_.encode(
          of, {.special_text = tokenizer::SpecialText::control, .add_special = false});
    };
    for (const json& segment : segments) {
      text += segment["text"].get<std::string>();
      std::size_t bytes = 0;
      for (const auto id : tokens_of(text)) bytes += tokenizer_.bytes(id)->size();
      ends.push_back(bytes);
    }
    const auto document =
        read(file("long.jsonl", json{{"segments", segments}}.dump() + "\n")).at(0);
    EXPECT_EQ(document.tokens, tokens_of(text)) << fixture;
    std::size_t at = 0, turn = 0;
    for (std::size_t i = 0; i < document.tokens.size(); ++i) {
      while (at >= ends[turn]) ++turn;
      EXPECT_EQ(document.asked[i], turn % 2) << fixture << ", token " << i;
      at += document.bytes[i];
    }
  }
}

TEST_F(Documents, EveryRefusalNamesFileAndLine) {
  const auto line_two = [&](const std::string& line) {
    return refusal(file("bad.jsonl", "{\"text\": \"good\"}\n" + line + "\n"));
  };
  for (const char* line :
       {"{\"text\": ", "[1]", "{\"txt\": \"a\"}", "{\"text\": 5}", "{\"messages\": []}",
        "{\"messages\": [{\"role\": \"user\"}]}", "{\"messages\": [3]}",
        "{\"messages\": {\"role\": \"user\"}}", "{\"segments\": []}",
        "{\"segments\": [{\"text\": \"a\"}]}", "{\"segments\": [{\"text\": \"a\", \"label\": 1}]}",
        "{\"segments\": [\"a\"]}", "{\"text\": \"a\", \"segments\": []}"}) {
    const std::string message = line_two(line);
    EXPECT_NE(message.find("bad.jsonl, line 2"), std::string::npos) << line << ": " << message;
  }
  EXPECT_NE(refusal(file("empty.txt", "")).find("encodes to nothing"), std::string::npos);
  EXPECT_NE(refusal(file("blank.jsonl", "\n\n")).find("encodes to nothing"), std::string::npos);
  EXPECT_NE(refusal("/no/such/file"), "");
  EXPECT_NE(refusal(file("rows.json", "{}")).find("*.jsonl"), std::string::npos);
  EXPECT_NE(refusal(file("other.txt", "a\xff")).find("other.txt"), std::string::npos);
}

}  // namespace
}  // namespace sinkwise::finetune
