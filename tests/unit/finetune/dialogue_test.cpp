#include "sinkwise/finetune/dialogue.h"

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"

namespace sinkwise::finetune {
namespace {

constexpr char kWithSystem[] =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nBe brief<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

constexpr char kPlain[] =
    "{%- for message in messages %}\n  {{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' }}\n{%- endfor %}";

std::string text_of(const std::vector<Turn>& turns) {
  std::string text;
  for (const Turn& turn : turns) text += turn.text;
  return text;
}

TEST(DialogueTemplate, PlainChatMlWithASystemMessageOfItsOwn) {
  const auto dialogue = DialogueTemplate::recognise(kWithSystem, "here");
  EXPECT_EQ(dialogue.system, "Be brief");
  const auto turns = dialogue.apply({{"user", "Hi"}, {"assistant", "Hello"}});
  EXPECT_EQ(text_of(turns),
            "<|im_start|>system\nBe brief<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\nHello<|im_end|>\n");
  EXPECT_EQ(text_of(dialogue.apply({{"system", "Other"}, {"user", "Hi"}})),
            "<|im_start|>system\nOther<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n");
}

TEST(DialogueTemplate, WhiteSpaceAndEscapesAreReadAsJinjaReadsThem) {
  const auto dialogue = DialogueTemplate::recognise(kPlain, "here");
  EXPECT_EQ(dialogue.system, "");
  EXPECT_EQ(text_of(dialogue.apply({{"user", "a b"}})), "<|im_start|>user\na b<|im_end|>\n");
}

TEST(DialogueTemplate, OnlyTheAssistantIsAskedFor) {
  const auto turns = DialogueTemplate{}.apply({{"user", "Hi"}, {"assistant", "Hello"}});
  std::string asked;
  for (const Turn& turn : turns) asked += turn.assistant ? turn.text : "";
  EXPECT_EQ(asked, "Hello<|im_end|>");
}

TEST(DialogueTemplate, AnythingElseIsRefused) {
  const std::string with_system = kWithSystem, plain = kPlain;
  const std::vector<std::string> sources = {"", "{{ bos_token }}", with_system + "{{ 'more' }}",
                                            "{% if tools %}{% endif %}" + plain};
  for (const std::string& source : sources) {
    EXPECT_THROW(DialogueTemplate::recognise(source, "here"), Unsupported) << source;
  }
}

}  // namespace
}  // namespace sinkwise::finetune
