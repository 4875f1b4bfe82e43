// dialogue_ids TOKENIZER TEMPLATE DIALOGUES
//
// For each dialogue of a *.jsonl file prints a JSON object: "ids", as a model with that tokenizer
// and that chat template (the file of a Jinja source) reads it, and "asked", 1 where the loss
// counts. What dialogue_test.py compares with.
#include <iostream>
#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/finetune/documents.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: dialogue_ids TOKENIZER TEMPLATE DIALOGUES\n";
    return 2;
  }
  using namespace sinkwise;
  try {
    const auto tokenizer = tokenizer::Tokenizer::load(argv[1]);
    const std::string source = read_file(argv[2], 1 << 20);
    const auto dialogue = [&] {
      return finetune::DialogueTemplate::recognise(source, finetune::special_texts(tokenizer),
                                                   argv[2]);
    };
    for (const auto& document : finetune::read_documents({argv[3]}, tokenizer, dialogue)) {
      const nlohmann::json answer = {{"ids", document.tokens}, {"asked", document.asked}};
      std::cout << answer.dump() << '\n';
    }
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
