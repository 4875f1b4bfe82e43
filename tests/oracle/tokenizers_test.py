"""Ids and texts of the room `tokenizer` held against the `tokenizers` library, on random and adversarial
strings: small tokenizers of every kind that is read, and, where $SINKWISE_DATA holds them, published ones.

Skipped without that library (pip install tokenizers)."""

import json
import lzma
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("SINKWISE_SOURCE", pathlib.Path(__file__).parents[2]))
PROGRAM = os.environ.get("SINKWISE_TOKENIZER_IDS", "")
DATA = os.environ.get("SINKWISE_DATA", "")
SMALL, LARGE = 500, 10_000  # strings for each small and each published tokenizer

sys.path.insert(0, str(SOURCE / "tools" / "make_fixtures"))
try:
    import tokenizers

    import tokenizers_small
except ImportError:
    tokenizers = None


def ours(folder, texts, mode):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run([PROGRAM, folder, mode], input=lines, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"{PROGRAM} {folder} {mode}: {done.stderr}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [(answer["ids"], bytes.fromhex(answer["hex"]).decode(errors="replace")) for answer in answers]


class Comparison(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="sinkwise-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def compare(self, tokenizer, folder, texts, decoded=True):
        for mode in ("plain", "control"):
            wrong = []
            for text, found in zip(texts, ours(folder, texts, mode), strict=True):
                expected = tokenizers_small.reference(tokenizer, text, mode == "plain")
                if found[0] != expected[0] or decoded and found != expected:
                    wrong.append(f"{text!r}\n  expected {expected}\n  found    {found}")
            self.assertFalse(wrong, f"{mode}: {len(wrong)} of {len(texts)} differ, the shortest:\n"
                             + "\n".join(sorted(wrong, key=len)[:3]))


@unittest.skipIf(tokenizers is None, "no `tokenizers` library: pip install tokenizers")
class Parity(Comparison):
    def test_small_tokenizers(self):
        for number, (kind, make) in enumerate(tokenizers_small.KINDS.items()):
            with self.subTest(kind):
                folder = self.folder / kind
                folder.mkdir()
                tokenizer = make()
                tokenizer.save(str(folder / "tokenizer.json"))
                self.compare(tokenizer, folder, tokenizers_small.random_strings(SMALL, seed=number),
                             decoded=kind not in tokenizers_small.DECODED_OTHERWISE)

    def published(self, name):
        source = pathlib.Path(DATA, "tokenizers", name)
        if not DATA or not source.is_dir():
            self.skipTest("SINKWISE_DATA names no folder with tokenizers/" + name)
        return source

    def check_published(self, name):
        source = self.published(name)
        target = self.folder / "tokenizer.json"
        with lzma.open(source / "tokenizer.json.xz") as packed, target.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        tokenizer = tokenizers.Tokenizer.from_file(str(target))
        self.compare(tokenizer, self.folder, tokenizers_small.random_strings(LARGE))

    def test_qwen3(self):
        self.check_published("qwen3")

    def test_gpt_oss(self):
        self.check_published("gpt-oss")

    def test_gpt2(self):
        source = self.published("gpt2")
        tokenizer = tokenizers.Tokenizer(
            tokenizers.models.BPE.from_file(str(source / "vocab.json"), str(source / "merges.txt")))
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = tokenizers.decoders.ByteLevel()
        tokenizer.add_special_tokens(["<|endoftext|>"])
        self.compare(tokenizer, source, tokenizers_small.random_strings(LARGE))


if __name__ == "__main__":
    if tokenizers is not None and not os.access(PROGRAM, os.X_OK):
        sys.exit("SINKWISE_TOKENIZER_IDS must name the program tokenizer_ids")
    unittest.main(verbosity=2)
