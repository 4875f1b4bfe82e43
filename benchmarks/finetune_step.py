"""Tokens a second of a LoRA fine-tuning step: `sinkwise finetune` against PEFT and transformers.

  python benchmarks/finetune_step.py --sinkwise build/release/bin/sinkwise --model MODEL --text FILE

Same model, rank, targets, rows of --length tokens, rows of a step and of a forward pass, float32, threads; AdamW and
clipping on both sides. The peer balances nothing, ours does; `sinkwise bench finetune` has what that costs. The two take
turns, --rounds times, and the medians over rounds of their median steps are compared. MODEL is a GGUF file or a folder with
safetensors. Needs torch, transformers and peft (and gguf for a GGUF file).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peft
import torch
import transformers

from machine import processor

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj"]


def load(path):
    path = Path(path)
    name = dict(gguf_file=path.name) if path.suffix == ".gguf" else {}
    home = path.parent if name else path
    tokenizer = transformers.AutoTokenizer.from_pretrained(home, local_files_only=True, **name)
    model = transformers.AutoModelForCausalLM.from_pretrained(home, dtype=torch.float32, local_files_only=True, **name)
    config = peft.LoraConfig(r=16, lora_alpha=32, target_modules=TARGETS, task_type="CAUSAL_LM")
    return peft.get_peft_model(model, config).train(), tokenizer


class Peer:
    def __init__(self, arguments):
        self.model, tokenizer = load(arguments.model)
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
        ids = tokenizer(Path(arguments.text).read_text(), return_tensors="pt").input_ids[0]
        rows = len(ids) // arguments.length
        self.rows = ids[: rows * arguments.length].view(rows, arguments.length)
        self.trained, self.arguments, self.next = trained, arguments, 0

    def step(self):
        begin = time.perf_counter()
        self.optimizer.zero_grad()
        together = self.arguments.micro_rows or self.arguments.rows
        for _ in range(self.arguments.rows // together):
            chosen = [(self.next + n) % len(self.rows) for n in range(together)]
            self.next += together
            batch = self.rows[chosen]
            loss = self.model(batch, labels=batch).loss * together / self.arguments.rows
            loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        return time.perf_counter() - begin

    def median(self):
        self.step()
        return statistics.median(self.step() for _ in range(self.arguments.steps))


def ours(arguments):
    """Median seconds of a step, by timing.jsonl without its first line."""
    with tempfile.TemporaryDirectory() as folder:
        keys = {"train.steps": arguments.steps + 1, "train.batch_rows": arguments.rows,
                "train.micro_rows": arguments.micro_rows, "data.length": arguments.length, "data.validation_rows": 1,
                "balance.calibration_rows": arguments.rows, "run.threads": arguments.threads,
                "optim.lr": 1e-4, "optim.warmup_steps": 1, "eval.every": 1000, "checkpoint.every": 1000,
                "data.begin": "never"}
        words = [arguments.sinkwise, "finetune", "--no-report", arguments.model, "--data", arguments.text, "--out", f"{folder}/run"]
        for key, value in keys.items():
            words += ["--set", f"{key}={value}"]
        subprocess.run(words, check=True, capture_output=True)
        lines = Path(folder, "run/timing.jsonl").read_text().splitlines()
        return statistics.median(json.loads(line)["step_ms"] / 1000 for line in lines[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sinkwise", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--micro-rows", type=int, default=0, help="rows of a forward pass; 0: all")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    peer = Peer(arguments)
    times = {"PEFT + transformers": [], "sinkwise": []}
    for _ in range(arguments.rounds):
        times["PEFT + transformers"].append(peer.median())
        times["sinkwise"].append(ours(arguments))
    tokens = arguments.rows * arguments.length
    print(f"{' '.join(sys.argv)}\n{processor()}, {arguments.threads} threads, torch {torch.__version__}, transformers "
          f"{transformers.__version__}, peft {peft.__version__}")
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name:22} {medians[name] * 1000:7.0f} ms a step ({min(values) * 1000:.0f} to {max(values) * 1000:.0f})"
              f"  {tokens / medians[name]:6.0f} tokens/s")
    print(f"tokens/s against PEFT: {medians['PEFT + transformers'] / medians['sinkwise']:.2f}x")


if __name__ == "__main__":
    main()
