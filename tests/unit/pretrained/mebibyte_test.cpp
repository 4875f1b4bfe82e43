// Any file of 1 MiB is accepted or refused within a second and 64 MiB, whichever reader it is for.
#include <concepts>
#include <fstream>
#include <gtest/gtest.h>
#include <malloc.h>

#include "sinkwise/core/clock.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/pretrained/model.h"
#include "sinkwise/tokenizer/tokenizer.h"
#include "sinkwise/weights/weights.h"
#include "unit/core/temporary_directory.h"
#include "unit/pretrained/fixtures.h"
#include "unit/weights/gguf_bytes.h"

namespace sinkwise::pretrained {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
// A second alone; three on a busy machine. A sanitizer keeps what was freed and slows all down.
#if defined(__SANITIZE_ADDRESS__)
constexpr double kSeconds = 15.0;
constexpr long kKibibytes = 1 << 20;
#else
constexpr double kSeconds = 3.0;
constexpr long kKibibytes = 64 << 10;
#endif

// A line of /proc/self/status, such as VmRSS, in KiB.
long memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == name + ":") return status >> word, std::stol(word);
  }
  return -1;
}

// `piece` repeated to a mebibyte in all, between `before` and `after`.
std::string filled(const std::string& before, const std::string& piece, const std::string& after) {
  std::string text = before;
  while (text.size() + piece.size() + after.size() <= kMebibyte) text += piece;
  return text + after;
}

// The same of pieces that differ.
template <std::invocable<std::size_t> Piece>
std::string filled(const std::string& before, Piece piece, const std::string& after) {
  std::string text = before;
  for (std::size_t i = 0;; ++i) {
    const std::string next = piece(i);
    if (text.size() + next.size() + after.size() > kMebibyte) return text + after;
    text += next;
  }
}

std::string key_of(std::size_t i) { return concat(i > 0 ? "," : "", "\"", i, "\":"); }

// Texts that are JSON, or nearly.
std::vector<std::string> texts() {
  std::vector<std::string> all;
  for (const char* byte : {"[", "{", "\"", " ", "0", "9", "-", "\\", "\xff", "a", "\n", ","}) {
    all.push_back(filled("", byte, ""));
  }
  for (const char* piece : {"{\"a\":", "[[", "[{", "\\u0061", "\"a\":1,"}) {
    all.push_back(filled("", piece, ""));
    all.push_back(filled("{", piece, ""));
  }
  all.push_back(filled("{\"model_type\":\"", "x", "\"}"));
  all.push_back(filled("{\"model_type\":\"llama\",\"vocab_size\":", "9", "}"));
  all.push_back(filled("{\"model_type\":\"llama\",\"vocab_size\":0.", "9", "}"));
  all.push_back(filled(
      "{", [](std::size_t i) { return key_of(i) + "0"; }, "}"));
  all.push_back(filled(
      "{", [](std::size_t i) { return key_of(i) + "[]"; }, "}"));
  all.push_back(filled(
      "{", [](std::size_t i) { return key_of(i) + "{}"; }, "}"));
  return all;
}

class Mebibyte : public testing::Test {
 protected:
  // `use` reads what it is given in a file of this name, and says no or yes within the promise.
  template <typename Use>
  void expect_an_answer(const std::string& name, const std::string& bytes, Use use) {
    SCOPED_TRACE(concat(name, ": ", printable(bytes.substr(0, 60)), "..."));
    ASSERT_LE(bytes.size(), kMebibyte);
    const fs::path path = directory_.path() / name;
    fs::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak counts from here
    const long before = memory("VmRSS");
    const auto began = Clock::now();
    try {
      use(path);
    } catch (const Error& error) {
      EXPECT_NE(error.fault(), Fault::internal) << error.what();
      EXPECT_LT(std::string(error.what()).size(), 32'200U);
    }
    EXPECT_LT(seconds_since(began), kSeconds);
    EXPECT_LT(memory("VmHWM") - before, kKibibytes);
  }

  void expect_config_answered(const std::string& fixture, const std::string& text) {
    const fs::path weights = directory_.path() / "model.safetensors";
    fs::copy_file(test::pretrained_fixtures() / fixture / "model.safetensors", weights,
                  fs::copy_options::overwrite_existing);
    expect_an_answer("config.json", text, [&](const fs::path&) { Model::open(weights); });
  }

  void expect_tokenizer_answered(const std::string& text) {
    expect_an_answer("tokenizer.json", text,
                     [](const fs::path& path) { tokenizer::Tokenizer::load(path); });
  }

  void expect_weights_answered(const std::string& name, const std::string& bytes) {
    expect_an_answer(name, bytes, [&](const fs::path& path) {
      weights::Weights::open(name.ends_with("index.json") ? path.parent_path() : path);
    });
  }

  test::TemporaryDirectory directory_;
};

TEST_F(Mebibyte, OfJsonForEachReader) {
  for (const std::string& text : texts()) {
    expect_config_answered("llama", text);
    expect_tokenizer_answered(text);
    fs::remove(directory_.path() / "model.safetensors");
    expect_weights_answered("model.safetensors.index.json", text);
    fs::remove(directory_.path() / "model.safetensors.index.json");
  }
}

// The configuration of a fixture with the largest lists and numbers of layers that fit.
TEST_F(Mebibyte, OfConfiguration) {
  for (const char* fixture : {"gemma3", "gpt2", "gpt_neox", "gpt_oss", "llama", "qwen3_next"}) {
    auto config = test::read_json(test::pretrained_fixtures() / fixture / "config.json");
    for (const char* layers : {"num_hidden_layers", "n_layer"}) {
      if (config.contains(layers)) config[layers] = 4096;
    }
    config.erase("layer_types");
    for (const char* list : {"layer_types", "mlp_only_layers", "rope_parameters", "text_config"}) {
      const bool words = std::string(list) == "layer_types";
      auto other = config;
      other.erase(list);
      std::string text = other.dump();
      text.back() = ',';
      text += concat("\"", list, "\":[", words ? "\"full_attention\"" : "5");
      expect_config_answered(fixture, filled(text, words ? ",\"full_attention\"" : ",5", "]}"));
    }
  }
}

TEST_F(Mebibyte, OfTokenizer) {
  const std::string model = R"({"model":{"type":"BPE","merges":[],"vocab":{)";
  expect_tokenizer_answered(filled(
      model, [](std::size_t i) { return concat(key_of(i), i); }, "}}}"));
  expect_tokenizer_answered(filled(
      model, [](std::size_t i) { return key_of(i) + "16000000"; }, "}}}"));
  expect_tokenizer_answered(filled(
      R"({"model":{"type":"BPE","vocab":{"a":0,"aa":1},"merges":["a a")", R"(,"a a")", "]}}"));
  expect_tokenizer_answered(filled(
      R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"added_tokens":[{"id":1,"content":"b"})",
      [](std::size_t i) { return concat(R"(,{"id":)", i + 2, R"(,"content":"<)", i, ">\"}"); },
      "]}"));
  const std::string split =
      R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split",)"
      R"("behavior":"Isolated","invert":false,"pattern":{"Regex":")";
  for (const char* piece :
       {"a", "(", "(a|", "[a-z]", "a*", "(a*)*", "\\\\p{L}", ".{1,9}", "(?:a{9}){9}"}) {
    expect_tokenizer_answered(filled(split, piece, "\"}}}"));
  }
  expect_tokenizer_answered(filled(
      R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"})",
      R"(,{"type":"NFC"})", "]}}"));
}

TEST_F(Mebibyte, OfIndex) {
  expect_weights_answered(
      "model.safetensors.index.json",
      filled(R"({"weight_map":{)", [](std::size_t i) { return concat(key_of(i), "\"", i, "\""); },
             "}}"));
}

TEST_F(Mebibyte, OfSafetensors) {
  const auto file = [](const std::string& header) {
    return test::raw<std::uint64_t>(header.size()) + header;
  };
  const auto shorter = [](std::string text) { return text.resize(text.size() - 8), text; };
  for (const std::string& text : texts()) expect_weights_answered("x", file(shorter(text)));
  const auto entry = [](std::size_t i) {
    return key_of(i) + R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  };
  std::string header = filled("{        ", entry, "}");
  expect_weights_answered("x", file(header.erase(1, 8)));
  header = filled(R"({        "a":{"dtype":"F32","data_offsets":[0,0],"shape":[0)", ",0", "]}}");
  expect_weights_answered("x", file(header.erase(1, 8)));
}

TEST_F(Mebibyte, OfGguf) {
  using test::gguf_array, test::gguf_key, test::gguf_start, test::gguf_string, test::raw;
  constexpr std::uint32_t kU8 = 0, kString = 8, kArray = 9;
  const auto entries = [](const std::string& bytes, bool tensors) {
    const auto piece = [&](std::size_t i) {
      return tensors ? test::gguf_tensor(std::to_string(i), {0}, 0, 0)
                     : gguf_key(std::to_string(i), kU8, raw<std::uint8_t>(1));
    };
    std::size_t count = 0;
    std::string all = filled(
        bytes, [&](std::size_t i) { return count = i, piece(i); }, "");
    return gguf_start(tensors ? count : 0, tensors ? 0 : count) + all.substr(24);
  };
  const std::string start = gguf_start(0, 0);
  expect_weights_answered("x", entries(start, true));
  expect_weights_answered("x", entries(start, false));
  // Arrays that hold nothing but arrays, empty strings and bytes.
  const std::string key = gguf_start(0, 1) + gguf_string("k") + raw(kArray);
  const std::size_t room = kMebibyte - key.size() - 12;
  expect_weights_answered(
      "x", key + raw(kString) + raw<std::uint64_t>(room / 8) + std::string(room / 8 * 8, '\0'));
  expect_weights_answered("x", key + raw(kU8) + raw<std::uint64_t>(room) + std::string(room, '\1'));
  std::string arrays;
  for (std::size_t i = 0; i < room / 12; ++i) arrays += gguf_array(kU8, 0, "");
  expect_weights_answered("x", key + raw(kArray) + raw<std::uint64_t>(room / 12) + arrays);
  for (const char* byte : {"\x01", "\xff", "G"}) {
    expect_weights_answered("x", filled(start, byte, ""));
    expect_weights_answered("x", filled(gguf_start(1 << 15, 1 << 15), byte, ""));
  }
}

}  // namespace
}  // namespace sinkwise::pretrained
