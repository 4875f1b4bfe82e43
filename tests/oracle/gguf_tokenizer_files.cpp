// gguf_tokenizer_files VOCABULARY.json FOLDER
//
// Writes tokenizer.json and tokenizer_config.json into FOLDER. The vocabulary is an object with the
// members of GgufVocabulary. What gguf_tokenizer_test.py compares with.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/tokenizer/hugging_face_files.h"

namespace {

using namespace sinkwise;
using nlohmann::json;

template <typename Value>
std::optional<Value> optional_of(const json& root, const char* member) {
  if (!root.contains(member)) return std::nullopt;
  return root[member].get<Value>();
}

tokenizer::GgufVocabulary read_vocabulary(const std::string& path) {
  const json root = json::parse(read_file(path, std::uint64_t{256} << 20));
  return {.model = root.at("model"),
          .pre = root.value("pre", ""),
          .tokens = root.at("tokens"),
          .types = root.at("types"),
          .merges = root.value("merges", std::vector<std::string>()),
          .scores = root.value("scores", std::vector<float>()),
          .bos_token_id = optional_of<std::int64_t>(root, "bos_token_id"),
          .eos_token_id = optional_of<std::int64_t>(root, "eos_token_id"),
          .unknown_token_id = optional_of<std::int64_t>(root, "unknown_token_id"),
          .padding_token_id = optional_of<std::int64_t>(root, "padding_token_id"),
          .add_bos_token = optional_of<bool>(root, "add_bos_token"),
          .add_eos_token = optional_of<bool>(root, "add_eos_token"),
          .add_space_prefix = optional_of<bool>(root, "add_space_prefix"),
          .chat_template = optional_of<std::string>(root, "chat_template")};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: gguf_tokenizer_files VOCABULARY.json FOLDER\n";
    return 2;
  }
  try {
    const auto files = tokenizer::hugging_face_files(read_vocabulary(argv[1]), argv[1]);
    const std::filesystem::path folder = argv[2];
    write_file_atomically(folder / "tokenizer.json", files.tokenizer_json);
    write_file_atomically(folder / "tokenizer_config.json", files.tokenizer_config_json);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
