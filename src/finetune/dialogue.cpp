#include "sinkwise/finetune/dialogue.h"

#include <algorithm>

#include "jinja_source.h"
#include "known_templates.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/python_space.h"

namespace sinkwise::finetune {
namespace {

constexpr char kWayOut[] =
    "put the dialogues into text with the model's own tokenizer, and give them as "
    "{\"segments\": [{\"text\": ..., \"label\": true or false}, ...]} (docs/finetune.md, Data)";

// What goes around the content of a message. The foot closes what is said, the tail does not count.
struct Frame {
  std::string head, foot, tail;
};

Frame frame_of(const DialogueTemplate& dialogue, const std::string& role) {
  const bool assistant = role == "assistant";
  switch (dialogue.layout) {
    case Layout::chatml:
      return {"<|im_start|>" + role + "\n", "<|im_end|>", "\n"};
    case Layout::llama3:
      return {"<|start_header_id|>" + role + "<|end_header_id|>\n\n", "<|eot_id|>", ""};
    case Layout::zephyr:
      return {"<|" + role + "|>\n", dialogue.end, "\n"};
    case Layout::gemma:
    case Layout::gemma3:
      return {"<start_of_turn>" + (assistant ? "model" : role) + "\n", "<end_of_turn>", "\n"};
    case Layout::mistral:
      return assistant ? Frame{"", dialogue.end, ""} : Frame{"[INST] ", " [/INST]", ""};
  }
  return {};
}

bool strips(Layout layout) {
  return layout == Layout::llama3 || layout == Layout::gemma || layout == Layout::gemma3;
}

bool begins(Layout layout) { return layout != Layout::chatml && layout != Layout::zephyr; }
bool ends(Layout layout) { return layout == Layout::zephyr || layout == Layout::mistral; }

bool takes_turns(Layout layout) {
  return layout == Layout::gemma || layout == Layout::gemma3 || layout == Layout::mistral;
}

bool starts_with_system(const std::vector<Message>& messages) {
  return !messages.empty() && messages.front().role == "system";
}

// The text that stands in `source` where `known` has kSystemText, or nothing where they differ.
std::optional<std::string> own_system(std::string_view source, std::string_view known) {
  const std::size_t at = known.find(kSystemText);
  if (at == known.npos) return source == known ? std::optional<std::string>("") : std::nullopt;
  const auto before = known.substr(0, at), after = known.substr(at + kSystemText.size());
  if (source.size() < before.size() + after.size() || !source.starts_with(before) ||
      !source.ends_with(after)) {
    return std::nullopt;
  }
  const auto text = source.substr(at, source.size() - before.size() - after.size());
  const bool plain = std::ranges::none_of(
      text, [](char c) { return c == kQuoteBegin || c == kQuoteEnd || c == '\\'; });
  return plain && !text.empty() ? std::optional<std::string>(text) : std::nullopt;
}

std::string required(const std::optional<std::string>& text, const char* name,
                     const std::string& where) {
  if (text) return *text;
  throw Unsupported({"a chat template asks for a token that the tokenizer does not name", where,
                     name, "none", kWayOut});
}

}  // namespace

SpecialTexts special_texts(const tokenizer::Tokenizer& tokenizer) {
  const auto text = [&](std::optional<tokenizer::TokenId> id) -> std::optional<std::string> {
    const auto bytes = id ? tokenizer.bytes(*id) : std::nullopt;
    return bytes ? std::optional<std::string>(*bytes) : std::nullopt;
  };
  return {text(tokenizer.begin_of_text()), text(tokenizer.end_of_text())};
}

DialogueTemplate DialogueTemplate::recognise(std::string_view source, const SpecialTexts& special,
                                             const std::string& where) {
  if (source.empty()) {
    throw Unsupported({"a model has no chat template for dialogues", where,
                       "a template in chat_template.jinja, tokenizer_config.json or the GGUF file",
                       "none", kWayOut});
  }
  const std::string whole = canonical(source);
  for (const KnownTemplate& known : known_templates()) {
    const auto system = own_system(whole, canonical(known.source));
    if (!system) continue;
    DialogueTemplate result{known.layout, *system};
    if (begins(known.layout)) result.begin = required(special.begin, "bos_token", where);
    if (ends(known.layout)) result.end = required(special.end, "eos_token", where);
    return result;
  }
  throw Unsupported({"a model's chat template is none of those that are known", where,
                     "plain ChatML, Llama 3, Zephyr, Gemma or Mistral (docs/finetune.md)",
                     "another template", kWayOut});
}

std::string DialogueTemplate::unmet(const std::vector<Message>& messages) const {
  if (layout == Layout::zephyr) {
    for (const Message& message : messages) {
      if (message.role != "system" && message.role != "user" && message.role != "assistant") {
        return "the roles system, user and assistant";
      }
    }
  }
  if (!takes_turns(layout)) return "";
  const bool after_system = layout == Layout::gemma3 && starts_with_system(messages);
  for (std::size_t i = after_system ? 1 : 0, turn = 0; i < messages.size(); ++i, ++turn) {
    if (messages[i].role == (turn % 2 == 0 ? "user" : "assistant")) continue;
    const std::string turns = "user and assistant in turn, the user first";
    return layout == Layout::gemma3 ? turns + ", perhaps after a system message" : turns;
  }
  return "";
}

std::vector<Turn> DialogueTemplate::apply(const std::vector<Message>& messages) const {
  std::vector<Turn> turns{{begin, false}};
  std::string prefix;  // of the next message
  const auto add = [&](const Message& message) {
    const Frame frame = frame_of(*this, message.role);
    const std::string content(strips(layout) ? stripped(message.content) : message.content);
    turns.push_back({frame.head + prefix, false});
    turns.push_back({content + frame.foot, message.role == "assistant"});
    turns.push_back({frame.tail, false});
    prefix.clear();
  };
  const bool own = starts_with_system(messages);
  if (!system.empty() && !own) add({"system", system});
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (i == 0 && own && layout == Layout::gemma3) {
      prefix = messages[0].content + "\n\n";
    } else {
      add(messages[i]);
    }
  }
  return turns;
}

}  // namespace sinkwise::finetune
