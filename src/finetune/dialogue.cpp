#include "sinkwise/finetune/dialogue.h"

#include "sinkwise/core/error.h"

namespace sinkwise::finetune {
namespace {

constexpr std::string_view kLoop = "{%formessageinmessages%}";
constexpr std::string_view kSystemBegin =
    "{%ifloop.firstandmessages[0]['role']!='system'%}{{'<|im_start|>system\n";
constexpr std::string_view kSystemEnd = "<|im_end|>\n'}}{%endif%}";
constexpr std::string_view kMessages[] = {
    "{{'<|im_start|>'+message['role']+'\n'+message['content']+'<|im_end|>'+'\n'}}{%endfor%}",
    "{{'<|im_start|>'+message['role']+'\n'+message['content']+'<|im_end|>\n'}}{%endfor%}"};
constexpr std::string_view kPrompts[] = {
    "", "{%ifadd_generation_prompt%}{{'<|im_start|>assistant\n'}}{%endif%}"};

// Without the white space outside of strings, which means nothing there, with line breaks in
// strings as they are, and the dashes of {%- gone.
std::string plain(std::string_view source) {
  std::string result;
  bool quoted = false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    if (c == '\'') quoted = !quoted;
    if (quoted && source.substr(i, 2) == "\\n") {
      result += '\n';
      ++i;
    } else if (quoted || (c != ' ' && c != '\n' && c != '-')) {
      result += c;
    }
  }
  return result;
}

bool take(std::string_view& rest, std::string_view front) {
  if (!rest.starts_with(front)) return false;
  rest.remove_prefix(front.size());
  return true;
}

[[noreturn]] void refuse(const std::string& where) {
  throw Unsupported({"a model's chat template is more than plain ChatML", where,
                     "<|im_start|>role, a line break, content and <|im_end|> for each message",
                     "another template",
                     "put the dialogues into text with the model's own tokenizer, and give them as "
                     "{\"text\": ...}"});
}

}  // namespace

DialogueTemplate DialogueTemplate::recognise(std::string_view source, const std::string& where) {
  if (source.empty()) {
    throw Unsupported({"a model has no chat template for dialogues", where,
                       "a template in chat_template.jinja, tokenizer_config.json or the GGUF file",
                       "none", "put the dialogues into text, and give them as {\"text\": ...}"});
  }
  const std::string whole = plain(source);
  std::string_view rest = whole;
  DialogueTemplate result;
  if (!take(rest, kLoop)) refuse(where);
  if (take(rest, kSystemBegin)) {
    const auto end = rest.find(kSystemEnd);
    if (end == std::string_view::npos) refuse(where);
    result.system = rest.substr(0, end);
    rest.remove_prefix(end + kSystemEnd.size());
  }
  if (!take(rest, kMessages[0]) && !take(rest, kMessages[1])) refuse(where);
  if (rest != kPrompts[0] && rest != kPrompts[1]) refuse(where);
  return result;
}

std::vector<Turn> DialogueTemplate::apply(const std::vector<Message>& messages) const {
  std::vector<Turn> turns;
  auto add = [&turns](const Message& message) {
    const bool assistant = message.role == "assistant";
    turns.push_back({"<|im_start|>" + message.role + "\n", false});
    turns.push_back({message.content + "<|im_end|>", assistant});
    turns.push_back({"\n", false});
  };
  if (!system.empty() && !messages.empty() && messages.front().role != "system") {
    add({"system", system});
  }
  for (const Message& message : messages) add(message);
  return turns;
}

}  // namespace sinkwise::finetune
