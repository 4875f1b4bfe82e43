"""`sinkwise generate`, on the small random model with a tokenizer in tests/fixtures/pretrained/llama."""

import json
import shutil

from harness import BAD_CONFIG, BAD_FILE, OK, SOURCE, Case, main

MODEL = SOURCE / "tests" / "fixtures" / "pretrained" / "llama"
PROMPT = json.loads((MODEL / "prompt.json").read_text())


class Generate(Case):
    def generated(self, *words, model=MODEL, prompt=PROMPT["text"]):
        done = self.expect(OK, "generate", model, "--prompt", prompt, "--json", *words)
        return json.loads(done.stdout)

    def test_greedy_as_the_reference_library(self):
        told = self.generated("--tokens", "16")
        self.assertEqual(told["prompt_ids"], PROMPT["ids"])
        self.assertEqual(told["generated_ids"], PROMPT["greedy_ids"])
        self.assertEqual(told["stop"], "tokens")
        self.assertGreater(told["tokens_per_second"], 0)

    def test_the_text_follows_the_prompt(self):
        done = self.expect(OK, "generate", MODEL, "--prompt", PROMPT["text"], "--tokens", "16")
        self.assertTrue(done.stdout.startswith(PROMPT["text"]), done.stdout)
        self.assertTrue(done.stdout.endswith("\n"))
        self.assertIn("tokens/s", done.stderr)
        self.assertIn("with a BOS token in front", done.stderr)

    def test_seeds(self):
        draw = lambda seed: self.generated("--temperature", "1", "--seed", seed)["generated_ids"]
        self.assertEqual(draw("1"), draw("1"))
        self.assertNotEqual(draw("1"), draw("2"))

    def test_threads_change_no_id(self):
        draw = lambda threads: self.generated("--temperature", "1", "--threads", threads)["generated_ids"]
        self.assertEqual(draw("1"), draw("2"))

    def test_top_k_of_one_is_greedy(self):
        self.assertEqual(self.generated("--tokens", "16", "--temperature", "2", "--top-k", "1")["generated_ids"],
                         PROMPT["greedy_ids"])

    def test_what_only_drawing_heeds_is_refused_without_it(self):
        for words in (["--top-k", "40"], ["--top-p", "0.9"]):
            told = self.expect(BAD_CONFIG, "generate", MODEL, "--prompt", "a", *words).stderr
            self.assertIn("--temperature", told)

    def test_bos(self):
        for words, ids, begins in ((["--bos", "always"], PROMPT["ids"], True),
                                   (["--bos", "never"], PROMPT["ids"][1:], False)):
            told = self.generated(*words, "--tokens", "1")
            self.assertEqual((told["prompt_ids"], told["bos"]), (ids, begins))
        told = self.expect(OK, "generate", MODEL, "--prompt", "a", "--tokens", "1", "--bos", "never").stderr
        self.assertIn("without a BOS token", told)

    def test_names_of_control_tokens_are_text_unless_asked_for(self):
        self.assertNotIn(2, self.generated("--tokens", "1", prompt="a</s>")["prompt_ids"])
        self.assertEqual(self.generated("--tokens", "1", "--special", prompt="a</s>")["prompt_ids"][-1], 2)

    def test_a_full_context_ends_the_text_and_says_so(self):
        done = self.expect(OK, "generate", MODEL, "--prompt", "a", "--tokens", "1000", "--temperature", "1",
                           "--seed", "3", "--json")
        told = json.loads(done.stdout)
        self.assertEqual(told["stop"], "context", told)
        self.assertEqual(len(told["prompt_ids"]) + len(told["generated_ids"]), 65)
        self.assertRegex(done.stderr, "context of 64 tokens is full")

    def test_end_of_text_ends_it(self):
        done = self.expect(OK, "generate", MODEL, "--prompt", "a", "--tokens", "60", "--temperature", "50", "--seed", "0",
                           "--json")
        told = json.loads(done.stdout)
        self.assertEqual(told["stop"], "end_of_text")
        self.assertLess(len(told["generated_ids"]), 60)
        self.assertNotIn(2, told["generated_ids"])
        self.assertIn("the model ended the text", done.stderr)

    def test_nothing_drives_the_terminal(self):
        """The vocabulary has an escape and a bell, in the prompt and, drawn nearly evenly, in what follows."""
        words = ["--tokens", "60", "--temperature", "50", "--seed", "5"]
        tokens = json.loads((MODEL / "tokenizer.json").read_text())["model"]["vocab"]
        self.assertLessEqual({tokens["\x1b"], tokens["\x07"]}, set(self.generated(*words, prompt="a")["generated_ids"]))
        for prompt in ("a", "a\x1b[2J\x07"):
            text = self.expect(OK, "generate", MODEL, "--prompt", prompt, *words).stdout
            self.assertIn("\\x1b", text)
            self.assertIn("\\x07", text)
            self.assertEqual([c for c in text if ord(c) < 32 and c not in "\n\t"], [])


class Refusals(Case):
    def refused(self, code, *words, model=MODEL, prompt="a"):
        done = self.expect(code, "generate", model, "--prompt", prompt, *words)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def copy(self, **members):
        model = self.folder / "model"
        shutil.copytree(MODEL, model)
        config = json.loads((model / "config.json").read_text())
        (model / "config.json").write_text(json.dumps({**config, **members}))
        return model

    def test_a_missing_folder(self):
        self.assertIn("absent", self.refused(BAD_FILE, model="absent"))

    def test_a_folder_without_a_model(self):
        self.assertIn("model.safetensors", self.refused(BAD_FILE, model="."))

    def test_an_unknown_family(self):
        told = self.refused(BAD_CONFIG, model=self.copy(model_type="tin_man"))
        self.assertIn("tin_man", told)
        self.assertIn("mistral", told)

    def test_a_configuration_that_does_not_fit_the_weights(self):
        self.assertIn("embed_tokens", self.refused(BAD_FILE, model=self.copy(vocab_size=65)))

    def test_a_prompt_without_tokens(self):
        self.assertIn("--prompt", self.refused(BAD_CONFIG, "--bos", "never", prompt=""))

    def test_a_prompt_longer_than_the_context(self):
        self.assertIn("at most 64", self.refused(BAD_CONFIG, prompt="z" * 80))

    def test_a_model_without_a_tokenizer(self):
        told = self.refused(BAD_FILE, model=SOURCE / "tests" / "fixtures" / "pretrained" / "qwen2")
        self.assertIn("tokenizer.json", told)

    def test_options_out_of_range(self):
        for words, named in ((["--temperature", "-1"], "temperature"), (["--top-p", "1.5"], "top_p"),
                             (["--top-k", "-1"], "top_k"), (["--tokens", "0"], "--tokens"), (["--bos", "some"], "--bos")):
            with self.subTest(words=words):
                self.assertIn(named, self.refused(BAD_CONFIG, *words))


if __name__ == "__main__":
    main()
