"""The command line itself: help, usage errors, versions, dry runs, and output for programs."""

import json
import os
import pty
import re
import subprocess
import time

from harness import BAD_CONFIG, BINARY, OK, RESOURCE, Case, environment, main

COMMANDS = [
    [], ["train"], ["finetune"], ["merge"], ["sweep"], ["compare"], ["inspect"], ["eval"], ["check"], ["generate"], ["bench"],
    ["bench", "overhead"], ["bench", "finetune"],
    ["bench", "step"], ["bench", "attention"], ["config"], ["config", "show"], ["version"],
]
ESCAPE = "\x1b"


class Help(Case):
    def test_every_command_explains_itself_at_once(self):
        for words in COMMANDS:
            with self.subTest(command=words):
                began = time.monotonic()
                done = self.expect(OK, *words, "--help")
                # Two seconds is the promise; the rest is for a busy machine or a sanitizer.
                self.assertLess(time.monotonic() - began, 10.0)
                self.assertRegex(done.stdout, "(?i)usage")
                self.assertEqual(done.stderr, "")

    def test_the_top_level_lists_every_command(self):
        text = self.expect(OK, "--help").stdout
        for words in COMMANDS[1:]:
            self.assertRegex(text, rf"(?m)^\s+{words[0]}\s")


class UsageErrors(Case):
    def refused(self, *words):
        done = self.expect(BAD_CONFIG, *words)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"next: +sinkwise")
        self.assertEqual(list(self.folder.iterdir()), [])
        return done.stderr

    def test_without_a_command(self):
        self.refused()

    def test_unknown_command_is_named(self):
        self.assertIn("trian", self.refused("trian"))

    def test_unknown_flag_is_named(self):
        for words in (["train", "a"], ["sweep", "a"], ["compare", "a"], ["check"],
                      ["bench", "step", "a"], ["config", "show"]):
            with self.subTest(command=words):
                self.assertIn("--no-such-flag", self.refused(*words, "--no-such-flag"))

    def test_a_misspelt_flag_gets_a_suggestion(self):
        for words, meant in ((["inspect", "a", "--text", "b", "--lenght", "16"], "--length"),
                             (["generate", "a", "--prompt", "b", "--temprature=0.5"], "--temperature"),
                             (["bench", "overhead", "a", "--piars", "3"], "--pairs")):
            with self.subTest(words=words):
                self.assertIn(f"did you mean {meant}?", self.refused(*words))

    def test_the_help_of_the_command_is_recommended(self):
        self.assertIn("sinkwise train --help", self.refused("train"))
        self.assertIn("sinkwise bench step --help", self.refused("bench", "step"))
        self.assertIn("sinkwise --help", self.refused("trian"))

    def test_what_is_missing_is_named(self):
        for words, missing in ((["train"], "recipe"), (["compare"], "folders"), (["sweep"], "file"),
                               (["bench", "step"], "recipe")):
            with self.subTest(command=words):
                self.assertIn(missing, self.refused(*words))

    def test_one_recipe_only(self):
        self.assertIn("second.toml", self.refused("train", "first.toml", "second.toml"))

    def test_numbers_of_the_command_line_are_checked(self):
        self.assertIn("--pairs", self.refused("bench", "overhead", "a.toml", "--pairs", "0"))
        self.assertIn("--steps", self.refused("bench", "step", "a.toml", "--steps", "many"))


class Version(Case):
    def test_both_spellings_agree(self):
        self.assertEqual(self.expect(OK, "--version").stdout, self.expect(OK, "version").stdout)

    def test_for_programs(self):
        told = json.loads(self.expect(OK, "version", "--json").stdout)
        self.assertLessEqual({"version", "commit", "build_type", "torch"}, set(told))
        self.assertIn(told["version"], self.expect(OK, "--version").stdout)


class DryRun(Case):
    def test_shows_sizes_and_writes_nothing(self):
        recipe = self.recipe()
        text = self.expect(OK, "train", recipe, "--dry-run").stdout
        for word in ("parameters", "memory", "disk", "steps"):
            self.assertIn(word, text)
        self.assertEqual(list(self.folder.iterdir()), [recipe])

    def test_for_programs(self):
        plan = json.loads(self.expect(OK, "train", self.recipe(), "--dry-run", "--json").stdout)
        self.assertEqual(plan["steps"], 30)
        self.assertEqual(plan["tokens_per_step"], 64)
        for key in ("parameters", "checkpoint_bytes", "disk_needed", "disk_free", "peak_memory"):
            self.assertGreater(plan[key], 0, key)
        self.assertFalse((self.folder / "run").exists())

    def test_tells_the_size_that_the_run_has(self):
        recipe = self.recipe()
        plan = json.loads(self.expect(OK, "train", recipe, "--dry-run", "--json").stdout)
        self.expect(OK, "train", recipe)
        self.assertEqual(plan["parameters"], self.load("run", "result.json")["model"]["parameters"])
        newest = self.folder / "run" / "step-30"
        tensors = sum(path.stat().st_size for path in newest.glob("*.safetensors"))
        self.assertEqual(plan["checkpoint_bytes"], tensors)


class Streams(Case):
    def test_the_result_alone_goes_to_stdout(self):
        done = self.expect(OK, "train", self.recipe())
        self.assertEqual(done.stdout, "run/result.json\n")

    def test_no_escape_bytes_without_a_terminal(self):
        recipe = self.recipe()
        for env in ({}, {"TERM": "xterm-256color"}, {"NO_COLOR": "1"}):
            with self.subTest(env=env):
                done = self.sinkwise("train", recipe, env=env)
                refused = self.sinkwise("train", "absent.toml", env=env)
                for text in (done.stdout, done.stderr, refused.stderr):
                    self.assertNotIn(ESCAPE, text)
                    self.assertNotIn("\r", text)

    def on_terminal(self, *words, env=None):
        """What the program shows when stderr is a terminal."""
        leader, follower = pty.openpty()
        process = subprocess.Popen([BINARY, *map(str, words)], cwd=self.folder, stderr=follower,
                                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                   env=environment(env))
        os.close(follower)
        shown = b""
        try:
            while chunk := os.read(leader, 65536):
                shown += chunk
        except OSError:
            pass  # how a terminal says that its last writer has gone
        os.close(leader)
        process.wait()
        return shown.decode()

    def test_colour_on_a_terminal_unless_refused(self):
        self.assertIn(ESCAPE, self.on_terminal("train", "absent.toml"))
        self.assertNotIn(ESCAPE, self.on_terminal("train", "absent.toml", env={"NO_COLOR": "1"}))

    def test_progress_on_a_terminal_shows_the_time_left(self):
        shown = self.on_terminal("train", self.recipe())
        self.assertRegex(shown, r"step \d+/30")
        self.assertIn("left ", shown)


class Bench(Case):
    def test_overhead(self):
        recipe = self.recipe(balance__form="cv")
        text = self.expect(OK, "bench", "overhead", recipe, "--pairs", "3").stdout
        self.assertRegex(text, r"ratio \d+\.\d+ .*median of 3 interleaved pairs")
        told = json.loads(self.expect(OK, "bench", "overhead", recipe, "--pairs", "3",
                                      "--json").stdout)
        self.assertEqual(told[0]["pairs"], 3)
        self.assertGreater(told[0]["ratio"], 0)
        self.assertFalse((self.folder / "run").exists())

    def test_overhead_needs_a_balance_loss(self):
        told = self.expect(BAD_CONFIG, "bench", "overhead", self.recipe(), "--pairs", "3").stderr
        self.assertIn("--set balance.form=cv", told)

    def test_step(self):
        told = json.loads(self.expect(OK, "bench", "step", self.recipe(), "--steps", "3",
                                      "--warmup", "0").stdout)
        self.assertEqual(len(told["step_ms"]), 3)
        self.assertTrue(all(time > 0 for time in told["step_ms"]))


    def test_attention(self):
        words = ("bench", "attention", "--length", "32", "--head-size", "16", "--heads", "2", "--dtype", "float32",
                 "--threads", "1", "--window", "0,8", "--seconds", "0.01", "--json")
        found = json.loads(self.expect(OK, *words, env={"SINKWISE_SIMD": "generic"}).stdout)
        self.assertEqual(found["instruction_set"], "generic")
        self.assertEqual([row["window"] for row in found["comparisons"]], [0, 8])
        for row in found["comparisons"]:
            self.assertEqual([times["name"] for times in row["times"]], ["kernel", "stock", "eager", "reference"])
            for times in row["times"]:
                self.assertGreater(times["both_ms"]["median"], 0)

    def test_an_instruction_set_the_processor_lacks(self):
        for words in (("bench", "attention", "--length", "32"), ("check",)):
            found = self.expect(BAD_CONFIG, *words, env={"SINKWISE_SIMD": "mmx"})
            self.assertIn("SINKWISE_SIMD", found.stderr)
            self.assertIn("generic", found.stderr)

    def test_the_instruction_set_is_no_configuration_key(self):
        self.expect(OK, "train", self.recipe(), "--dry-run", env={"SINKWISE_SIMD": "generic"})


class FullDisk(Case):
    def test_output_that_was_lost_is_no_success(self):
        for words in (["config", "show", self.recipe()], ["--version"]):
            with self.subTest(words=words), open("/dev/full", "w") as full:
                done = subprocess.run([BINARY, *map(str, words)], stdout=full, stderr=subprocess.PIPE, text=True,
                                      cwd=self.folder, env=environment())
                self.assertEqual(done.returncode, RESOURCE, done.stderr)
                self.assertIn("standard output", done.stderr)


class WorkingFolder(Case):
    def test_a_recipe_without_a_directory_goes_below_runs(self):
        settings = re.sub(r"(?m)^run\.directory.*\n", "", self.recipe().read_text())
        self.write("mine.toml", settings)
        self.assertEqual(self.expect(OK, "train", "mine.toml").stdout, "runs/mine/result.json\n")


if __name__ == "__main__":
    main()
