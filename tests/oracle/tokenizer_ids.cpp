// tokenizer_ids PATH plain|control
//
// For each line of standard input, a JSON string, prints a JSON object: "ids" of the text, and
// "hex", the bytes that the ids without prefix and suffix decode to. What tokenizers_test.py
// compares with.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "sinkwise/core/error.h"
#include "sinkwise/tokenizer/tokenizer.h"

namespace {

using namespace sinkwise::tokenizer;

std::string hex(const std::string& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

void answer_lines(const Tokenizer& tokenizer, SpecialText special_text) {
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = nlohmann::json::parse(line).get<std::string>();
    const auto bare = tokenizer.encode(text, {.special_text = special_text, .add_special = false});
    const nlohmann::json answer = {
        {"ids", tokenizer.encode(text, {.special_text = special_text})},
        {"hex", hex(tokenizer.decode(bare))},
    };
    std::cout << answer.dump() << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: tokenizer_ids PATH plain|control\n";
    return 2;
  }
  try {
    answer_lines(Tokenizer::load(argv[1]),
                 std::string(argv[2]) == "control" ? SpecialText::control : SpecialText::plain);
  } catch (const sinkwise::Error& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
