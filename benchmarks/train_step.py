"""Training steps of sinkwise against the same model in eager PyTorch, float32, one thread.

  ./dev bench                      all recipes and mechanisms
  ./dev bench --rounds 10 --json benchmarks/results/train_step.json

Rounds alternate between the two programs, so that a machine that speeds up or slows down meets both
alike; the figure is the median over rounds of the ratio of medians. Sampling is part of sinkwise's step
and left out of the peer's, which reads ready tensors.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from eager_model import Decoder, Trainer
from machine import processor

ROOT = Path(__file__).resolve().parent.parent
RECIPES = {
    "bigram_backcopy": dict(vocabulary=33, length=32, layers=1, width=64, heads=8, rotary=False, rows=32),
    "text": dict(vocabulary=257, length=128, layers=4, width=64, heads=4, rotary=True, rows=8),
}
MECHANISMS = ("vanilla", "sink", "gated_headwise")


def sinkwise_times(binary, recipe, mechanism, form, steps):
    command = [binary, "bench", "step", str(ROOT / "recipes" / f"{recipe}.toml"), "--steps", str(steps),
               "--set", "run.threads=1", "--set", f"attention.mechanism={mechanism}",
               "--set", f"balance.form={form}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["step_ms"]


def eager_times(recipe, mechanism, form, steps):
    sizes = dict(RECIPES[recipe])
    rows = sizes.pop("rows")
    torch.manual_seed(0)
    trainer = Trainer(Decoder(mechanism=mechanism, **sizes), mechanism, 1e-2 if form == "cv" else 0.0)
    shape = (rows, sizes["length"])
    tokens, targets = (torch.randint(sizes["vocabulary"], shape) for _ in range(2))
    times = []
    for step in range(steps + 5):
        begin = time.perf_counter()
        trainer.step(tokens, targets)
        if step >= 5:
            times.append(1000 * (time.perf_counter() - begin))
    return times


def compare(binary, recipe, mechanism, form, rounds, steps):
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(statistics.median(sinkwise_times(binary, recipe, mechanism, form, steps)))
        peer.append(statistics.median(eager_times(recipe, mechanism, form, steps)))
    ratios = sorted(a / b for a, b in zip(ours, peer))
    return dict(recipe=recipe, mechanism=mechanism, balance=form, sinkwise_ms=statistics.median(ours),
                eager_ms=statistics.median(peer), ratio=statistics.median(ratios), lowest=ratios[0],
                highest=ratios[-1], rounds=rounds, steps=steps)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sinkwise", required=True, help="the program (./dev bench passes it)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--json", help="write the rows here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {processor()}, 1 thread, float32; ratio < 1: sinkwise is faster")
    rows = []
    for recipe in RECIPES:
        for mechanism in MECHANISMS:
            for form in ("none", "cv"):
                row = compare(arguments.sinkwise, recipe, mechanism, form, arguments.rounds, arguments.steps)
                rows.append(row)
                print("{recipe:16} {mechanism:15} balance {balance:5} sinkwise {sinkwise_ms:7.2f} ms  eager "
                      "{eager_ms:7.2f} ms  ratio {ratio:.3f} ({lowest:.3f} to {highest:.3f})".format(**row),
                      flush=True)
    if arguments.json:
        record = dict(command=" ".join(["./dev bench"] + sys.argv[3:]), torch=torch.__version__,
                      processor=processor(), date=time.strftime("%Y-%m-%d"), rows=rows)
        Path(arguments.json).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
