"""Runs that are killed, stopped, damaged or out of room end with the bits of an undisturbed run."""

import array
import json
import random
import re
import resource
import shutil
import signal
import struct
import time

from harness import (BAD_CONFIG, BAD_FILE, INTERRUPTED, LOCKED, NUMERICS, OK, RESOURCE, Case,
                     assignments, main, snapshot, toml, wait_until, TINY)

# Steps long enough to be hit, checkpoints frequent enough that saves are hit too. The balance loss
# has a frozen shared head, so that its choice has to survive as well.
DISTURBED = {
    **TINY,
    "task.length": 32,
    "attention.mechanism": "sink",
    "balance.form": "cv",
    "balance.shared_heads": 1,
    "train.steps": 60,
    "train.batch_rows": 64,
    "checkpoint.every": 3,
}
STEPS = DISTURBED["train.steps"]


class Disturbed(Case):
    """One undisturbed run for all tests of a class; the others go to directories of their own."""

    changes = {}

    def setUp(self):
        super().setUp()
        self.path = self.write("recipe.toml", toml({**DISTURBED, **self.changes}))
        if "reference" not in type(self).__dict__:
            type(self).reference = self.undisturbed()

    def undisturbed(self):
        self.expect(OK, "train", self.path, "--set", "run.directory=undisturbed")
        type(self).seconds = self.load("undisturbed", "result.json")["time"]["wall_seconds"]
        return self.outcome("undisturbed")

    def outcome(self, run):
        """What must not depend on what happened on the way."""
        newest = self.folder / run / f"step-{self.steps(run)[-1]}"
        files = [self.folder / run / "log.jsonl", newest / "model.safetensors",
                 newest / "optimizer.safetensors"]
        outcome = {path.name: path.read_bytes() for path in files}
        outcome["newest"] = newest.name
        outcome["final"] = self.load(run, "result.json")["final"]
        return outcome

    def check_same_outcome(self, run="run"):
        for what, value in self.outcome(run).items():
            self.assertTrue(value == self.reference[what], f"{what} differs")
        leftovers = [path.name for path in (self.folder / run).iterdir() if "step-" in path.name
                     and not re.fullmatch(r"step-\d+", path.name)]
        self.assertEqual(leftovers, [])

    def go_on(self, *words):
        """Starts or resumes the run and waits until it trains."""
        process = self.start("train", self.path, *words)
        for line in process.stderr:
            if line.startswith(("resumed at", "validation at 0")):
                return process
        self.fail(f"ended before it trained: exit code {process.wait()}")

    def stop(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
        return process.returncode, told


class Killed(Disturbed):
    kills = 12

    def test_killed_at_random_moments(self):
        draw = random.Random(1)
        for kill in range(self.kills):
            if kill % 4 == 3:  # while it starts
                process = self.start("train", self.path)
                time.sleep(draw.uniform(0.0, 0.4))
            else:
                process = self.go_on()
                time.sleep(draw.uniform(0.0, self.seconds / self.kills))
            code, _ = self.stop(process, signal.SIGKILL)
            self.assertEqual(code, -signal.SIGKILL, "it ended before it was killed")
        self.expect(OK, "train", self.path)
        self.check_same_outcome()

    def test_asked_to_stop_at_random_moments(self):
        draw = random.Random(2)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
            process = self.go_on()
            time.sleep(draw.uniform(0.0, self.seconds / 8))
            code, told = self.stop(process, number)
            self.assertEqual(code, INTERRUPTED, told)
            self.assertIn("the same command goes on", told)
            self.assertEqual(self.steps()[-1], self.last_logged_step())
        self.expect(OK, "train", self.path)
        self.check_same_outcome()

    def last_logged_step(self):
        lines = (self.folder / "run" / "log.jsonl").read_text().splitlines()
        return json.loads(lines[-1])["step"]


class KilledWhileAccumulating(Killed):
    """Four forward passes a step."""

    changes = {"train.micro_rows": 16}
    kills = 6


class Owned(Disturbed):
    changes = {"train.steps": 100000}

    def undisturbed(self):
        return None

    def test_second_process_is_told_who_has_the_run(self):
        first = self.go_on()
        told = self.expect(LOCKED, "train", self.path).stderr
        self.assertIn(f"process {first.pid} ", told)
        self.assertRegex(told, r"next: +\S")
        self.assertEqual(self.stop(first)[0], INTERRUPTED)

    def test_starting_over_leaves_a_run_alone_that_is_being_trained(self):
        first = self.go_on()
        wait_until(self.steps, "there is a checkpoint")
        told = self.expect(LOCKED, "train", self.path, "--fresh", "--force").stderr
        self.assertIn(f"process {first.pid} ", told)
        for name in ("config.toml", "log.jsonl", "timing.jsonl"):
            self.assertTrue((self.folder / "run" / name).exists(), f"{name} was removed")
        self.assertTrue(self.steps())
        self.assertEqual(self.stop(first)[0], INTERRUPTED)

    def test_free_again_after_a_kill(self):
        self.stop(self.go_on(), signal.SIGKILL)
        self.assertEqual(self.stop(self.go_on())[0], INTERRUPTED)


class Finished(Disturbed):
    def setUp(self):
        super().setUp()
        self.expect(OK, "train", self.path)

    def test_again_changes_nothing(self):
        before = self.contents()
        self.assertIn("had finished before", self.expect(OK, "train", self.path).stderr)
        self.assertEqual(self.contents(), before)

    def contents(self):
        return {k: v for k, v in snapshot(self.folder / "run").items() if k != "lock"}

    def test_another_recipe_is_refused_and_the_key_named(self):
        before = self.contents()
        for key, value in (("optim.lr", 0.5), ("model.width", 64), ("balance.form", "none"),
                           ("train.steps", 61), ("run.seed", 1)):
            with self.subTest(key=key):
                words = assignments({key: value})
                told = self.expect(BAD_CONFIG, "train", self.path, *words).stderr
                self.assertRegex(told, rf"{key}: the run was started with .*, now .*{value}")
        self.assertEqual(self.contents(), before)

    def test_keys_that_decide_no_bit_may_change(self):
        words = assignments({"checkpoint.keep": 3, "log.every": 2, "run.threads": 2})
        self.expect(OK, "train", self.path, *words)

    def test_starting_over_needs_force(self):
        before = self.contents()
        told = self.expect(BAD_CONFIG, "train", self.path, "--fresh").stderr
        self.assertIn("--force", told)
        lost = assignments({"task.name": "text", "data.files": "nowhere.txt"})
        self.expect(BAD_FILE, "train", self.path, "--fresh", "--force", *lost)
        self.assertEqual(self.contents(), before, "nothing goes before the data could be read")
        self.expect(OK, "train", self.path, "--fresh", "--force")
        self.check_same_outcome()

    def test_damaged_newest_checkpoint(self):
        for name in ("model.safetensors", "optimizer.safetensors", "manifest.json"):
            with self.subTest(file=name):
                self.flip_a_byte(f"step-{STEPS}", name)
                told = self.expect(OK, "train", self.path).stderr
                self.assertIn(f"step-{STEPS}", told)
                self.assertIn(name, told)
                self.assertIn(f"resumed at step {STEPS - 3} of {STEPS}", told)
                self.check_same_outcome()

    def test_newest_checkpoint_cut_short_or_gone(self):
        newest = self.folder / "run" / f"step-{STEPS}"
        model = newest / "model.safetensors"
        model.write_bytes(model.read_bytes()[:-1])
        self.assertIn(model.name, self.expect(OK, "train", self.path).stderr)
        self.check_same_outcome()
        shutil.rmtree(newest)
        self.expect(OK, "train", self.path)
        self.check_same_outcome()

    def test_both_checkpoints_damaged(self):
        for step in self.steps():
            self.flip_a_byte(f"step-{step}", "model.safetensors")
        before = self.contents()
        told = self.expect(BAD_FILE, "train", self.path).stderr
        self.assertEqual(told.count("passed over"), 2)
        self.assertIn(f"step-{STEPS}, step-{STEPS - 3}", told)
        self.assertEqual(self.contents(), before)
        (self.folder / "run" / "config.toml").unlink()  # what the advice says works without it too
        self.assertRegex(told, r"next: .*--fresh --force")
        self.assertIn("step-", self.expect(BAD_CONFIG, "train", self.path, "--fresh").stderr)
        self.expect(OK, "train", self.path, "--fresh", "--force")
        self.check_same_outcome()

    def flip_a_byte(self, *parts):
        path = self.folder.joinpath("run", *parts)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


class NoRoom(Disturbed):
    def test_writes_that_fail(self):
        process = self.go_on()
        wait_until(self.steps, "there is a checkpoint")
        self.assertEqual(self.stop(process)[0], INTERRUPTED)
        before = self.checkpoints()
        # What does not fit first: the lock, the log, the weights, the optimiser state.
        for limit in (1, 3000, 30000, 120000):
            with self.subTest(bytes=limit):
                failed = self.sinkwise("train", self.path, preexec_fn=lambda: limit_files(limit))
                self.assertEqual(failed.returncode, RESOURCE, failed.stderr)
                self.assertRegex(failed.stderr, r"where: +run/\S+")
                self.assertRegex(failed.stderr, r"next: +\S")
                self.assertEqual(self.checkpoints(), before)
        self.expect(OK, "train", self.path)
        self.check_same_outcome()

    def checkpoints(self):
        return {name: hash for name, hash in snapshot(self.folder / "run").items()
                if re.match(r"step-\d+/", name)}


def limit_files(size):
    """No file of this process may grow beyond size; what is beyond fails as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def tensors(path):
    """The float32 tensors of a safetensors file."""
    content = path.read_bytes()
    (size,) = struct.unpack_from("<Q", content)
    for name, entry in json.loads(content[8:8 + size]).items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = entry["data_offsets"]
        yield name, array.array("f", content[8 + size + first:8 + size + last])


class NotFinite(Case):
    def test_stops_with_its_own_code_and_keeps_finite_weights(self):
        recipe = self.recipe(optim__lr=1e30)
        for _ in range(2):  # giving the same command again does not help, and does no harm
            told = self.expect(NUMERICS, "train", recipe).stderr
            self.assertIn("5 steps in a row were not finite", told)
            self.assertIn("skipped", told)
            self.check_weights()
        self.assertFalse((self.folder / "run" / "result.json").exists())
        self.check_advice(told)

    def check_weights(self):
        for path in (self.folder / "run").glob("step-*/*.safetensors"):
            for name, values in tensors(path):
                finite = all(abs(value) < float("inf") for value in values)
                self.assertTrue(finite, f"{path.name}: {name}")

    def check_advice(self, told):
        rows = json.loads(self.expect(OK, "config", "show", "--json").stdout)
        known = {row["key"] for row in rows}
        self.assertLessEqual(set(re.findall(r"\b(?:optim|train)\.\w+", told)), known)
        self.assertIn("optim.lr", told)


if __name__ == "__main__":
    main()
