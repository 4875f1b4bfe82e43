"""`sinkwise finetune` and `sinkwise merge`, on the small random model with a tokenizer in the fixtures."""

import json
import shutil
import signal

from harness import (BAD_CONFIG, BAD_FILE, INTERRUPTED, LOCKED, OK, RESOURCE, SOURCE, Case, assignments, main,
                     snapshot, wait_until)

FIXTURES = SOURCE / "tests" / "fixtures" / "pretrained"
MODEL = FIXTURES / "llama"
SETTINGS = {
    "run.threads": 1,
    "data.length": 16,
    "data.validation_rows": 4,
    "balance.calibration_rows": 4,
    "train.steps": 12,
    "train.batch_rows": 2,
    "optim.lr": 2e-2,
    "eval.every": 6,
    "checkpoint.every": 3,
    "lora.rank": 2,
}


class Finetune(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "text.txt").write_text("".join(f"The cat {n % 7} sat on the mat.\n" for n in range(150)))

    def words(self, *words, model=MODEL, data="text.txt", out="out", **settings):
        keys = {**SETTINGS, **{key.replace("__", "."): value for key, value in settings.items()}}
        return ["finetune", model, "--data", data, "--out", out, *words, *assignments(keys)]

    def test_a_run_its_twin_and_their_comparison(self):
        done = self.expect(OK, *self.words("--twin"))
        out = self.folder / "out"
        for name in ("model/model.safetensors", "model/tokenizer.json", "adapter/adapter_config.json", "result.json",
                     "calibration.json", "report.html", "before/report.json", "after/report.json",
                     "twin/result.json", "twin/model/config.json"):
            self.assertTrue((out / name).exists(), name)
        self.assertIn("|grad balance|", done.stderr)
        result = json.loads((out / "result.json").read_text())
        self.assertEqual(result["balance"]["form"], "cv")
        self.assertIn("routed_mean_gate", result["final"])
        twin = json.loads((out / "twin/result.json").read_text())
        self.assertEqual(twin["balance"]["form"], "none")
        self.assertEqual(twin["seed"], result["seed"])
        compared = self.expect(OK, "compare", "out", "out/twin", "--out", "compared")
        self.assertIn("validation loss", compared.stdout)
        again = self.expect(OK, *self.words())
        self.assertIn("had finished before", again.stderr)

    def test_rows_that_are_cut_within_a_character_have_a_report(self):
        (self.folder / "zh.txt").write_text("中文書的內容，每一行都不同。" * 60)
        self.expect(OK, *self.words(data="zh.txt", data__length=13))
        self.assertTrue((self.folder / "out" / "report.html").exists())

    def test_rows_longer_than_the_context_are_refused(self):
        context = json.loads((MODEL / "config.json").read_text())["max_position_embeddings"]
        told = self.expect(BAD_CONFIG, *self.words(data__length=context + 1)).stderr
        self.assertIn("data.length", told)

    def test_a_twin_is_not_told_of_a_balance(self):
        told = self.expect(OK, *self.words("--no-report", balance__form="none")).stderr
        self.assertNotIn("to balance", told)

    def test_a_run_is_its_owners_until_its_report_is_there(self):
        process = self.start(*self.words())
        wait_until(lambda: (self.folder / "out" / "model").exists(), "the model was written")
        process.send_signal(signal.SIGSTOP)
        self.expect(LOCKED, *self.words("--fresh", "--force"))
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, OK)
        self.assertTrue((self.folder / "out" / "report.html").exists())

    def test_stopped_and_gone_on_with(self):
        settings = dict(train__steps=400, eval__every=200)
        process = self.start(*self.words("--no-report", **settings))
        wait_until(lambda: (self.folder / "out" / "step-3").exists(), "a checkpoint was saved")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, INTERRUPTED)
        self.assertFalse((self.folder / "out" / "model").exists())
        self.expect(OK, *self.words("--no-report", **settings))
        self.expect(OK, *self.words("--no-report", out="whole", **settings))
        for name in ("log.jsonl", "adapter/adapter_model.safetensors", "model/model.safetensors"):
            self.assertEqual((self.folder / "out" / name).read_bytes(), (self.folder / "whole" / name).read_bytes(),
                             name)

    def test_the_cost_of_a_balanced_step(self):
        words = ["bench", "finetune", MODEL, "--data", "text.txt", "--pairs", "3", *assignments(SETTINGS)]
        text = self.expect(OK, *words).stdout
        self.assertRegex(text, r"llama, vanilla: step .*\nratio \d+\.\d+ .*median of 3 interleaved pairs")
        self.assertEqual(json.loads(self.expect(OK, *words, "--json").stdout)[0]["pairs"], 3)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["text.txt"], "nothing is written")
        self.assertIn("balance.form", self.expect(BAD_CONFIG, *words, "--set", "balance.form=none").stderr)

    def test_another_recipe_in_the_same_place_is_refused(self):
        self.expect(OK, *self.words("--no-report"))
        refused = self.expect(BAD_CONFIG, *self.words("--no-report", lora__rank=3))
        self.assertIn("lora.rank", refused.stderr)
        self.expect(OK, *self.words("--no-report", "--fresh", "--force", lora__rank=3))

    def test_nothing_of_others_is_replaced(self):
        shutil.copytree(MODEL, self.folder / "model")
        before = snapshot(self.folder / "model")
        told = self.expect(BAD_CONFIG, *self.words(model="model", out=".")).stderr
        self.assertIn("the model that it starts from", told)
        (self.folder / "out/adapter").mkdir(parents=True)
        (self.folder / "out/adapter/mine.txt").write_text("mine")
        self.assertIn("no run wrote", self.expect(BAD_CONFIG, *self.words(model="model")).stderr)
        self.assertEqual((self.folder / "out/adapter/mine.txt").read_text(), "mine")
        self.expect(OK, *self.words("--no-report", model="model", out="run"))
        told = self.expect(BAD_CONFIG, *self.words("--fresh", "--force", model="run/model", out="run")).stderr
        self.assertIn("the model that it starts from", told)
        self.assertTrue((self.folder / "run/model/config.json").exists())
        shutil.copytree(MODEL, self.folder / "run/twin/model")
        told = self.expect(BAD_CONFIG, *self.words("--fresh", "--force", model="run/twin/model", out="run")).stderr
        self.assertIn("it lies in run/twin", told)
        self.assertTrue((self.folder / "run/twin/model/config.json").exists())
        shutil.rmtree(self.folder / "run/twin")
        self.expect(BAD_FILE, *self.words("--fresh", "--force", model="model", out="run", data="nowhere.txt"))
        self.assertTrue((self.folder / "run/result.json").exists())
        self.assertEqual(snapshot(self.folder / "model"), before)

    def test_another_model_under_the_same_path_is_another_run(self):
        shutil.copytree(MODEL, self.folder / "model")
        self.expect(OK, *self.words("--no-report", model="model"))
        weights = bytearray((self.folder / "model/model.safetensors").read_bytes())
        for at in range(len(weights) // 2, len(weights)):
            weights[at] ^= 1
        (self.folder / "model/model.safetensors").write_bytes(weights)
        shutil.rmtree(self.folder / "out/step-12")
        self.assertIn("the model it starts from", self.expect(BAD_CONFIG, *self.words("--no-report", model="model")).stderr)

    def test_a_twin_is_checked_first(self):
        told = self.expect(BAD_CONFIG, *self.words("--twin", "--set", "balance.form=none")).stderr
        self.assertIn("--twin", told)
        self.assertFalse((self.folder / "out").exists())
        self.expect(OK, *self.words("--twin", "--no-report", "--set", "balance.form=switch"))
        for name, form in (("out", "switch"), ("out/twin", "none")):
            self.assertEqual(json.loads((self.folder / name / "result.json").read_text())["balance"]["form"], form)

    def test_little_held_out_text_still_gives_a_page(self):
        rows = "".join(json.dumps({"text": f"The {n} cat."}) + "\n" for n in range(60))
        (self.folder / "short.jsonl").write_text(rows)
        self.expect(OK, *self.words(data="short.jsonl", data__validation_rows=1))
        self.assertTrue((self.folder / "out/report.html").exists())

    def test_bad_input(self):
        (self.folder / "bad.jsonl").write_text('{"text": "good"}\n{"text": \n')
        (self.folder / "empty.txt").write_text("")
        (self.folder / "few.txt").write_text("The cat sat.")
        (self.folder / "talk.jsonl").write_text('{"messages": [{"role": "user", "content": "hi"}]}\n')
        for code, text, words in [
            (BAD_CONFIG, "model: missing", ["finetune"]),
            (BAD_CONFIG, "lora.rank", self.words("--set", "lora.rnk=3")),
            (BAD_CONFIG, "data.files", ["finetune", MODEL, "--out", "out"]),
            (BAD_CONFIG, "q_prj", self.words(lora__targets="q_prj")),
            (BAD_CONFIG, "lora.targets", self.words(lora__targets="")),
            (BAD_CONFIG, "comma", self.words(data="a,b.txt")),
            (BAD_CONFIG, "mechanism.start", self.words(mechanism__start="3")),
            (BAD_CONFIG, "at most 2, of 4 heads", self.words(balance__shared_heads=3)),
            (BAD_CONFIG, "a gate that begins", self.words(mechanism__convert="gated_headwise", mechanism__start="-20")),
            (BAD_CONFIG, "chat template", self.words(data="talk.jsonl")),
            (BAD_FILE, "bad.jsonl, line 2", self.words(data="bad.jsonl")),
            (BAD_FILE, "encodes to nothing", self.words(data="empty.txt")),
            (BAD_FILE, "none.txt", self.words(data="none.txt")),
            (BAD_FILE, "does not fill one row", self.words(data="few.txt", data__length=64)),
        ]:
            with self.subTest(text):
                refused = self.expect(code, *words)
                self.assertIn(text, refused.stderr)
                self.assertIn("next:", refused.stderr)
                self.assertFalse((self.folder / "out" / "model").exists())

    def test_merge(self):
        self.expect(OK, *self.words("--no-report"))
        self.expect(OK, "merge", MODEL, "--adapter", "out/adapter", "--out", "merged")
        ours = self.expect(OK, "generate", "out/model", "--prompt", "The cat", "--tokens", "8").stdout
        self.assertEqual(self.expect(OK, "generate", "merged", "--prompt", "The cat", "--tokens", "8").stdout, ours)
        adapted = self.expect(OK, "generate", MODEL, "--adapter", "out/adapter", "--prompt", "The cat", "--tokens", "8")
        self.assertEqual(adapted.stdout, ours)
        before = snapshot(self.folder / "merged")
        self.expect(RESOURCE, "merge", MODEL, "--out", "merged")
        self.assertEqual(snapshot(self.folder / "merged"), before)
        refused = self.expect(BAD_FILE, "merge", FIXTURES / "gpt2", "--adapter", "out/adapter", "--out", "other")
        self.assertIn("another model", refused.stderr)
        self.assertFalse((self.folder / "other").exists())
        self.damaged_adapters()

    def damaged_adapters(self):
        whole = (self.folder / "out/adapter/adapter_model.safetensors").read_bytes()
        for name, change in {"cut": whole[:-7], "empty": b"", "noise": b"x" * 200}.items():
            with self.subTest(name):
                shutil.copytree(self.folder / "out/adapter", self.folder / name)
                (self.folder / name / "adapter_model.safetensors").write_bytes(change)
                self.expect(BAD_FILE, "merge", MODEL, "--adapter", name, "--out", "other")
                self.assertFalse((self.folder / "other").exists())


if __name__ == "__main__":
    main()
