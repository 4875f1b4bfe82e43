"""`sinkwise inspect`: on small models of the repository, on bad input, and on a model that does not fit."""

import json
import resource
import struct
import subprocess

from harness import BAD_CONFIG, BAD_FILE, BINARY, OK, RESOURCE, SOURCE, Case, environment, main

MODELS = SOURCE / "tests/fixtures/pretrained"
TEXT = "the cat sat on the mat and the dog sat on the log while the sun went down. " * 40


class Inspect(Case):
    def setUp(self):
        super().setUp()
        self.text = self.folder / "text.txt"
        self.text.write_text(TEXT)

    def inspect(self, code, *words, model=MODELS / "llama", text=None):
        return self.expect(code, "inspect", model, "--text", text or self.text, *words)

    def test_report_and_json(self):
        out = self.folder / "out"
        result = self.inspect(OK, "--length", "16", "--windows", "4", "--out", out)
        self.assertIn("nats a token", result.stdout)
        report = json.loads((out / "report.json").read_text())
        self.assertEqual(report["schema"], "sinkwise.inspection/1")
        self.assertEqual(report["text"]["windows"], 4)
        heads = report["model"]["heads"]
        for layer in report["layers"]:
            for values in layer["heads"].values():
                self.assertEqual(len(values), heads)
        self.assertIn("<!DOCTYPE html>", (out / "report.html").read_text()[:100])

    def test_json_on_stdout_is_the_file(self):
        out = self.folder / "out"
        words = ["--length", "16", "--windows", "2", "--pruning-windows", "0", "--json", "--out", out]
        self.assertEqual(self.inspect(OK, *words).stdout, (out / "report.json").read_text())

    def test_same_seed_same_bytes(self):
        for name in ("a", "b"):
            self.inspect(OK, "--length", "16", "--windows", "2", "--threads", "1", "--out", self.folder / name)
        self.assertEqual(
            (self.folder / "a/report.json").read_bytes(), (self.folder / "b/report.json").read_bytes()
        )

    def test_beginning_token_is_said(self):
        for choice, text in (("always", "Every window begins"), ("never", "No beginning token")):
            words = ["--length", "16", "--windows", "2", "--pruning-windows", "0", "--bos", choice]
            self.assertIn(text, self.inspect(OK, *words, "--out", self.folder / choice).stdout)

    def test_a_place_for_the_report_is_asked_for_first(self):
        file = self.folder / "file"
        file.write_text("not a directory")
        for out in (file, file / "below"):
            result = self.inspect(RESOURCE, "--length", "16", "--out", out)
            self.assertIn("--out", result.stderr)
            self.assertNotIn("looking at heads", result.stderr)
        self.inspect(BAD_CONFIG, "--length", "16", "--out", "")
        self.assertEqual(file.read_text(), "not a directory")

    def test_a_special_token_inside_is_measured(self):
        self.text.write_text("the cat sat</s>" + TEXT)
        words = ["--length", "16", "--windows", "1", "--pruning-windows", "0", "--bos", "never"]
        said = self.inspect(OK, *words, "--out", self.folder / "out").stdout
        self.assertIn("1 special token stands at later positions", said)
        heads = self.load("out", "report.json")["layers"][0]["heads"]
        self.assertTrue(all(0 <= weight <= 1 for weight in heads["special_columns"]))
        self.assertEqual(set(heads["learned_sink"]), {None})

    def test_bad_input_names_itself(self):
        empty = self.folder / "empty.txt"
        empty.write_text("")
        binary = self.folder / "binary.txt"
        binary.write_bytes(b"\xff\xfe\x00 not text")
        cases = [
            (BAD_FILE, {"model": self.folder / "nowhere"}, [], "nowhere"),
            (BAD_FILE, {"model": self.folder}, [], str(self.folder)),
            (BAD_FILE, {"text": self.folder / "missing.txt"}, [], "missing.txt"),
            (BAD_CONFIG, {"text": empty}, [], "too short"),
            (BAD_FILE, {"text": binary}, [], "binary.txt, byte 0"),
            (BAD_CONFIG, {}, ["--length", "100000"], "--length"),
            (BAD_CONFIG, {}, ["--length", "1"], "--length"),
            (BAD_CONFIG, {}, ["--bos", "perhaps"], "perhaps"),
            (BAD_CONFIG, {}, ["--threads", "100000"], "0 to 1024"),
            (BAD_CONFIG, {}, ["--threads", "-1"], "0 to 1024"),
            (BAD_CONFIG, {}, ["--pruning-windows", "-1"], "a whole number, at least 0"),
        ]
        for code, where, words, said in cases:
            with self.subTest(said=said, words=words):
                out = self.folder / "none"
                result = self.inspect(code, *words, "--out", out, **where)
                self.assertIn(said, result.stderr)
                self.assertFalse((out / "report.json").exists())


LAYERS, WIDTH, HIDDEN, VOCABULARY = 24, 1024, 4096, 64


def tensors():
    """Names and shapes of a llama whose layers have 17 million numbers each."""
    yield "model.embed_tokens.weight", (VOCABULARY, WIDTH)
    yield "model.norm.weight", (WIDTH,)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"{prefix}{name}.weight", (WIDTH,)
        for name in "qkvo":
            yield f"{prefix}self_attn.{name}_proj.weight", (WIDTH, WIDTH)
        for name, shape in (("gate", (HIDDEN, WIDTH)), ("up", (HIDDEN, WIDTH)), ("down", (WIDTH, HIDDEN))):
            yield f"{prefix}mlp.{name}_proj.weight", shape


def write_model(folder):
    """Weights of zeros: the file is a hole and takes no space on the disk."""
    header, at = {}, 0
    for name, shape in tensors():
        size = 4
        for part in shape:
            size *= part
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + at)
    config = {
        "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": HIDDEN,
        "num_hidden_layers": LAYERS, "num_attention_heads": 16, "num_key_value_heads": 16,
        "tie_word_embeddings": True, "max_position_embeddings": 128,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((MODELS / "llama" / name).read_bytes())
    return at


class Streaming(Case):
    def test_a_model_larger_than_the_memory_allowed(self):
        size = write_model(self.folder)
        text = self.folder / "text.txt"
        text.write_text(TEXT)
        limit = 560 << 20  # private memory, libtorch's own 200 MiB included
        self.assertGreater(size, 2.5 * limit)
        words = ["inspect", self.folder, "--text", text, "--length", "64", "--windows", "2"]
        words += ["--pruning-windows", "0", "--threads", "1", "--out", self.folder / "out"]
        result = subprocess.run(
            [BINARY, *map(str, words)],
            env=environment(),
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        )
        self.assertEqual(result.returncode, OK, result.stderr)
        self.assertTrue((self.folder / "out/report.html").exists())


if __name__ == "__main__":
    main()
