"""What the integration tests share: the program, a tiny recipe, and a folder of their own."""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = os.environ.get("SINKWISE_BIN", "")
SOURCE = pathlib.Path(os.environ.get("SINKWISE_SOURCE", pathlib.Path(__file__).parents[2]))
RECIPES = SOURCE / "recipes"

# The exit codes of docs/exit_codes.md.
OK, FAILURE, BAD_CONFIG, BAD_FILE, RESOURCE, LOCKED, NUMERICS, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 75

# A run of well under a second: one layer, four heads, thirty steps.
TINY = {
    "run.directory": "run",
    "run.threads": 1,
    "task.name": "bigram_backcopy",
    "task.length": 16,
    "task.symbols": 16,
    "task.validation_rows": 8,
    "model.layers": 1,
    "model.width": 32,
    "model.heads": 4,
    "model.positions": "learned",
    "optim.warmup_steps": 5,
    "train.steps": 30,
    "train.batch_rows": 4,
    "eval.every": 10,
    "eval.batch_rows": 8,
    "eval.ablation_rows": 8,
    "checkpoint.every": 5,
}


def toml_value(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(str(value)) if isinstance(value, (str, pathlib.Path)) else repr(value)


def toml(settings):
    """The text of a recipe; keys are dotted, which is TOML as well."""
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in settings.items())


def environment(extra=None):
    """The caller's environment without what would change a recipe, one thread, no colour asked."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SINKWISE_")}
    return {**kept, "OMP_NUM_THREADS": "1", **(extra or {})}


def assignments(settings):
    words = []
    for key, value in settings.items():
        words += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
    return words


def wait_until(condition, what, seconds=60, interval=0.002):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain until {what}")
        time.sleep(interval)


def snapshot(folder):
    """Every file below a folder with a hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(folder).rglob("*"))
        if path.is_file()
    }


class Case(unittest.TestCase):
    """Each test has an empty folder, self.folder, which is also where the program runs."""

    longMessage = True

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="sinkwise-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def recipe(self, name="tiny.toml", **changes):
        """Writes TINY with changes, whose names have __ for the dot."""
        settings = {**TINY, **{k.replace("__", "."): v for k, v in changes.items()}}
        return self.write(name, toml(settings))

    def sinkwise(self, *words, env=None, timeout=300, **options):
        """Runs the program to its end; stdout and stderr as text."""
        return subprocess.run(
            [BINARY, *map(str, words)], cwd=self.folder, env=environment(env), timeout=timeout,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)

    def start(self, *words, **options):
        """Starts the program and leaves it running; it is killed at the end of the test."""
        process = subprocess.Popen(
            [BINARY, *map(str, words)], cwd=self.folder, env=environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            **options)
        self.addCleanup(self._end, process)
        return process

    def _end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()

    def expect(self, code, *words, **options):
        """Runs the program and requires an exit code; returns the finished process."""
        done = self.sinkwise(*words, **options)
        told = f"\n$ sinkwise {' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
        self.assertEqual(done.returncode, code, told)
        return done

    def load(self, *parts):
        return json.loads(self.folder.joinpath(*parts).read_text())

    def steps(self, run="run"):
        """The steps of the checkpoints of a run, ascending."""
        return sorted(int(path.name[5:]) for path in (self.folder / run).glob("step-*")
                      if path.name[5:].isdigit())


def main():
    if not BINARY or not os.access(BINARY, os.X_OK):
        sys.exit("SINKWISE_BIN must name the program")
    unittest.main(verbosity=2)
