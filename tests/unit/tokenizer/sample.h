#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "sinkwise/core/utf8.h"
#include "sinkwise/tokenizer/gguf_vocabulary.h"
#include "sinkwise/tokenizer/tokenizer.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::tokenizer::test {

using nlohmann::json;

// Folder of one of the committed tokenizers.
inline std::filesystem::path fixture(const std::string& kind) {
  const char* const source = std::getenv("SINKWISE_SOURCE");
  return std::filesystem::path(source == nullptr ? "." : source) / "tests/fixtures/tokenizer" /
         kind;
}

inline std::vector<json> read_lines(const std::filesystem::path& path) {
  std::vector<json> rows;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) rows.push_back(json::parse(line));
  return rows;
}

inline void write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

// What a converter writes for one of the committed tokenizer.json.
inline GgufVocabulary converted(const std::string& kind, const std::string& pre) {
  std::ifstream file(fixture(kind) / "tokenizer.json");
  const json root = json::parse(file);
  GgufVocabulary result{.model = "gpt2", .pre = pre};
  const auto set = [&](const std::string& text, std::size_t id, std::int32_t type) {
    if (id >= result.tokens.size()) {
      result.tokens.resize(id + 1);
      result.types.resize(id + 1, 1);
    }
    result.tokens[id] = text;
    result.types[id] = type;
  };
  for (const auto& [text, id] : root["model"]["vocab"].items()) set(text, id, 1);
  for (const json& token : root["added_tokens"]) {
    set(token["content"], token["id"], token["special"] ? 3 : 4);
  }
  for (const json& merge : root["model"]["merges"]) {
    result.merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  return result;
}

// How byte-level vocabularies write a byte: printable ones as themselves, the rest from U+0100 on.
inline std::string written_byte(int byte) {
  std::uint32_t next = 0x100;
  for (int other = 0; other < 256; ++other) {
    const bool itself = (other >= 33 && other <= 126) || (other >= 161 && other != 173);
    const std::uint32_t code = itself ? static_cast<std::uint32_t>(other) : next++;
    if (other != byte) continue;
    std::string text;
    append_utf8(text, code);
    return text;
  }
  return {};
}

// A tokenizer.json of the 256 bytes, ids by byte, of "aa", 256, and of "aaaa", 257.
inline json byte_level_json() {
  json vocabulary = json::object();
  for (int byte = 0; byte < 256; ++byte) vocabulary[written_byte(byte)] = byte;
  vocabulary["aa"] = 256;
  vocabulary["aaaa"] = 257;
  return {
      {"added_tokens", json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"},
        {"vocab", vocabulary},
        {"merges", json::array({"a a", json::array({"aa", "aa"})})}}}};
}

inline Tokenizer load_text(const std::string& text) {
  const sinkwise::test::TemporaryDirectory directory;
  write(directory.path() / "tokenizer.json", text);
  return Tokenizer::load(directory.path());
}

inline Tokenizer load_json(const json& content) { return load_text(content.dump()); }

}  // namespace sinkwise::tokenizer::test
