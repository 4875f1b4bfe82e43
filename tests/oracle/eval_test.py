"""Per-item log-likelihoods of `sinkwise eval` held against transformers, on the small random model of the
repository: every task, a text, rows that are longer than the model's context.

Skipped without torch and transformers. benchmarks/eval_oracle.py does the same with a published model."""

import json
import os
import pathlib
import sys
import tempfile
import types
import unittest

from published_model import smollm2

SOURCE = pathlib.Path(os.environ.get("SINKWISE_SOURCE", pathlib.Path(__file__).parents[2]))
MODEL = SOURCE / "tests" / "fixtures" / "pretrained" / "llama"

sys.path.insert(0, str(SOURCE / "benchmarks"))
try:
    import eval_oracle
except ImportError:
    eval_oracle = None

LONG = "Once the lion and the ant sat on a log, then on the lawn. " * 4  # past the context of 64
CHOICES = [
    {"ctx": "Once the lion", "endings": ["sat on the log", "was a tin ant", "ran"], "label": 1},
    {"ctx": "the ant  ", "endings": ["and the lion", "on"], "label": 0},
    {"ctx": LONG, "endings": ["and then the end", "no"], "label": 1},
    {"ctx": "a", "endings": ["b c", "d", "e f", "g", "h"], "label": 4},
]
ROWS = {
    "multiple_choice": CHOICES,
    "hellaswag": CHOICES + [{"ctx": " to [title] on [step] a  tin", "endings": ["a [x] b", "c  d"], "label": 0}],
    "arc_easy": CHOICES,
    "openbookqa": CHOICES,
    "piqa": CHOICES[1:3],
    "winogrande": [
        {"sentence": "the ant and the lion sat as _ was on the log.", "options": ["the ant", "the lion"], "label": 0},
        {"sentence": "_ ran.", "options": ["an ant", "Tina"], "label": 1},
    ],
    "blimp": [
        {"uid": "one", "good": "the ants are on the log.", "bad": "the ants is on the log."},
        {"uid": "two", "good": "Once an ant sat.", "bad": "Once a ant sat."},
    ],
    "lambada": [
        {"ctx": "the lion sat on a log and then the lion was on the", "target": " log"},
        {"ctx": LONG.strip(), "target": " lawn"},
    ],
}


@unittest.skipIf(eval_oracle is None, "no torch or transformers: pip install torch transformers")
class Parity(unittest.TestCase):
    def test_every_task(self):
        self.check(MODEL)

    @unittest.skipIf(smollm2() is None, "SmolLM2-135M is not here; next: ./dev models")
    def test_a_published_model(self):
        self.check(smollm2())

    def check(self, path):
        model, tokenizer = eval_oracle.load(path)
        with tempfile.TemporaryDirectory(prefix="sinkwise-test-") as folder:
            folder = pathlib.Path(folder)
            options = types.SimpleNamespace(sinkwise=os.environ["SINKWISE_BIN"], model=str(path), task=[], text=[],
                                            limit=1000, length=20)
            for name, rows in ROWS.items():
                file = folder / f"{name}.jsonl"
                file.write_text("".join(json.dumps(row) + "\n" for row in rows))
                options.task.append(f"{name}={file}")
            text = folder / "text.txt"
            text.write_text(LONG)
            options.text.append(str(text))
            self.assertTrue(eval_oracle.compare(model, tokenizer, options, str(folder / "out")))


if __name__ == "__main__":
    if eval_oracle is not None and not os.access(os.environ.get("SINKWISE_BIN", ""), os.X_OK):
        sys.exit("SINKWISE_BIN must name the program")
    unittest.main(verbosity=2)
