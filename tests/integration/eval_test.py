"""`sinkwise eval`, on the small random model with a tokenizer in tests/fixtures/pretrained/llama."""

import json
import shutil

from harness import (BAD_CONFIG, BAD_FILE, INTERRUPTED, LOCKED, OK, RESOURCE, SOURCE, Case, main, snapshot,
                     wait_until)

MODEL = SOURCE / "tests" / "fixtures" / "pretrained" / "llama"
TEXT = "Once the lion and the ant sat on a log, then on the lawn. " * 20


def rows(count):
    """Multiple choice whose rows differ in length."""
    return "".join(json.dumps({"ctx": "Once the ant" + " and the lion" * (i % 7),
                               "endings": ["sat on " + "a" * (i % 5), "was"], "label": i % 2}) + "\n"
                   for i in range(count))


PAIRS = "".join(json.dumps({"uid": uid, "good": f"the ants are on {word}.", "bad": f"the ants is on {word}."}) + "\n"
                for uid in ("first", "second") for word in ("a log", "the lawn", "an ant"))
WORDS = "".join(json.dumps({"ctx": "the lion sat on a log and then on the", "target": " " + word}) + "\n"
                for word in ("log", "lawn", "lion"))


class Eval(Case):
    def setUp(self):
        super().setUp()
        self.write("rows.jsonl", rows(30))
        self.write("pairs.jsonl", PAIRS)
        self.write("words.jsonl", WORDS)
        self.write("text.txt", TEXT)

    TASKS = ["--task", "multiple_choice=rows.jsonl", "--task", "blimp=pairs.jsonl", "--task", "lambada=words.jsonl",
             "--text", "text.txt"]

    def eval(self, code, *words, model=MODEL):
        return self.expect(code, "eval", model, "--threads", "1", *words)

    def metrics(self, out, task):
        for found in self.load(out, "evaluation.json")["tasks"]:
            if found["name"] == task:
                return {metric["name"]: metric for metric in found["metrics"]}
        self.fail(f"no task {task}")


class Output(Eval):
    def test_table_evaluation_and_items(self):
        done = self.eval(OK, *self.TASKS, "--out", "out")
        for word in ("multiple_choice", "acc_norm", "lambada", "perplexity", "bits_per_byte", "second"):
            self.assertIn(word, done.stdout)
        told = self.load("out", "evaluation.json")
        self.assertEqual(told["schema"], "sinkwise.evaluation/1")
        self.assertEqual([(task["name"], task["kind"], task["count"]) for task in told["tasks"][:3]],
                         [("multiple_choice", "normalised_choices", 30), ("blimp", "choices", 6),
                          ("lambada", "last_word", 3)])
        self.assertEqual([(group["name"], group["count"]) for group in told["tasks"][1]["groups"]],
                         [("first", 3), ("second", 3)])
        self.assertIsNone(told["against"])
        items = [json.loads(line) for line in (self.folder / "out/items.jsonl").read_text().splitlines()]
        self.assertEqual(len(items), sum(task["count"] for task in told["tasks"]))
        correct = [item["metrics"]["acc"] for item in items if item["task"] == "multiple_choice"]
        self.assertAlmostEqual(self.metrics("out", "multiple_choice")["acc"]["value"], sum(correct) / 30)

    def test_the_text_counts_every_byte_once(self):
        self.eval(OK, "--text", "text.txt", "--length", "24", "--stride", "5", "--out", "out")
        items = [json.loads(line) for line in (self.folder / "out/items.jsonl").read_text().splitlines()]
        self.assertEqual(sum(item["lengths"][0] for item in items), len(TEXT))

    def test_more_context_changes_the_text_and_nothing_else(self):
        for name, stride in (("a", 4), ("b", 24)):
            self.eval(OK, *self.TASKS, "--length", "24", "--stride", stride, "--out", name)
        self.assertNotEqual(self.metrics("a", "text:text.txt"), self.metrics("b", "text:text.txt"))
        self.assertEqual(self.metrics("a", "multiple_choice"), self.metrics("b", "multiple_choice"))

    def test_json_is_the_file(self):
        done = self.eval(OK, *self.TASKS, "--out", "out", "--json")
        self.assertEqual(done.stdout, (self.folder / "out/evaluation.json").read_text())

    def test_limit(self):
        self.eval(OK, *self.TASKS, "--limit", "2", "--out", "out")
        self.assertEqual({task["count"] for task in self.load("out", "evaluation.json")["tasks"]}, {2})

    def test_without_out_nothing_is_written(self):
        before = snapshot(self.folder)
        self.assertIn("acc_norm", self.eval(OK, *self.TASKS).stdout)
        self.assertEqual(snapshot(self.folder), before)

    def test_beginning_token(self):
        for rule, ids in (("auto", [1]), ("always", [1]), ("never", [])):
            self.eval(OK, *self.TASKS, "--bos", rule, "--out", rule)
            self.assertEqual(self.load(rule, "evaluation.json")["bos"], {"rule": rule, "ids": ids})
        self.assertEqual(self.metrics("auto", "lambada"), self.metrics("always", "lambada"))
        self.assertNotEqual(self.metrics("auto", "lambada"), self.metrics("never", "lambada"))

    def test_cut_context_is_said(self):
        self.write("rows.jsonl", json.dumps({"ctx": "Once the lion sat. " * 30, "endings": ["a", "b"], "label": 0}))
        done = self.eval(OK, "--task", "multiple_choice=rows.jsonl")
        self.assertIn("1 of 1 items lost context", done.stdout)


class Resume(Eval):
    WORDS = ["--task", "multiple_choice=rows.jsonl", "--batch-tokens", "40", "--out"]

    def test_killed_at_some_moments_ends_with_the_same_bytes(self):
        self.write("rows.jsonl", rows(400))
        self.eval(OK, *self.WORDS, "whole")
        whole = snapshot(self.folder / "whole")
        items = self.folder / "cut" / "items.jsonl"
        killed = 0
        for part in (0.1, 0.4, 0.8):
            process = self.start("eval", MODEL, "--threads", "1", *self.WORDS, "cut")
            wanted = part * (self.folder / "whole" / "items.jsonl").stat().st_size
            wait_until(lambda: items.exists() and items.stat().st_size >= wanted or process.poll() is not None,
                       "items are there")
            process.kill()
            killed += process.wait() == -9
        self.assertGreater(killed, 0)
        self.assertFalse((self.folder / "cut" / "evaluation.json").exists())
        done = self.eval(OK, *self.WORDS, "cut")
        self.assertIn("going on after", done.stderr)
        # The command in evaluation.json has no --out, so that all files are the same.
        self.assertEqual(snapshot(self.folder / "cut"), whole)

    def test_asked_to_stop(self):
        self.write("rows.jsonl", rows(1000))
        process = self.start("eval", MODEL, "--threads", "1", *self.WORDS, "out")
        items = self.folder / "out" / "items.jsonl"
        wait_until(lambda: items.exists() and items.stat().st_size > 0, "an item is there")
        process.terminate()
        self.assertEqual(process.wait(), INTERRUPTED)
        self.assertTrue(items.read_bytes().endswith(b"\n"))

    def test_another_process(self):
        self.write("rows.jsonl", rows(1000))
        process = self.start("eval", MODEL, "--threads", "1", *self.WORDS, "out")
        items = self.folder / "out" / "items.jsonl"
        wait_until(lambda: items.exists() and items.stat().st_size > 0, "an item is there")
        self.assertIn("another process", self.eval(LOCKED, *self.WORDS, "out").stderr)
        process.kill()

    def test_other_settings_and_other_models_are_refused(self):
        self.eval(OK, *self.WORDS, "out")
        before = snapshot(self.folder / "out")
        model = self.folder / "model"
        shutil.copytree(MODEL, model)
        weights = bytearray((model / "model.safetensors").read_bytes())
        weights[-1] ^= 1
        (model / "model.safetensors").write_bytes(weights)
        self.assertIn("/model:", self.eval(BAD_CONFIG, *self.WORDS, "out", model=model).stderr)
        for words, said in ((["--batch-tokens", "41"], "/batch_tokens: 40 there, 41 now"), (["--limit", "3"], "/count"),
                            (["--bos", "never"], "/bos"), (["--task", "lambada=words.jsonl"], "/tasks/lambada/")):
            words = [*self.WORDS[:2], *words, "--out", "out"]
            if "--batch-tokens" not in words:
                words += ["--batch-tokens", "40"]
            self.assertIn(said, self.eval(BAD_CONFIG, *words).stderr)
        self.assertEqual(snapshot(self.folder / "out"), before)

    def test_what_an_evaluation_writes_is_no_part_of_the_model(self):
        model = self.folder / "model"
        shutil.copytree(MODEL, model)
        self.eval(OK, *self.WORDS, model, model=model)
        self.write("model/report.json", "{}")
        before = snapshot(model)
        self.eval(OK, *self.WORDS, model, model=model)
        self.assertEqual(snapshot(model), before)

    def test_another_tokenizer_or_configuration_is_another_evaluation(self):
        model = self.folder / "model"
        shutil.copytree(MODEL, model)
        weights = model / "model.safetensors"
        self.eval(OK, *self.WORDS, "out", model=weights)
        config = json.loads((model / "config.json").read_text())
        self.write("model/config.json", json.dumps({**config, "rms_norm_eps": 1e-3}))
        self.assertIn("/model:", self.eval(BAD_CONFIG, *self.WORDS, "out", model=weights).stderr)
        self.write("model/config.json", json.dumps(config))
        tokenizer = json.loads((model / "tokenizer.json").read_text())
        tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:3]
        self.write("model/tokenizer.json", json.dumps(tokenizer))
        self.assertIn("/ids:", self.eval(BAD_CONFIG, *self.WORDS, "out", model=weights).stderr)


class Against(Eval):
    def test_one_window_decides_nothing(self):
        self.write("short.txt", TEXT[:40])
        self.eval(OK, "--text", "short.txt", "--out", "one")
        done = self.eval(OK, "--text", "short.txt", "--out", "two", "--bos", "always", "--against", "one")
        self.assertIn("undecided", done.stdout)
        told = self.load("two", "evaluation.json")["against"]["tasks"][0]["metrics"]
        self.assertEqual([(metric["low"], metric["high"]) for metric in told], [(None, None)] * len(told))

    def test_perplexity_is_of_one_tokenizer(self):
        other = self.folder / "model"
        shutil.copytree(MODEL, other)
        tokenizer = json.loads((other / "tokenizer.json").read_text())
        tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:3]
        self.write("model/tokenizer.json", json.dumps(tokenizer))
        self.write("short.txt", TEXT[:20])  # one window either way
        self.eval(OK, "--text", "short.txt", "--out", "one")
        done = self.eval(BAD_CONFIG, "--text", "short.txt", "--out", "two", "--against", "one", model=other)
        self.assertIn("ids", done.stderr)

    def test_paired_differences(self):
        other = self.folder / "model"
        shutil.copytree(MODEL, other)
        weights = bytearray((other / "model.safetensors").read_bytes())
        for at in range(len(weights) - 8000, len(weights), 4):
            weights[at + 1] ^= 0xFF
        (other / "model.safetensors").write_bytes(weights)
        self.eval(OK, *self.TASKS, "--out", "one")
        done = self.eval(OK, *self.TASKS, "--out", "two", "--against", "one", model=other)
        self.assertIn("95 % interval", done.stdout)
        told = self.load("two", "evaluation.json")["against"]
        self.assertEqual((told["resamples"], told["seed"], told["directory"]), (10000, 0, "one"))
        for task in told["tasks"]:
            for metric in task["metrics"]:
                found = self.metrics("two", task["name"])[metric["name"]]["value"]
                before = self.metrics("one", task["name"])[metric["name"]]["value"]
                self.assertEqual((metric["value"], metric["other"]), (found, before))
                self.assertAlmostEqual(metric["difference"], found - before)
                self.assertLessEqual(metric["low"], metric["high"])
        first = snapshot(self.folder / "two")
        self.eval(OK, *self.TASKS, "--out", "two", "--against", "one", model=other)
        self.assertEqual(snapshot(self.folder / "two"), first)

    def test_other_items_are_refused_before_anything_is_scored(self):
        self.eval(OK, *self.TASKS, "--out", "one")
        self.write("pairs.jsonl", PAIRS.replace("lawn", "land"))
        done = self.eval(BAD_CONFIG, *self.TASKS, "--out", "two", "--against", "one")
        self.assertIn("other items in blimp", done.stderr)
        self.assertFalse((self.folder / "two").exists())
        self.assertIn("evaluation.json", self.eval(BAD_FILE, *self.TASKS, "--against", "nowhere").stderr)


class Refused(Eval):
    def refused(self, code, *words, said, model=MODEL):
        done = self.eval(code, *words, "--out", "out", model=model)
        self.assertEqual(done.stdout, "")
        self.assertIn(said, done.stderr)
        self.assertFalse((self.folder / "out").exists(), "something was written")

    def test_command_lines(self):
        self.refused(BAD_CONFIG, said="nothing to measure")
        self.refused(BAD_CONFIG, "--task", "hellasawg=rows.jsonl", said="did you mean hellaswag?")
        for task in ("rows.jsonl", "=rows.jsonl", "lambada="):
            self.refused(BAD_CONFIG, "--task", task, said="NAME=FILE")
        self.refused(BAD_CONFIG, "--text", "text.txt", "--length", "65", said="--length")
        self.refused(BAD_CONFIG, "--text", "text.txt", "--length", "16", "--stride", "17", said="--stride")
        self.refused(BAD_CONFIG, "--text", "text.txt", "--text", "text.txt", said="same name")
        self.refused(BAD_CONFIG, "--text", "text.txt", "--bos", "perhaps", said="perhaps")
        for words in (["--length", "32"], ["--stride", "8"]):
            self.refused(BAD_CONFIG, "--task", "lambada=words.jsonl", *words, said="no text to cut")
        self.refused(BAD_CONFIG, "--text", "text.txt", "--seed", "3", said="--against")
        self.write("glued.jsonl", WORDS.replace('" l', '"l'))
        self.refused(BAD_FILE, "--task", "lambada=glued.jsonl", said="target")

    def test_files(self):
        good = rows(1)
        for content, said in ((good + "{\n", "bad.jsonl, line 2"), (good + '{"ctx": "a"}\n', 'member "endings"'),
                              (good.replace('"label": 0', '"label": 2'), "from 0 to 1"), ("", "no rows"),
                              (b"\xff\xfe\n", "bad.jsonl, line 1")):
            self.write("bad.jsonl", content)
            self.refused(BAD_FILE, "--task", "multiple_choice=bad.jsonl", said=said)
        self.refused(BAD_FILE, "--task", f"multiple_choice={self.folder}", said=str(self.folder))
        self.refused(BAD_FILE, "--task", "multiple_choice=missing.jsonl", said="missing.jsonl")
        self.write("empty.txt", "")
        self.write("binary.txt", b"\xff\xfe\x00")
        for text, said in (("empty.txt", "too short"), ("binary.txt", "UTF-8"), (".", "."), ("none.txt", "none.txt")):
            self.refused(BAD_FILE, "--text", text, said=said)
        long = json.dumps({"ctx": "a", "endings": ["lion " * 40, "b"], "label": 0})
        self.write("bad.jsonl", long)
        self.refused(BAD_FILE, "--task", "multiple_choice=bad.jsonl", said="longer than the model's context")

    def test_models(self):
        self.refused(BAD_FILE, "--text", "text.txt", said="nowhere", model=self.folder / "nowhere")

    def test_a_directory_that_cannot_be_made(self):
        self.write("file", "")
        self.assertIn("file", self.eval(RESOURCE, "--text", "text.txt", "--out", "file/out").stderr)


if __name__ == "__main__":
    main()
