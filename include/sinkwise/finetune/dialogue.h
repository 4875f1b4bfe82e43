#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/tokenizer/tokenizer.h"

namespace sinkwise::finetune {

struct Message {
  std::string role, content;
};

// A piece of a dialogue as the model reads it, and whether the loss counts it: what an assistant
// says is, its closing token included.
struct Turn {
  std::string text;
  bool asked = false;
};

// What templates call bos_token and eos_token.
struct SpecialTexts {
  std::optional<std::string> begin, end;
};

SpecialTexts special_texts(const tokenizer::Tokenizer& tokenizer);

// How a dialogue becomes text.
enum class Layout {
  chatml,   // <|im_start|>role, a line break, content, <|im_end|>, a line break
  llama3,   // <|start_header_id|>role<|end_header_id|>, two line breaks, content, <|eot_id|>
  zephyr,   // <|role|>, a line break, content, eos_token, a line break
  gemma,    // <start_of_turn>role, a line break, content, <end_of_turn>, a line break
  gemma3,   // the same, and a system message in front of what the user says first
  mistral,  // [INST] content [/INST], then the answer and eos_token
};

// The chat template of a model where it is one of those that are known (docs/finetune.md). A
// template is a program in a language of its own (Jinja); this room runs none, it recognises these.
struct DialogueTemplate {
  Layout layout = Layout::chatml;
  // chatml: put in front of a dialogue without a system message; empty: nothing is.
  std::string system = {};
  std::string begin = {}, end = {};  // bos_token and eos_token

  // Unsupported, with the way out, for a template that does anything else, and for none (empty).
  static DialogueTemplate recognise(std::string_view source, const SpecialTexts& special,
                                    const std::string& where);

  // What the template asks of the roles of a dialogue that these do not give; empty: nothing.
  std::string unmet(const std::vector<Message>& messages) const;

  // Turns whose texts, put together, are what the template gives, for messages with nothing unmet.
  std::vector<Turn> apply(const std::vector<Message>& messages) const;
};

}  // namespace sinkwise::finetune
