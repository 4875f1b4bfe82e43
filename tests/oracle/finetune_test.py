"""What `sinkwise finetune` and `sinkwise merge` write, held against Hugging Face's transformers and PEFT: the exported
folder and the adapter give the logits that the program's own folder gives, for every family of the fixtures.

Skipped without these libraries (pip install transformers peft)."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest

SOURCE = pathlib.Path(os.environ.get("SINKWISE_SOURCE", pathlib.Path(__file__).parents[2]))
PROGRAM = os.environ.get("SINKWISE_BIN", "")
FIXTURES = SOURCE / "tests/fixtures/pretrained"
FAMILIES = ["gemma3", "gpt2", "gpt_neox", "gpt_oss", "granite_swa", "llama", "mistral", "qwen2", "qwen3", "qwen3_5", "qwen3_next"]
# float32 on both sides and another order of sums: logits of size 10 over a few layers.
TOLERANCE = 1e-4

sys.path.insert(0, str(SOURCE / "benchmarks"))
try:
    import eval_oracle
    import peft
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
except ImportError:
    peft = None


def run(*words):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SINKWISE_")}
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=600, env=environment)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def load(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@unittest.skipIf(peft is None, "no transformers or PEFT library: pip install transformers peft")
class Exported(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="sinkwise-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.tokens = torch.arange(2, 26).view(2, 12)

    def logits(self, model):
        with torch.no_grad():
            return model(self.tokens).logits

    def random_adapter(self, family):
        """An adapter that PEFT makes itself, with both halves random."""
        config = peft.LoraConfig(r=3, lora_alpha=5, task_type="CAUSAL_LM", target_modules=self.targets(family))
        torch.manual_seed(1)
        model = peft.get_peft_model(load(FIXTURES / family), config).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_" in name:
                    parameter.copy_(torch.randn_like(parameter) * 0.1)
        model.save_pretrained(self.folder / "peft")
        return self.logits(model)

    @staticmethod
    def targets(family):
        return {"gpt2": ["c_attn"], "gpt_neox": ["query_key_value"]}.get(family, ["q_proj", "v_proj"])

    def test_an_adapter_of_peft_merges_into_the_same_model(self):
        for family in FAMILIES:
            with self.subTest(family):
                expected = self.random_adapter(family)
                run("merge", FIXTURES / family, "--adapter", self.folder / "peft", "--out", self.folder / family)
                found = self.logits(load(self.folder / family))
                self.assertGreater((expected - self.logits(load(FIXTURES / family))).abs().max(), 1e-3)
                self.assertLess((found - expected).abs().max(), TOLERANCE)

    def finetune(self, family, *changes):
        """The folder it started from and the one it wrote, for the family's fixture."""
        text = self.folder / "text.txt"
        text.write_text("".join(f"The cat {n % 7} sat on the mat.\n" for n in range(200)))
        model, out = self.with_tokenizer(family), self.folder / f"{family}-out"
        changes = ("train.steps=4", "data.length=12", "lora.rank=2", "optim.warmup_steps=1", "optim.lr=2e-2",
                   "data.validation_rows=2", "balance.calibration_rows=2", *changes)
        run("finetune", model, "--data", text, "--out", out, *(word for change in changes for word in ("--set", change)))
        return model, out

    def test_what_finetune_writes_loads(self):
        for family in FAMILIES:
            with self.subTest(family):
                model, out = self.finetune(family)
                merged = self.logits(load(out / "model"))
                adapted = self.logits(peft.PeftModel.from_pretrained(load(model), out / "adapter").eval())
                self.assertGreater((merged - self.logits(load(model))).abs().max(), 1e-3)
                self.assertLess((merged - adapted).abs().max(), TOLERANCE)

    def test_a_converted_model_loads_where_transformers_has_the_architecture(self):
        gates = ["mechanism.convert=gated_elementwise"]
        sinks = ["mechanism.convert=sink", "mechanism.start=-1"]  # near the scores, or leaving them out would not show
        for family, changes, known in [("qwen3", gates, "Qwen3_5ForCausalLM"), ("llama", sinks, "GraniteSWAForCausalLM"),
                                       ("mistral", sinks, "GraniteSWAForCausalLM"),
                                       ("qwen2", sinks, "GraniteSWAForCausalLM")]:
            with self.subTest(family):
                _, out = self.finetune(family, *changes)
                model = load(out / "model")
                self.assertEqual(type(model).__name__, known)
                attention = model.model.layers[1].self_attn
                if known == "Qwen3_5ForCausalLM":  # training moved the gates from where they began
                    gate = attention.q_proj.weight.unflatten(0, (-1, 2, attention.head_dim))[:, 1]
                    self.assertGreater(gate.abs().max(), 1e-3)
                else:
                    self.assertGreater(attention.sinks.min(), -10.0)
                self.assertTrue(self.evaluates_alike(model, out / "model"))
                longer = model.generate(self.tokens, max_new_tokens=3, do_sample=False, eos_token_id=None)
                with torch.no_grad():
                    expected = model(longer[:, :-1]).logits[:, -1].argmax(-1)
                self.assertEqual(longer[:, -1].tolist(), expected.tolist())

    def evaluates_alike(self, model, folder):
        text = self.folder / "held_out.txt"
        text.write_text("the lion and the ant sat on a log, then on the lawn. " * 4)
        options = types.SimpleNamespace(sinkwise=PROGRAM, model=str(folder), task=[], text=[str(text)], limit=1000,
                                        length=20)
        _, tokenizer = eval_oracle.load(FIXTURES / "llama")  # transformers makes a tokenizer of Qwen's of any other
        return eval_oracle.compare(model, tokenizer, options, str(self.folder / f"evaluated-{folder.parent.name}"))

    def with_tokenizer(self, family):
        """The fixture, with the Llama fixture's tokenizer where it has none."""
        folder = self.folder / family
        folder.mkdir()
        for source in (FIXTURES / "llama", FIXTURES / family):
            for file in source.iterdir():
                if file.name.startswith("tokenizer") or source == FIXTURES / family:
                    (folder / file.name).write_bytes(file.read_bytes())
        self.assertGreater(json.loads((folder / "config.json").read_text()).get("vocab_size", 0), 0)
        return folder


if __name__ == "__main__":
    unittest.main()
