#include <functional>
#include <gtest/gtest.h>
#include <random>

#include "sinkwise/core/error.h"
#include "unit/tokenizer/sample.h"

namespace sinkwise::tokenizer {
namespace {

using test::json;

json split_at(const std::string& pattern) {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"},
             {"pattern", {{"Regex", pattern}}},
             {"behavior", "Isolated"},
             {"invert", false}},
            {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
}

json token(json id, const json& content) { return {{"id", std::move(id)}, {"content", content}}; }

struct Hostile {
  const char* name;
  std::function<void(json&)> spoil;
  const char* complaint;  // part of the message
};

using J = json&;

// Every case must be refused for its own reason, so the complaint is checked as well.
const std::vector<Hostile> kCases = {
    {"NoModel", [](J j) { j.erase("model"); }, "a member 'model'"},
    {"ModelIsAList", [](J j) { j["model"] = json::array(); }, "an object"},
    {"TopIsAList", [](J j) { j = json::array({j}); }, "an object"},
    {"Unigram", [](J j) { j["model"]["type"] = "Unigram"; }, "BPE"},
    {"WordPiece", [](J j) { j["model"]["type"] = "WordPiece"; }, "BPE"},
    {"TypeIsANumber", [](J j) { j["model"]["type"] = 3; }, "a string"},
    {"NoVocabulary", [](J j) { j["model"].erase("vocab"); }, "a member 'vocab'"},
    {"VocabularyIsNull", [](J j) { j["model"]["vocab"] = nullptr; }, "an object of tokens"},
    {"VocabularyIsAList", [](J j) { j["model"]["vocab"] = {"a"}; }, "an object of tokens"},
    {"VocabularyIsAWord", [](J j) { j["model"]["vocab"] = "a"; }, "an object of tokens"},
    {"IdIsAString", [](J j) { j["model"]["vocab"]["x y"] = "7"; }, "an object of tokens"},
    {"IdIsAList", [](J j) { j["model"]["vocab"]["x y"] = {7}; }, "an object of tokens"},
    {"IdIsAFraction", [](J j) { j["model"]["vocab"]["x y"] = 7.5; }, "an object of tokens"},
    {"IdIsNegative", [](J j) { j["model"]["vocab"]["x y"] = -1; }, "an id from 0"},
    {"IdIsHuge", [](J j) { j["model"]["vocab"]["x y"] = 1'000'000'000; }, "an id from 0"},
    {"IdOver64Bits", [](J j) { j["model"]["vocab"]["x y"] = 1e19; }, "an object of tokens"},
    {"IdTwice", [](J j) { j["model"]["vocab"]["x y"] = 97; }, "each id once"},
    {"NoMerges", [](J j) { j["model"].erase("merges"); }, "a member 'merges'"},
    {"MergesAreAnObject",
     [](J j) {
       j["model"]["merges"] = {{"a", "a"}};
     },
     "a list of strings"},
    {"MergesAreNumbers", [](J j) { j["model"]["merges"] = {1}; }, "a list of strings"},
    {"MergesAreNested",
     [](J j) {
       j["model"]["merges"] = {{{"a"}, "a"}};
     },
     "a list inside a pair"},
    {"MergeOfOne", [](J j) { j["model"]["merges"] = {"aa"}; }, "one space between"},
    {"MergeOfThree", [](J j) { j["model"]["merges"] = {"a a a"}; }, "one space between"},
    {"MergeOfNothing", [](J j) { j["model"]["merges"] = {"a "}; }, "one space between"},
    {"PairOfThree",
     [](J j) {
       j["model"]["merges"] = {json::array({"a", "a", "a"})};
     },
     "a third"},
    {"PairOfOne", [](J j) { j["model"]["merges"] = {json::array({"a"})}; }, "a list of 1"},
    {"MergeOfUnknown", [](J j) { j["model"]["merges"] = {"zz a"}; }, "tokens of the vocabulary"},
    {"MergeMakesUnknown", [](J j) { j["model"]["merges"] = {"a b"}; }, "found:    'ab'"},
    {"Dropout", [](J j) { j["model"]["dropout"] = 0.1; }, "no dropout"},
    {"WordSuffix", [](J j) { j["model"]["end_of_word_suffix"] = "</w>"; }, "end_of_word_suffix"},
    {"SubwordPrefix", [](J j) { j["model"]["continuing_subword_prefix"] = "##"; }, "prefix"},
    {"IgnoreMergesIsAWord", [](J j) { j["model"]["ignore_merges"] = "yes"; }, "true or false"},
    {"AddedIsAnObject", [](J j) { j["added_tokens"] = json::object(); }, "a list"},
    {"AddedWithoutId",
     [](J j) {
       j["added_tokens"] = {{{"content", "x"}}};
     },
     "member 'id'"},
    {"AddedWithoutContent",
     [](J j) {
       j["added_tokens"] = {{{"id", 300}}};
     },
     "member 'content'"},
    {"AddedIsEmpty", [](J j) { j["added_tokens"] = {token(300, "")}; }, "1 to 512 bytes"},
    {"AddedIsLong", [](J j) { j["added_tokens"] = {token(300, std::string(513, 'x'))}; },
     "1 to 512 bytes"},
    {"AddedIdIsHuge", [](J j) { j["added_tokens"] = {token(1 << 30, "<x>")}; }, "an id from 0"},
    {"AddedIdIsNegative", [](J j) { j["added_tokens"] = {token(-5, "<x>")}; }, "an id from 0"},
    {"AddedIdOfAnother", [](J j) { j["added_tokens"] = {token(97, "<x>")}; }, "an id of its own"},
    {"AddedTwice",
     [](J j) {
       j["added_tokens"] = {token(300, "<x>"), token(301, "<x>")};
     },
     "each token once"},
    {"AddedIdTwice",
     [](J j) {
       j["added_tokens"] = {token(300, "<x>"), token(300, "<y>")};
     },
     "an id of its own"},
    {"AddedElsewhereInVocabulary", [](J j) { j["added_tokens"] = {token(300, "aa")}; },
     "the id of 'aa' in the vocabulary, 256"},
    {"FlagIsANumber",
     [](J j) {
       j["added_tokens"] = {{{"id", 300}, {"content", "x"}, {"lstrip", 1}}};
     },
     "added_tokens[0].lstrip"},
    {"Lowercase",
     [](J j) {
       j["normalizer"] = {{"type", "Lowercase"}};
     },
     "normalizer.type"},
    {"NormalizerWithoutType", [](J j) { j["normalizer"] = json::object(); }, "a member 'type'"},
    {"EmptyReplace",
     [](J j) {
       j["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "x"}};
     },
     "not empty"},
    {"Whitespace",
     [](J j) {
       j["pre_tokenizer"] = {{"type", "Whitespace"}};
     },
     "pre_tokenizer.type"},
    {"ByteLevelNotLast",
     [](J j) {
       j["pre_tokenizer"] = {
           {"type", "Sequence"},
           {"pretokenizers",
            {{{"type", "ByteLevel"}}, {{"type", "Digits"}, {"individual_digits", true}}}}};
     },
     "ByteLevel as the last"},
    {"NoPreTokenizer", [](J j) { j["pre_tokenizer"] = nullptr; }, "ByteLevel with"},
    {"NoDecoder", [](J j) { j["decoder"] = nullptr; }, "decoder"},
    {"WordPieceDecoder",
     [](J j) {
       j["decoder"] = {{"type", "WordPiece"}};
     },
     "decoder.type"},
    {"UnknownBehavior",
     [](J j) {
       j["pre_tokenizer"] = split_at("a");
       j["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Shredded";
     },
     "MergedWithPrevious"},
    {"RobertaProcessing",
     [](J j) {
       j["post_processor"] = {{"type", "RobertaProcessing"}};
     },
     "post_processor.type"},
    {"TemplateOfUnknownId",
     [](J j) {
       j["post_processor"] = {
           {"type", "TemplateProcessing"},
           {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
           {"special_tokens", {{"<s>", {{"ids", {4000}}}}}}};
     },
     "4000 is not"},
    {"TemplateWithoutText",
     [](J j) {
       j["post_processor"] = {{"type", "TemplateProcessing"},
                              {"single", json::array()},
                              {"special_tokens", json::object()}};
     },
     "one sequence"},
    {"DeepNormalizer",
     [](J j) {
       json deep = {{"type", "NFC"}};
       for (int i = 0; i < 100; ++i) deep = {{"type", "Sequence"}, {"normalizers", {deep}}};
       j["normalizer"] = deep;
     },
     "nested"},
    // Patterns
    {"WordClass", [](J j) { j["pre_tokenizer"] = split_at("\\w+"); }, "'\\w'"},
    {"WordBoundary", [](J j) { j["pre_tokenizer"] = split_at("a\\b"); }, "'\\b'"},
    {"HexClass", [](J j) { j["pre_tokenizer"] = split_at("\\h"); }, "'\\h'"},
    {"BackReference", [](J j) { j["pre_tokenizer"] = split_at("(a)\\1"); }, "'\\1'"},
    {"Recursion", [](J j) { j["pre_tokenizer"] = split_at("(a(?R)?b)"); }, "(?R)"},
    {"Callout", [](J j) { j["pre_tokenizer"] = split_at("a(?C1)b"); }, "(?C1"},
    {"Verb", [](J j) { j["pre_tokenizer"] = split_at("(*LIMIT_MATCH=1)a"); }, "(*LI"},
    {"Intersection", [](J j) { j["pre_tokenizer"] = split_at("[\\p{L}&&[a-z]]"); }, "'&&'"},
    {"NestedSet", [](J j) { j["pre_tokenizer"] = split_at("[a[bc]]"); }, "'[b'"},
    {"EmptySet", [](J j) { j["pre_tokenizer"] = split_at("[]a]"); }, "'[]'"},
    {"OpenSet", [](J j) { j["pre_tokenizer"] = split_at("[abc"); }, "a set that ends"},
    {"OpenGroup", [](J j) { j["pre_tokenizer"] = split_at("(abc"); }, "cannot be compiled"},
    {"BarePossessive", [](J j) { j["pre_tokenizer"] = split_at("a{1,3}+"); }, "'{1,3}+'"},
    {"HugeCount", [](J j) { j["pre_tokenizer"] = split_at("a{60000}"); }, "at most 1000"},
    {"HugeProgram",
     [](J j) { j["pre_tokenizer"] = split_at("(?:(?:(?:a{1000}){1000}){1000}){1000}"); },
     "cannot be compiled"},
    {"LongPattern", [](J j) { j["pre_tokenizer"] = split_at(std::string(10'001, 'a')); },
     "at most 10000 bytes"},
    {"DeepGroups",
     [](J j) {
       j["pre_tokenizer"] = split_at(std::string(4000, '(') + "a" + std::string(4000, ')'));
     },
     "cannot be compiled"},
    {"UnknownProperty", [](J j) { j["pre_tokenizer"] = split_at("\\p{Klingon}"); },
     "cannot be compiled"},
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

// The error of `action`, whose fields must all help; none when it is accepted.
std::string complaint_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    const ErrorText& text = error.text();
    EXPECT_TRUE(error.fault() == Fault::bad_file || error.fault() == Fault::unsupported);
    EXPECT_FALSE(text.where.empty() || text.expected.empty() || text.found.empty() ||
                 text.next.empty())
        << error.what();
    return error.what();
  }
  return {};
}

class HostileFile : public testing::TestWithParam<Hostile> {};

TEST_P(HostileFile, IsRefusedWithPlaceAndReason) {
  json content = test::byte_level_json();
  GetParam().spoil(content);
  const std::string complaint = complaint_of([&] { test::load_json(content); });
  EXPECT_NE(complaint.find("tokenizer.json"), std::string::npos) << complaint;
  EXPECT_NE(complaint.find(GetParam().complaint), std::string::npos) << complaint;
}

INSTANTIATE_TEST_SUITE_P(Cases, HostileFile, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(HostileText, IsRefused) {
  const std::string good = test::byte_level_json().dump();
  ASSERT_EQ(complaint_of([&] { test::load_text(good); }), "");
  for (const std::string& text :
       {std::string(), std::string("{"), good + "x", std::string(100'000, '['), "\xff" + good,
        std::string(R"({"model":{"vocab":{"a":1,"a":2},"merges":[]}})"),
        std::string("{\"model\":{\"vocab\":{\"\xff\":1},\"merges\":[]}}"),
        std::string(R"({"model":{"vocab":{"\ud800":1},"merges":[]}})"),
        std::string(R"({"model":{"vocab":{}},"model":{"vocab":{}}})")}) {
    EXPECT_NE(complaint_of([&] { test::load_text(text); }), "") << text.substr(0, 60);
  }
}

TEST(HostileText, EveryTruncationIsRefused) {
  const std::string good = test::byte_level_json().dump();
  for (std::size_t size = 0; size < good.size(); size += 7) {
    EXPECT_NE(complaint_of([&] { test::load_text(good.substr(0, size)); }), "") << size;
  }
}

// Whatever is accepted must then encode and decode without harm.
TEST(HostileText, RandomDamageNeverDoesWorseThanAnError) {
  const std::string good = test::byte_level_json().dump();
  std::mt19937 random(5);
  for (int i = 0; i < 1500; ++i) {
    std::string damaged = good;
    for (auto edits = 1 + random() % 3; edits > 0; --edits) {
      damaged[random() % damaged.size()] = static_cast<char>(32 + random() % 95);
    }
    try {
      const Tokenizer tokenizer = test::load_text(damaged);
      tokenizer.decode(tokenizer.encode("aaaa b\n\u20ac 12 <s>"));
    } catch (const Error&) {
    }
  }
}

TEST(HostileText, AFileOfAGigabyteIsRefused) {
  const sinkwise::test::TemporaryDirectory directory;
  const auto path = directory.path() / "tokenizer.json";
  test::write(path, "{}");
  std::filesystem::resize_file(path, std::uint64_t{1} << 30);  // a hole, no bytes on the disk
  EXPECT_NE(complaint_of([&] { Tokenizer::load(path); }).find("too long"), std::string::npos);
}

TEST(HostileFolder, WithoutTokenizerIsRefused) {
  const sinkwise::test::TemporaryDirectory directory;
  EXPECT_NE(complaint_of([&] { Tokenizer::load(directory.path()); }), "");
  EXPECT_NE(complaint_of([&] { Tokenizer::load(directory.path() / "none"); }), "");
  EXPECT_NE(complaint_of([&] { Tokenizer::load(directory.path() / "tokenizer.json"); }), "");
  test::write(directory.path() / "vocab.json", "{}");
  EXPECT_NE(complaint_of([&] { Tokenizer::load(directory.path()); }).find("merges.txt"),
            std::string::npos);
}

Tokenizer with_pattern(const std::string& pattern) {
  json content = test::byte_level_json();
  content["pre_tokenizer"] = split_at(pattern);
  return test::load_json(content);
}

// Each would run for hours or longer: exponential, quadratic by starts, by scans, within
// assertions.
TEST(CatastrophicPattern, EndsInAnError) {
  const std::string letters(1'000'000, 'a');
  for (const char* pattern : {"(a+)+!", "(?:a|aa)+!", "a*!", "a*+!", "(?=a*!)a", "(?<=b)a|a+!"}) {
    const Tokenizer tokenizer = with_pattern(pattern);
    const std::string complaint = complaint_of([&] { tokenizer.encode(letters); });
    EXPECT_NE(complaint.find("too costly"), std::string::npos) << pattern << "\n" << complaint;
    EXPECT_EQ(tokenizer.encode("aaaa!").back(), '!') << pattern;
  }
}

TEST(CatastrophicPattern, EndsInAnErrorOnAShortTextToo) {
  const Tokenizer tokenizer = with_pattern("(?:a?){1000}a{1000}!");
  EXPECT_NE(complaint_of([&] { tokenizer.encode("aaaa!"); }).find("too costly"), std::string::npos);
}

}  // namespace
}  // namespace sinkwise::tokenizer
