#include <cstdlib>
#include <gtest/gtest.h>

#include "unit/tokenizer/sample.h"

namespace sinkwise::tokenizer {
namespace {

namespace fs = std::filesystem;
using test::json;
using Ids = std::vector<TokenId>;

// Published tokenizers and ids from other libraries, in the folder $SINKWISE_DATA:
// tokenizers/parity_vectors.jsonl, tokenizers/NAME, models/tok512.bin.
class Published : public testing::Test {
 protected:
  void SetUp() override {
    const char* const root = std::getenv("SINKWISE_DATA");
    if (root == nullptr) GTEST_SKIP() << "SINKWISE_DATA names no folder with published tokenizers";
    root_ = root;
  }

  fs::path need(const fs::path& name) const {
    return fs::exists(root_ / name) ? root_ / name : fs::path();
  }

  // The folder of a tokenizer, unpacked where it is packed; empty when there is none.
  fs::path folder(const std::string& name) {
    const fs::path source = need(fs::path("tokenizers") / name);
    if (source.empty() || !fs::exists(source / "tokenizer.json.xz")) return source;
    const std::string command = "xz -dc '" + (source / "tokenizer.json.xz").string() + "' > '" +
                                (unpacked_.path() / "tokenizer.json").string() + "'";
    if (std::system(command.c_str()) != 0) return {};
    fs::copy(source / "tokenizer_config.json", unpacked_.path() / "tokenizer_config.json");
    return unpacked_.path();
  }

  void check(const std::string& name, const std::string& column, SpecialText special_text) {
    const fs::path path = folder(name);
    const fs::path vectors = need("tokenizers/parity_vectors.jsonl");
    if (path.empty() || vectors.empty()) GTEST_SKIP() << "no " << name << " or no vectors";
    const Tokenizer tokenizer = Tokenizer::load(path);
    const auto rows = test::read_lines(vectors);
    EXPECT_GE(rows.size(), 30u);
    for (const json& row : rows) {
      const auto text = row["text"].get<std::string>();
      const Ids ids = tokenizer.encode(text, {.special_text = special_text});
      EXPECT_EQ(ids, row["ids"][column].get<Ids>()) << row["text"];
      if (name != "qwen3") {
        EXPECT_EQ(tokenizer.decode(ids), text);
      }
    }
  }

  fs::path root_;
  sinkwise::test::TemporaryDirectory unpacked_;
};

TEST_F(Published, Gpt2) { check("gpt2", "gpt2", SpecialText::plain); }
TEST_F(Published, Qwen3) { check("qwen3", "hf_qwen3", SpecialText::control); }
TEST_F(Published, GptOss) { check("gpt-oss", "hf_gptoss", SpecialText::control); }
TEST_F(Published, GptOssPlainText) { check("gpt-oss", "o200k_base", SpecialText::plain); }
TEST_F(Published, Llama3) { check("llama3", "hf_llama3", SpecialText::control); }

TEST_F(Published, Stories260K) {
  const fs::path path = need("models/tok512.bin");
  const fs::path reference = need("models/stories260K_reference.json");
  if (path.empty() || reference.empty()) GTEST_SKIP() << "no tok512.bin or no reference";
  std::ifstream file(reference);
  const json expected = json::parse(file);
  const Ids ids = expected["ids"].get<Ids>();
  const Tokenizer tokenizer = Tokenizer::load(path);
  EXPECT_EQ(tokenizer.vocabulary_size(), 512);
  const std::string text = tokenizer.decode(ids, {.skip_special = true});
  EXPECT_EQ(text.substr(0, 17), "Once upon a time,");
  EXPECT_EQ(tokenizer.encode(text), ids);
}

}  // namespace
}  // namespace sinkwise::tokenizer
