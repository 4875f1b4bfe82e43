#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sinkwise::finetune {

struct Message {
  std::string role, content;
};

// A piece of a dialogue as the model reads it, and whether the assistant says it (its closing
// token included).
struct Turn {
  std::string text;
  bool assistant = false;
};

// The chat template of a model where it is plain ChatML: "<|im_start|>role\ncontent<|im_end|>\n"
// for each message, perhaps with a system message of the model's own where a dialogue brings none.
// A template is a program in a language of its own (Jinja); this room runs none, it recognises this
// one.
struct DialogueTemplate {
  std::string system;  // put in front of a dialogue without a system message; empty: nothing is

  // Unsupported, with the way out, for a template that does anything else, and for none (empty).
  static DialogueTemplate recognise(std::string_view source, const std::string& where);

  // Turns whose texts, put together, are what the template gives.
  std::vector<Turn> apply(const std::vector<Message>& messages) const;
};

}  // namespace sinkwise::finetune
