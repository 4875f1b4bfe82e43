"""`sinkwise sweep`: a grid of runs that can be stopped, repeated and repaired."""

import fcntl
import json
import pathlib
import signal
import time

from harness import (BAD_CONFIG, BAD_FILE, INTERRUPTED, NUMERICS, OK, SOURCE, Case, main, snapshot,
                     wait_until)
from report_files import ReportFiles

MODEL = SOURCE / "tests" / "fixtures" / "pretrained" / "llama"

SWEEP = """
title = "A tiny sweep"
out = "swept"
seeds = [0, 1]

[[arms]]
recipe = "tiny.toml"
grid = [
  ["attention.mechanism=sink", "attention.mechanism=vanilla"],
  ["balance.form=none", "balance.form=cv"],
]
"""


def is_owned(run):
    """Whether a process holds the lock of a run directory."""
    if not (run / "lock").exists():
        return False
    with open(run / "lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class Sweep(Case, ReportFiles):
    def sweep(self, text=SWEEP, **changes):
        self.recipe(**changes)
        return self.write("sweep.toml", text)

    def bits(self):
        """The files of all runs whose bytes do not depend on the clock."""
        return {name: hash for name, hash in snapshot(self.folder / "swept").items()
                if name.endswith((".safetensors", "log.jsonl"))}

    def runs(self):
        return sorted(path.parent for path in (self.folder / "swept").glob("*/output.txt"))

    def results(self):
        return sorted((self.folder / "swept").glob("*/result.json"))

    def wait_for_training(self):
        wait_until(lambda: any((self.folder / "swept").glob("*/timing.jsonl")), "a run trains")


class Finishes(Sweep):
    def test_report_and_second_call(self):
        sweep = self.sweep()
        began = time.monotonic()
        done = self.expect(OK, "sweep", sweep)
        first_seconds = time.monotonic() - began
        report = self.check_report(self.folder / "swept")
        self.assertEqual([arm["seeds"] for arm in report["arms"]], [[0, 1]] * 4)
        self.assertEqual(len(self.results()), 8)
        self.check_table(done.stdout)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.check_second_call(sweep, first_seconds)

    def check_second_call(self, sweep, first_seconds):
        before = {k: v for k, v in snapshot(self.folder / "swept").items()
                  if not k.endswith(("lock", "output.txt"))}
        began = time.monotonic()
        self.expect(OK, "sweep", sweep)
        # Eight starts and no training; the bound is generous to a busy machine.
        self.assertLess(time.monotonic() - began, first_seconds + 5)
        after = snapshot(self.folder / "swept")
        self.assertEqual({name: after[name] for name in before}, before)

    def test_another_place(self):
        self.expect(OK, "sweep", self.sweep(), "--out", "elsewhere", "--workers", "1")
        self.check_report(self.folder / "elsewhere")
        self.assertFalse((self.folder / "swept").exists())

    def test_overhead(self):
        extra = '[[overhead]]\nrecipe = "tiny.toml"\nset = ["balance.form=cv"]\npairs = 3\n'
        self.expect(OK, "sweep", self.sweep(SWEEP.replace("[0, 1]", "[0]") + extra))
        report = self.check_report(self.folder / "swept")
        self.assertEqual([entry["pairs"] for entry in report["overhead"]], [3])
        stored = (self.folder / "swept" / "overhead.json").read_bytes()
        self.assertNotIn("timing", self.expect(OK, "sweep", "sweep.toml").stderr)
        self.assertEqual((self.folder / "swept" / "overhead.json").read_bytes(), stored)
        self.check_timed_anew("pairs = 3", "pairs = 2")
        self.check_timed_anew('"balance.form=cv"]', '"balance.form=cv", "model.mlp_hidden=16"]')
        self.write("swept/overhead.json", "[{")
        self.check_timed_anew("pairs = 2", "pairs = 2")

    def check_timed_anew(self, before, after):
        path = self.folder / "sweep.toml"
        head, overhead = path.read_text().split("[[overhead]]")
        path.write_text(f"{head}[[overhead]]{overhead.replace(before, after)}")
        self.assertIn("timing the balance loss", self.expect(OK, "sweep", "sweep.toml").stderr)
        self.check_report(self.folder / "swept")

    def test_evaluation_of_what_was_fine_tuned(self):
        self.write("text.txt", "".join(f"The cat {n % 7} sat on the mat.\n" for n in range(150)))
        self.write("rows.jsonl", "".join(
            json.dumps({"ctx": f"The cat {n} sat on", "endings": ["the mat", "a log"], "label": n % 2}) + "\n"
            for n in range(6)))
        self.write("tune.toml", "data.length = 16\ndata.validation_rows = 4\nbalance.calibration_rows = 4\n"
                   "train.steps = 4\ntrain.batch_rows = 2\noptim.warmup_steps = 0\nlora.rank = 2\n")
        arm = f'out = "swept"\n[[arms]]\ncommand = "finetune"\nrecipe = "tune.toml"\nset = ["model={MODEL}", ' \
              '"data.files=text.txt"]\ngrid = [["balance.form=none", "balance.form=cv"]]\n'
        self.write("sweep.toml", arm)
        words = ("sweep", "sweep.toml", "--task", "multiple_choice=rows.jsonl")
        self.expect(OK, *words)
        report = self.check_report(self.folder / "swept")
        for arm in report["arms"]:
            self.assertEqual([(one["task"], one["name"], one["count"]) for one in arm["evaluation"]],
                             [("multiple_choice", "acc", 6), ("multiple_choice", "acc_norm", 6)])
            own = json.loads((pathlib.Path(arm["directories"][0].replace("swept", str(self.folder / "swept"), 1)) /
                              "evaluation" / "evaluation.json").read_text())
            self.assertEqual(arm["evaluation"][0]["value"]["mean"], own["tasks"][0]["metrics"][0]["value"])
            self.assertEqual(own["against"]["model"], str(MODEL))
        self.assertEqual(len(report["pairs"][0]["evaluation_change"]), 2)
        before = snapshot(self.folder / "swept" / "untouched")
        self.expect(OK, *words)
        after = snapshot(self.folder / "swept" / "untouched")
        self.assertEqual(after["items.jsonl"], before["items.jsonl"])
        self.refuse_evaluation(words[:-1] + ("multiple_choice=absent.jsonl",), BAD_FILE, "absent.jsonl")
        self.refuse_evaluation(words[:-1] + ("rows.jsonl",), BAD_CONFIG, "NAME=FILE")
        self.assertIn("other tasks", self.expect(BAD_CONFIG, *words, "--task", "hellaswag=rows.jsonl").stderr)
        self.refuse_evaluation(("sweep", self.sweep(), *words[2:]), BAD_CONFIG, 'command = "finetune"')

    def refuse_evaluation(self, words, code, said):
        told = self.expect(code, *words, "--out", "refused").stderr
        self.assertIn(said, told)
        self.assertFalse((self.folder / "refused").exists())

    def test_labels_tell_apart_what_no_arm_would(self):
        arm = '[[arms]]\nrecipe = "tiny.toml"\nset = ["attention.mechanism=sink", '
        arms = (f'{arm}"attention.sink_init={value}", "run.label=init_{value}"]\n'
                for value in (0, 4))
        self.expect(OK, "sweep", self.sweep('out = "swept"\n' + "".join(arms)))
        labels = [arm["label"] for arm in self.check_report(self.folder / "swept")["arms"]]
        self.assertEqual(labels, ["init_0", "init_4"])


class Stopped(Sweep):
    LONG = {"train__steps": 300, "train__batch_rows": 32, "checkpoint__every": 100}

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=120)
        self.assertEqual(process.returncode, INTERRUPTED, told)
        self.assertIn("the same command goes on", told)

    def test_goes_on_to_the_same_bits(self):
        sweep = self.sweep(SWEEP.replace("[0, 1]", "[0]"), **self.LONG)
        self.expect(OK, "sweep", sweep)
        undisturbed = self.bits()
        (self.folder / "swept").rename(self.folder / "undisturbed")
        process = self.start("sweep", sweep)
        self.wait_for_training()
        self.stop(process)
        self.assertLess(len(self.results()), 4)
        self.assertEqual([run.name for run in self.runs() if is_owned(run)], [])
        self.expect(OK, "sweep", sweep)
        self.assertEqual(self.bits(), undisturbed)
        self.check_report(self.folder / "swept")

    def test_stopped_while_its_runs_start(self):
        sweep = self.sweep(**self.LONG)
        for delay in (0.0, 0.05, 0.1, 0.2):
            with self.subTest(delay=delay):
                out = f"after-{delay}"
                process = self.start("sweep", sweep, "--out", out)
                wait_until(lambda: any(self.folder.glob(f"{out}/*/output.txt")), "a run starts")
                time.sleep(delay)
                self.stop(process)
                self.assertFalse((self.folder / out / "report.json").exists())


class Fails(Sweep):
    def test_a_failing_run_is_named_with_its_output(self):
        bad = '[[arms]]\nrecipe = "tiny.toml"\nset = ["task.name=text", "data.files=absent"]\n'
        self.sweep(SWEEP + bad)
        done = self.expect(BAD_FILE, "sweep", "sweep.toml")
        outputs = [run / "output.txt" for run in self.runs()
                   if "absent" in (run / "output.txt").read_text()]
        self.assertTrue(any(str(path.relative_to(self.folder)) in done.stderr for path in outputs),
                        done.stderr)
        self.assertRegex(done.stderr, r"next: +\S")
        self.assertFalse((self.folder / "swept" / "report.json").exists())
        self.write("sweep.toml", SWEEP)  # repaired: the same command finishes
        self.expect(OK, "sweep", "sweep.toml")
        self.check_report(self.folder / "swept")

    def test_ends_with_the_code_of_the_run(self):
        diverging = ('out = "swept"\n[[arms]]\nrecipe = "tiny.toml"\n'
                     'set = ["optim.lr=1e30", "optim.warmup_steps=0"]\n')
        told = self.expect(NUMERICS, "sweep", self.sweep(diverging)).stderr
        self.assertIn(f"(exit code {NUMERICS})", told)
        for checkpoint in (self.folder / "swept").glob("*/step-*"):
            (checkpoint / "manifest.json").unlink()
        self.assertIn(f"(exit code {BAD_FILE})", self.expect(BAD_FILE, "sweep", "sweep.toml").stderr)

    def refused(self, text, *expected):
        self.sweep(text)
        told = self.expect(BAD_CONFIG, "sweep", "sweep.toml").stderr
        for part in ("sweep.toml", *expected):
            self.assertIn(part, told)
        self.assertFalse((self.folder / "swept").exists())

    def test_files_that_are_no_sweep(self):
        arm = 'out = "swept"\n[[arms]]\nrecipe = "tiny.toml"\n'
        for text, expected in (
                ("title = = 1", [":1", "TOML"]),
                ("", ["no run"]),
                ('out = "swept"\nsedes = [1]\n' + arm[14:], ["sedes", "did you mean seeds?", ":2"]),
                (arm + "sets = []\n", ["sets", ":4"]),
                (arm + 'set = ["no assignment"]\n', ["key=value", ":4"]),
                (arm + 'grid = "all"\n', ["grid", ":4"]),
                (arm + "seeds = [-1]\n", ["seed", ":4"]),
                (arm + "cost = 0\n", ["cost", ":4"]),
                (arm + 'set = ["run.threads=2"]\n', ["run.threads", "--workers", ":4"]),
                (arm + "[[arms]]\nrecipe = 'tiny.toml'\n", ["one name"]),
                ("arms = 3", ["arms", ":1"])):
            with self.subTest(text=text):
                self.refused(text, *expected)

    def test_what_only_a_run_would_refuse_is_refused_before_the_first(self):
        arm = 'out = "swept"\n[[arms]]\nrecipe = "tiny.toml"\n'
        other = '[[arms]]\nrecipe = "tiny.toml"\n'
        for text, expected in (
                (arm + other + 'set = ["model.heads=5"]\n', ["tiny-5-seed0", "model.heads"]),
                (arm + other + 'set = ["optim.lrr=5"]\n', ["tiny-5-seed0", "mean optim.lr?"]),
                (arm + 'set = ["optim.lr=1"]\ngrid = [["optim.lr=2"]]\n', ["set twice"]),
                (arm + '[[overhead]]\nrecipe = "tiny.toml"\nset = ["model.heads=5"]\n',
                 ["[[overhead]]", "model.heads"])):
            with self.subTest(text=text):
                self.assertIn(expected[0], self.refused_runs(text))
                self.assertIn(expected[-1], self.refused_runs(text))

    def test_runs_that_the_comparison_could_not_tell_apart_are_refused_before_the_first(self):
        arm = 'out = "swept"\n[[arms]]\nrecipe = "tiny.toml"\n'
        inits = 'grid = [["attention.sink_init=0", "attention.sink_init=4"]]\n'
        told = self.refused_runs(arm + inits)
        for part in ("tiny-0-seed0 and tiny-4-seed0", "attention.sink_init", "run.label",
                     "sweep.toml"):
            self.assertIn(part, told)
        self.recipe("twin.toml", optim__lr=0.5)
        told = self.refused_runs(arm + '[[arms]]\nrecipe = "twin.toml"\n')
        self.assertIn("tiny-seed0 and twin-seed0, which differ in optim.lr\n", told)

    def refused_runs(self, text):
        self.sweep(text)
        told = self.expect(BAD_CONFIG, "sweep", "sweep.toml").stderr
        self.assertFalse((self.folder / "swept").exists())
        return told

    def test_missing_file(self):
        self.assertIn("absent.toml", self.expect(BAD_FILE, "sweep", "absent.toml").stderr)


if __name__ == "__main__":
    main()
