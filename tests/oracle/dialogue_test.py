"""Dialogues as `sinkwise finetune` reads them, held against transformers' apply_chat_template: ids, and which of them
the assistant says, for every chat template that is recognised, as the models spell it.

Skipped without transformers and tokenizers (pip install transformers tokenizers)."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("SINKWISE_DIALOGUE_IDS", "")

try:
    import tokenizers
    import transformers
except ImportError:
    transformers = None

TAKE_TURNS = """{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    """

TEMPLATES = {
    "qwen2": (
        "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
        "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
        "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"),
    "chatml, escapes and dashes": (
        "{%- for message in messages %}\n  {{- '<|im_start|>' + message[\"role\"] + \"\\n\" + message['content'] "
        "+ '<|im_end|>\\n' }}\n{%- endfor %}\n"),
    "chatml, prompt in the loop": (
        "{% for message in messages %}\n{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
        "'<|im_end|>' + '\n'}}{% if loop.last and add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}"
        "{% endfor %}"),
    "llama 3": (
        "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + "
        "message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
        "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"),
    "zephyr": (
        "{% for message in messages %}\n{% if message['role'] == 'user' %}\n"
        "{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n"
        "{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n"
        "{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
        "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"),
    "gemma 2": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
        "{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
        "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}"
        "{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"),
    "gemma 3": (
        """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '

' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    """ + TAKE_TURNS + """{%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
"""),
    "mistral": (
        "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
        "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
        "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}"
        "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"),
}
CONTROL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
           "<start_of_turn>", "<end_of_turn>", "<|user|>", "<|assistant|>"]
CONTENTS = ["Hi", " two  spaces ", "\na line\n\n", "\u00a0caf\u00e9 \u4e2d\u6587 \U0001F600\u3000", "it's <b> [INST] {{ x }}",
            "tab\tand\x1cmore\x1f", ""]


# The same once more, written so that what the assistant says stands alone and can be marked for transformers.
FRAMES = {
    "chatml": ("'<|im_start|>' + message['role'] + '\n'", "message['content'] + '<|im_end|>'", "'\n'"),
    "llama 3": ("('<s>' if loop.first else '') + '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'",
                "message['content'] | trim + '<|eot_id|>'", "''"),
    "zephyr": ("'<|' + message['role'] + '|>\n'", "message['content'] + '</s>'", "'\n'"),
    "gemma": ("('<s>' if loop.first else '') + '<start_of_turn>' + "
              "('model' if message['role'] == 'assistant' else message['role']) + '\n'",
              "message['content'] | trim + '<end_of_turn>'", "'\n'"),
    "mistral": ("('<s>' if loop.first else '') + ('' if message['role'] == 'assistant' else '[INST] ')",
                "message['content'] + ('</s>' if message['role'] == 'assistant' else ' [/INST]')", "''"),
}


def marked(name):
    head, said, tail = next(frame for key, frame in FRAMES.items() if name.startswith(key))
    return ("{% for message in messages %}{{ " + head + " }}{% if message['role'] == 'assistant' %}{% generation %}{{ "
            + said + " }}{% endgeneration %}{% else %}{{ " + said + " }}{% endif %}{{ " + tail + " }}{% endfor %}")


def pairs(contents):
    for user in contents:
        for assistant in contents:
            yield [("user", user), ("assistant", assistant), ("user", assistant), ("assistant", user)]


def other_orders(name):
    """Dialogues that only some templates take."""
    if not name.startswith(("gemma 2", "mistral")):
        yield [("system", " Be brief. "), ("user", "\nHi "), ("assistant", "Yes")]
    if not name.startswith(("gemma", "mistral")):
        yield [("assistant", "a"), ("user", "b"), ("user", "c"), ("system", "d"), ("assistant", "e")]


@unittest.skipIf(transformers is None, "no transformers or tokenizers library: pip install transformers tokenizers")
class Dialogues(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="sinkwise-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        bare = tokenizers.Tokenizer(tokenizers.models.BPE())
        bare.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        bare.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=600, special_tokens=CONTROL, show_progress=False,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
        bare.train_from_iterator([pathlib.Path(__file__).read_text()], trainer)
        self.tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=bare, bos_token="<s>", eos_token="</s>")
        self.tokenizer.save_pretrained(self.folder)

    def ours(self, source, talks):
        (self.folder / "template").write_text(source)
        lines = [json.dumps({"messages": talk}) + "\n" for talk in talks]
        (self.folder / "talks.jsonl").write_text("".join(lines))
        done = subprocess.run([PROGRAM, self.folder, self.folder / "template", self.folder / "talks.jsonl"],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def theirs(self, source, talk):
        told = self.tokenizer.apply_chat_template(talk, chat_template=source, tokenize=True, return_dict=True,
                                                  return_assistant_tokens_mask="{% generation" in source)
        return told["input_ids"], told.get("assistant_masks")

    @staticmethod
    def messages(talks):
        return [[{"role": role, "content": content} for role, content in talk] for talk in talks]

    def test_ids(self):
        for name, source in TEMPLATES.items():
            with self.subTest(name):
                talks = self.messages([*pairs(CONTENTS), *other_orders(name)])
                for talk, found in zip(talks, self.ours(source, talks), strict=True):
                    self.assertEqual(found["ids"], self.theirs(source, talk)[0], talk)

    def test_what_the_assistant_says(self):
        # A token that reaches over the border is ours where it begins and theirs where it ends: no line break in front.
        contents = [content for content in CONTENTS if not content.startswith("\n")]
        for name, source in TEMPLATES.items():
            if name == "qwen2":
                continue  # its own system message; the frame is the next one's
            with self.subTest(name):
                talks = self.messages(pairs(contents))
                for talk, found in zip(talks, self.ours(source, talks), strict=True):
                    self.assertEqual((found["ids"], found["asked"]), self.theirs(marked(name), talk), talk)


if __name__ == "__main__":
    if transformers is not None and not os.access(PROGRAM, os.X_OK):
        sys.exit("SINKWISE_DIALOGUE_IDS must name the program dialogue_ids")
    unittest.main(verbosity=2)
