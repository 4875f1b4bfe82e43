#include "sinkwise/finetune/dialogue.h"

#include <gtest/gtest.h>

#include "known_templates.h"
#include "sinkwise/core/error.h"

namespace sinkwise::finetune {
namespace {

constexpr char kWithSystem[] =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nBe brief<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

constexpr char kPlain[] =
    "{%- for message in messages %}\n  {{- '<|im_start|>' + message[\"role\"] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' }}\n{%- endfor %}";

const SpecialTexts kSpecial{"<s>", "</s>"};

DialogueTemplate recognise(const std::string& source) {
  return DialogueTemplate::recognise(source, kSpecial, "here");
}

// The template of that layout among the known ones; of several the last.
DialogueTemplate known(Layout layout) {
  std::string source;
  for (const KnownTemplate& one : known_templates()) {
    if (one.layout == layout) source = one.source;
  }
  return recognise(source);
}

std::string text_of(const std::vector<Turn>& turns, bool asked_only = false) {
  std::string text;
  for (const Turn& turn : turns) text += turn.asked || !asked_only ? turn.text : "";
  return text;
}

const std::vector<Message> kTalk = {{"user", " Hi "}, {"assistant", " Yes\n"}, {"user", "Bye"}};

TEST(DialogueTemplate, PlainChatMlWithASystemMessageOfItsOwn) {
  const auto dialogue = recognise(kWithSystem);
  EXPECT_EQ(dialogue.system, "Be brief");
  const auto turns = dialogue.apply({{"user", "Hi"}, {"assistant", "Hello"}});
  EXPECT_EQ(text_of(turns),
            "<|im_start|>system\nBe brief<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\nHello<|im_end|>\n");
  EXPECT_EQ(text_of(dialogue.apply({{"system", "Other"}, {"user", "Hi"}})),
            "<|im_start|>system\nOther<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n");
}

TEST(DialogueTemplate, WhiteSpaceAndEscapesAreReadAsJinjaReadsThem) {
  const auto dialogue = recognise(kPlain);
  EXPECT_EQ(dialogue.system, "");
  EXPECT_EQ(text_of(dialogue.apply({{"user", "a b"}})), "<|im_start|>user\na b<|im_end|>\n");
}

TEST(DialogueTemplate, OnlyTheAssistantIsAskedFor) {
  EXPECT_EQ(text_of(DialogueTemplate{}.apply(kTalk), true), " Yes\n<|im_end|>");
  EXPECT_EQ(text_of(known(Layout::llama3).apply(kTalk), true), "Yes<|eot_id|>");
  EXPECT_EQ(text_of(known(Layout::zephyr).apply(kTalk), true), " Yes\n</s>");
  EXPECT_EQ(text_of(known(Layout::gemma).apply(kTalk), true), "Yes<end_of_turn>");
  EXPECT_EQ(text_of(known(Layout::mistral).apply(kTalk), true), " Yes\n</s>");
}

TEST(DialogueTemplate, EveryLayout) {
  EXPECT_EQ(text_of(known(Layout::llama3).apply(kTalk)),
            "<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nYes<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>");
  EXPECT_EQ(text_of(known(Layout::zephyr).apply(kTalk)),
            "<|user|>\n Hi </s>\n<|assistant|>\n Yes\n</s>\n<|user|>\nBye</s>\n");
  EXPECT_EQ(text_of(known(Layout::gemma).apply(kTalk)),
            "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nYes<end_of_turn>\n"
            "<start_of_turn>user\nBye<end_of_turn>\n");
  EXPECT_EQ(text_of(known(Layout::gemma3).apply({{"system", " S "}, {"user", " Hi"}})),
            "<s><start_of_turn>user\n S \n\nHi<end_of_turn>\n");
  EXPECT_EQ(text_of(known(Layout::mistral).apply(kTalk)),
            "<s>[INST]  Hi  [/INST] Yes\n</s>[INST] Bye [/INST]");
}

TEST(DialogueTemplate, RolesThatATemplateDoesNotTakeAreNamed) {
  const std::vector<Message> twice = {{"user", "a"}, {"user", "b"}}, system = {{"system", "a"}};
  const std::vector<Message> tool = {{"user", "a"}, {"tool", "b"}};
  for (const Layout layout : {Layout::gemma, Layout::gemma3, Layout::mistral}) {
    EXPECT_NE(known(layout).unmet(twice), "");
    EXPECT_NE(known(layout).unmet(tool), "");
    EXPECT_EQ(known(layout).unmet(system).empty(), layout == Layout::gemma3);
    EXPECT_EQ(known(layout).unmet(kTalk), "");
  }
  EXPECT_NE(known(Layout::zephyr).unmet(tool), "");
  EXPECT_EQ(known(Layout::zephyr).unmet(twice), "");
  EXPECT_EQ(known(Layout::llama3).unmet(tool), "");
}

TEST(DialogueTemplate, AnythingElseIsRefused) {
  const std::string with_system = kWithSystem, plain = kPlain;
  std::string line_after = plain, blank_before = plain;
  line_after.replace(line_after.find("{%- endfor"), 3, "{% ");  // writes its line break
  blank_before.replace(blank_before.find("{{-"), 3, "{{ ");     // writes two spaces
  const std::vector<std::string> sources = {"",
                                            "{{ bos_token }}",
                                            "{{ bos_token ",
                                            "{# a comment #}" + plain,
                                            with_system + "{{ 'more' }}",
                                            with_system + " ",
                                            "{% if tools %}{% endif %}" + plain,
                                            line_after,
                                            blank_before};
  for (const std::string& source : sources) EXPECT_THROW(recognise(source), Unsupported) << source;
}

TEST(DialogueTemplate, ATokenThatTheTokenizerLacksIsAskedFor) {
  for (const KnownTemplate& one : known_templates()) {
    const bool needs_none = one.layout == Layout::chatml;
    if (needs_none) {
      EXPECT_NO_THROW(DialogueTemplate::recognise(one.source, {}, "here"));
    } else {
      EXPECT_THROW(DialogueTemplate::recognise(one.source, {}, "here"), Unsupported);
    }
  }
}

}  // namespace
}  // namespace sinkwise::finetune
