#include "known_templates.h"

namespace sinkwise::finetune {
namespace {

constexpr char kOwnSystem[] =
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\n<system><|im_end|>\n' }}{% endif %}";

// With and without a system message of the model's own; the two ways to write the line break; the
// beginning of an answer that is asked for, which no dialogue has, after the loop, in it, or
// nowhere.
std::vector<KnownTemplate> chatml() {
  const std::string loop = "{% for message in messages %}", end = "{% endfor %}";
  const std::string message = "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + ";
  const std::string answer = "{{ '<|im_start|>assistant\n' }}{% endif %}";
  std::vector<KnownTemplate> all;
  for (const std::string system : {"", kOwnSystem}) {
    for (const std::string close : {"'<|im_end|>' + '\n'}}", "'<|im_end|>\n'}}"}) {
      const std::string whole = loop + system + message + close;
      all.push_back({Layout::chatml, whole + end});
      all.push_back({Layout::chatml, whole + end + "{% if add_generation_prompt %}" + answer});
      all.push_back(
          {Layout::chatml, whole + "{% if loop.last and add_generation_prompt %}" + answer + end});
    }
  }
  return all;
}

constexpr char kLlama3[] =
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    "+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
    "{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";

constexpr char kZephyr[] =
    "{% for message in messages %}\n"
    "{% if message['role'] == 'user' %}\n"
    "{{ '<|user|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'system' %}\n"
    "{{ '<|system|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'assistant' %}\n"
    "{{ '<|assistant|>\n' + message['content'] + eos_token }}\n"
    "{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n"
    "{% endfor %}";

constexpr char kTakeTurns[] =
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}"
    "{% endif %}";

constexpr char kGemmaRole[] =
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}";

constexpr char kGemmaAnswer[] =
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}";

std::string gemma() {
  return std::string(
             "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
             "{{ raise_exception('System role not supported') }}{% endif %}"
             "{% for message in messages %}") +
         kTakeTurns + kGemmaRole +
         "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
         "{% endfor %}" +
         kGemmaAnswer;
}

// Contents that are lists (of texts and images) are not read here, so their branch is never taken.
std::string gemma3() {
  return std::string(
             "{{ bos_token }}"
             "{% if messages[0]['role'] == 'system' %}"
             "{% if messages[0]['content'] is string %}"
             "{% set first_user_prefix = messages[0]['content'] + '\n\n' %}{% else %}"
             "{% set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' %}{% endif %}"
             "{% set loop_messages = messages[1:] %}{% else %}"
             "{% set first_user_prefix = '' %}{% set loop_messages = messages %}{% endif %}"
             "{% for message in loop_messages %}") +
         kTakeTurns + kGemmaRole +
         "{{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else '') }}"
         "{% if message['content'] is string %}{{ message['content'] | trim }}"
         "{% elif message['content'] is iterable %}{% for item in message['content'] %}"
         "{% if item['type'] == 'image' %}{{ '<start_of_image>' }}"
         "{% elif item['type'] == 'text' %}{{ item['text'] | trim }}{% endif %}{% endfor %}"
         "{% else %}{{ raise_exception('Invalid content type') }}{% endif %}"
         "{{ '<end_of_turn>\n' }}{% endfor %}" +
         kGemmaAnswer;
}

// Mistral-7B-Instruct v0.1 and v0.2; later ones know tools.
std::string mistral() {
  return std::string("{{ bos_token }}{% for message in messages %}") + kTakeTurns +
         "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
         "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}"
         "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}"
         "{% endif %}{% endfor %}";
}

}  // namespace

const std::vector<KnownTemplate>& known_templates() {
  static const std::vector<KnownTemplate> all = [] {
    std::vector<KnownTemplate> known = chatml();
    known.push_back({Layout::llama3, kLlama3});
    known.push_back({Layout::zephyr, kZephyr});
    known.push_back({Layout::gemma, gemma()});
    known.push_back({Layout::gemma3, gemma3()});
    known.push_back({Layout::mistral, mistral()});
    return known;
  }();
  return all;
}

}  // namespace sinkwise::finetune
