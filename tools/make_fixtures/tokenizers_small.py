#!/usr/bin/env python3
"""Small tokenizers of every kind that src/tokenizer reads, made with `pip install tokenizers==0.23.3`.

  python3 tools/make_fixtures/tokenizers_small.py tests/fixtures/tokenizer

writes KIND/tokenizer.json and KIND/expected.jsonl for the kinds of COMMITTED. Training is deterministic;
the strings come from random.Random(SEED). tests/oracle/tokenizers_test.py uses every kind.
"""

import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SEED = 20260201
COMMITTED = ("llama3", "qwen2", "smollm", "llama2")

TEXT = """
Once upon a time there was a little girl named Lily, who loved to play outside in the park. One day she
saw 12 big red balls; 345 of them, she thought, or 6789! It's hers, they're his, we'll see, I'd go, I'm
in, you've won. DON'T SHOUT: THEY'LL HEAR. The quick brown fox jumps over the lazy dog, and the dog sleeps.
for (int i = 0; i < 10; ++i) {\n        total += values[i];\n    }\n\treturn total / 3.14159;\r\n
snake_case, kebab-case, CamelCaseHTTPServer, https://example.org/a?b=c&d=e#f ... --- === ///// \\\\
Привет, мир! Как дела? Ελληνικά με τόνους. Größe, façade, naïve, Ångström, cafe\u0301, e\u0301te\u0301.
你好，世界。注意力机制 日本語のテキスト 한국어 문장 नमस्ते दुनिया مرحبا بالعالم ไทย עברית
🚀🔥👩\u200d👩\u200d👧\u200d👦 🇩🇪 ½ ② Ⅷ ۳ ൧ a\u00a0b\u2003c\u200bd\u3000e
"""

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3, QWEN2 = WORDS % r"\p{N}{1,3}", WORDS % r"\p{N}"
ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{ENDINGS}"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(pattern if isinstance(pattern, str) else pattern, behavior, invert)


def byte_level(**options):
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, "use_regex": False, **options})


def train(model, pre_tokenizer, normalizer=None, size=420, special=("<|begin|>", "<|end|>"), alphabet=True):
    tokenizer = Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else [])
    tokenizer.train_from_iterator([TEXT] * 3, trainer)
    return tokenizer


def byte_level_tokenizer(steps, normalizer=None, **model):
    sequence = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    tokenizer = train(models.BPE(**model), sequence, normalizer)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def llama3():
    tokenizer = byte_level_tokenizer([split(Regex(LLAMA3)), byte_level()], ignore_merges=True)
    begin = tokenizer.token_to_id("<|begin|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", begin)])])
    return tokenizer


def qwen2():
    tokenizer = byte_level_tokenizer([split(Regex(QWEN2)), byte_level()], normalizers.NFC())
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("naïve", normalized=True)])
    return tokenizer


def added_tokens():
    """Every flag of an added token, alone and together, overlapping ones among them."""
    tokenizer = byte_level_tokenizer([byte_level(use_regex=True)], normalizers.NFC())
    flags = ("lstrip", "rstrip", "single_word", "normalized")
    tokens = [AddedToken(f"[{number}]", special=number % 2 == 0,
                         **{name: bool(number >> bit & 1) for bit, name in enumerate(flags)})
              for number in range(16)]
    tokens += [AddedToken("word", single_word=True, normalized=False), AddedToken("[1][2]", normalized=False),
               AddedToken("wordy", normalized=False), AddedToken("é!", normalized=True)]
    tokenizer.add_special_tokens([t for t in tokens if t.special])
    tokenizer.add_tokens([t for t in tokens if not t.special])
    return tokenizer


def behaviors(kind, invert):
    return lambda: byte_level_tokenizer([split(Regex(r"\p{L}+|\s"), kind, invert), byte_level()])


def sentencepiece(normalizer, pre_tokenizer, decoder, prefix=True, **model):
    """Llama 2's kind: characters, bytes as a fallback."""
    options = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, **model}
    first = ["<unk>", "<s>", "</s>"] + ([f"<0x{byte:02X}>" for byte in range(256)] if options["byte_fallback"] else [])
    tokenizer = train(models.BPE(**options), pre_tokenizer, normalizer, 620, first, alphabet=False)
    # Bytes are no tokens that a text may name.
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = content["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.decoder = decoder
    if prefix:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


MARK = "\u2581"


def fallback_decoder(strip=True):
    steps = [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else []))


def llama2():
    normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    return sentencepiece(normalizer, None, fallback_decoder())


def metaspace(scheme, split_words, **model):
    return lambda: sentencepiece(
        None, pre_tokenizers.Metaspace(MARK, scheme, split_words),
        decoders.Metaspace(MARK, scheme, split_words) if split_words else fallback_decoder(scheme != "never"), **model)


def gemma():
    return sentencepiece(normalizers.Replace(" ", MARK), split(" ", "merged_with_previous"), fallback_decoder(False))


KINDS = {
    "gpt2": lambda: byte_level_tokenizer([byte_level(use_regex=True)]),
    "prefix_space": lambda: byte_level_tokenizer([byte_level(use_regex=True, add_prefix_space=True)]),
    "llama3": llama3,
    "qwen2": qwen2,
    "o200k": lambda: byte_level_tokenizer([split(Regex(O200K)), byte_level()], ignore_merges=True),
    "smollm": lambda: byte_level_tokenizer([pre_tokenizers.Digits(individual_digits=True), byte_level(use_regex=True)]),
    "digits": lambda: byte_level_tokenizer([pre_tokenizers.Digits(individual_digits=False), byte_level()]),
    "deepseek": lambda: byte_level_tokenizer([
        split(Regex(r"\p{N}{1,3}")), split(Regex("[一-龥\u3040-ゟ゠-ヿ]+")), split(Regex(DEEPSEEK)), byte_level()]),
    "literal": lambda: byte_level_tokenizer([split("th", "merged_with_next"), byte_level(add_prefix_space=True)]),
    "empty_matches": lambda: byte_level_tokenizer([split(Regex(r"x*|(?=\p{Lu})")), byte_level()]),
    "lines": lambda: byte_level_tokenizer([split(Regex(r"^.|.$|(?<=a)b|[^\S\n]+")), byte_level()]),
    "han": lambda: byte_level_tokenizer([split(Regex(r"\p{Han}+|\P{Han}[\p{P}\p{S}]|\p{M}")), byte_level()]),
    "nfkd": lambda: byte_level_tokenizer([byte_level(use_regex=True)], normalizers.NFKD()),
    "nfkc": lambda: byte_level_tokenizer([byte_level(use_regex=True)], normalizers.NFKC()),
    "nfd": lambda: byte_level_tokenizer([byte_level(use_regex=True)], normalizers.NFD()),
    "replace": lambda: byte_level_tokenizer(
        [byte_level(use_regex=True)], normalizers.Sequence([normalizers.Replace(Regex(r"\s+"), " ")])),
    "added_tokens": added_tokens,
    **{f"{kind}{'_inverted' if invert else ''}": behaviors(kind, invert)
       for kind in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")
       for invert in (False, True)},
    "llama2": llama2,
    "metaspace_first": metaspace("first", False),
    "metaspace_always": metaspace("always", True),
    "metaspace_never": metaspace("never", True),
    "unknown": metaspace("always", True, byte_fallback=False, fuse_unk=False),
    "unknown_fused": metaspace("always", True, byte_fallback=False, fuse_unk=True),
    "gemma": gemma,
}


# The library decodes an added token as if it were written in the byte alphabet, which breaks one that
# holds other than ASCII; ours decodes to what the token is found in.
DECODED_OTHERWISE = ("qwen2", "added_tokens")


# --- Strings ---

MARKS = "".join(chr(c) for first, last in (
    (0x300, 0x36F), (0x591, 0x5BD), (0x64B, 0x65F), (0x898, 0x89F), (0x8CA, 0x8FF), (0xF71, 0xF74), (0x1AB0, 0x1ACE),
    (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0x11930, 0x11938), (0x1133B, 0x1133E), (0x1E4EC, 0x1E4EF))
    for c in range(first, last + 1))
CHARACTERS = (
    "abcdefgh LMNOST  \t\n\r'’\".,;:!?/-_=+()[]{}<>|#0123456789äéßﬁſKİıǅʰªºµ"
    "привет你好世界日本한국नमस्ते\u0301\u0327\u0323\u0344\u1e9b\u1112\u1161\u11ab\u00a0\u0085\u1680\u180e\u2003\u2028\u200b\u200d\ufeff"
    "\u3000½②Ⅷ۳൧🚀🔥👩🇩\u0000\u0001\u007f\u0378\u0897\u1c89\ua7cb\U00010d40\U00011f04\U0001e4f0\U0001fae8"
    "\U00031350\U0002ebf0\U00016d63\U000105c9\U0001d165\U000e0001\uf900\u2126\u212b\u0f73\u0f71\u2581")
PIECES = ["'s", "'LL", "'re", "'ſ", "  ", "\n\n", " \n", "\r\n", "\t\t", "<|begin|>", "<|end|>", "<think>", "naïve",
          "nai\u0308ve", "<s>", "</s>", "<unk>", "<0x41>", "word", "wordy", "é!", "e\u0301!", " the", "123456", "http://",
          "[1][2]", "xxx", "th", "\u2581", "\u2581\u2581", "e\u0301\u0327", "\u0327\u0301", "한국", "\u1112\u1161\u11ab",
          *[f"[{number}]" for number in range(16)]]


def random_character(source):
    while True:
        code = source.randrange(0x110000 if source.random() < 0.3 else 0x3000)
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)


def random_string(source):
    parts = []
    for _ in range(source.randrange(1, 24)):
        kind = source.random()
        if kind < 0.35:
            parts.append(source.choice(CHARACTERS))
        elif kind < 0.6:
            parts.append(source.choice(PIECES))
        elif kind < 0.65:
            marks = source.choices(MARKS, k=source.randrange(1, 6))
            parts.append(source.choice("aéкか\U00011935") + "".join(marks))
        elif kind < 0.7:
            parts.append(source.choice(CHARACTERS) * source.randrange(1, 9))
        elif kind < 0.8:
            parts.append(random_character(source))
        else:
            begin = source.randrange(len(TEXT))
            parts.append(TEXT[begin:begin + source.randrange(1, 30)])
    return "".join(parts)


def random_strings(count, seed=SEED):
    source = random.Random(seed)
    return ["", " ", "\n", TEXT] + [random_string(source) for _ in range(count - 4)]


def reference(tokenizer, text, plain):
    """Ids, and the text they decode to without what goes around them."""
    tokenizer.encode_special_tokens = plain
    return (tokenizer.encode(text).ids,
            tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids, skip_special_tokens=False))


def main():
    target = pathlib.Path(sys.argv[1])
    for kind in COMMITTED:
        folder = target / kind
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = KINDS[kind]()
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
        with (folder / "expected.jsonl").open("w") as lines:
            for text in random_strings(60):
                row = {"text": text, "plain": reference(tokenizer, text, True)[0],
                       "control": reference(tokenizer, text, False)[0]}
                lines.write(json.dumps(row, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
