"""Mending a real pretrained model, in minutes: recipes/mending_sweep_test.toml, a twin without balance and two arms
with one, and what must hold of them whatever the noise.

Skipped where SmolLM2-135M is not there; `./dev models` puts it there."""

import json
import math
import struct
import sys
import unittest

from harness import OK, RECIPES, SOURCE, Case, main

sys.path.insert(0, str(SOURCE / "tests" / "oracle"))
from published_model import smollm2

LAYERS, HEADS, SHARED, STEPS = 30, 9, 2, 12
TIMEOUT = 1800  # of ctest; less than three minutes on a core of its own
HALVES = LAYERS * 4 * 2  # of the corrections to query, key, value and output

MODEL = smollm2()


def tensor_names(file):
    with open(file, "rb") as opened:
        (size,) = struct.unpack("<Q", opened.read(8))
        return set(json.loads(opened.read(size))) - {"__metadata__"}


class Run:
    """One run of the sweep, read."""

    def __init__(self, directory):
        self.directory = directory
        self.result = json.loads((directory / "result.json").read_text())
        self.calibration = json.loads((directory / "calibration.json").read_text())
        lines = [json.loads(line) for line in (directory / "log.jsonl").read_text().splitlines()]
        self.steps = [line for line in lines if line["kind"] == "train"]
        self.cv = self.result["final"]["cv"]
        self.loss = self.result["final"]["loss"]

    def same_for_all(self):
        own = ("balance.", "run.directory")
        return {key: value for key, value in self.result["config"].items() if not key.startswith(own)}


@unittest.skipIf(MODEL is None, "SmolLM2-135M is not here; next: ./dev models")
class Mending(Case):
    def setUp(self):
        super().setUp()
        # The chapters of the manual are the documents; some of them are held out.
        chapters = [part for page in sorted((SOURCE / "docs").glob("*.md")) for part in page.read_text().split("\n## ")]
        self.write("text.jsonl", "".join(json.dumps({"text": chapter}) + "\n" for chapter in chapters))

    def test_a_twin_and_two_balances(self):
        self.expect(OK, "sweep", RECIPES / "mending_sweep_test.toml", "--out", "mended", "--workers", "1", timeout=TIMEOUT - 100,
                    env={"SINKWISE_MODEL": str(MODEL), "SINKWISE_DATA_FILES": "text.jsonl"})
        report = self.load("mended", "report.json")
        runs = [Run(self.folder / directory) for arm in report["arms"] for directory in arm["directories"]]
        forms = [arm["balance"]["form"] for arm in report["arms"]]
        shared = [arm["balance"]["shared_heads"] for arm in report["arms"]]
        self.assertEqual((forms, shared[1:]), (["none", "cv", "cv"], [0, SHARED]))
        twin, every, some = runs
        self.check_same_beginning(runs)
        self.check_pairs(report, runs)
        self.check_heads(every, shared=0)
        self.check_heads(some, shared=SHARED)
        self.assertLessEqual(every.cv, twin.cv)
        self.assertLessEqual(some.cv, twin.cv)
        self.check_adapter(some)

    def check_same_beginning(self, runs):
        """Corrections start at zero, so the first step shows the rows and nothing else."""
        for run in runs:
            self.assertEqual([step["step"] for step in run.steps], list(range(1, STEPS + 1)))
            self.assertEqual(run.same_for_all(), runs[0].same_for_all())
            for key in ("loss", "cv_layers", "mean_gate"):
                self.assertEqual(run.steps[0][key], runs[0].steps[0][key], key)
            self.assertEqual(run.calibration["importance"], runs[0].calibration["importance"])

    def check_pairs(self, report, runs):
        self.assertEqual([pair["balanced_arm"] for pair in report["pairs"]], [1, 2])
        for pair in report["pairs"]:
            self.assertEqual((pair["base_arm"], pair["seeds"]), (0, [0]))
            (change,), (error,) = pair["change"]["loss"]["per_seed"], pair["row_error"]["per_seed"]
            self.assertAlmostEqual(change, runs[pair["balanced_arm"]].loss - runs[0].loss, places=12)
            self.assertTrue(math.isfinite(error) and error > 0, error)

    def check_heads(self, run, shared):
        """The brightest of every balanced layer are shared, by the gates before the first step."""
        calibration = run.calibration
        self.assertEqual(run.result["config"]["balance.shared_choice"], "frozen")
        self.assertLess(len(calibration["left_out"]), LAYERS)
        for layer, (routed, gates) in enumerate(zip(calibration["routed"], calibration["importance"], strict=True)):
            if layer in calibration["left_out"]:
                self.assertEqual(routed, [False] * HEADS)
                continue
            brightest = sorted(range(HEADS), key=lambda head: -gates[head])[:shared]
            self.assertEqual(routed, [head not in brightest for head in range(HEADS)], f"layer {layer}")

    def check_adapter(self, run):
        adapter = run.directory / "adapter"
        self.assertEqual(len(tensor_names(adapter / "adapter_model.safetensors")), HALVES)
        for words in ([MODEL, "--adapter", adapter], [run.directory / "model"]):
            self.expect(OK, "generate", *words, "--prompt", "The cat", "--tokens", "4")


if __name__ == "__main__":
    main()
