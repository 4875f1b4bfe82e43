"""Bigram-Backcopy with and without the head-balance loss, in plain eager PyTorch.

  python benchmarks/eager_bigram_backcopy.py --mechanism vanilla --lambda 1e-2 --seeds 0 1 2 3

The experiment of recipes/bigram_backcopy.toml, written a second time with nothing of sinkwise: its own chain (same
law, other draws), sampler, initialisation, schedule and figures. Whatever a trainer of ours shows, this one should
show too. About 15 s a seed on one core.
"""

import argparse
import math

import torch
import torch.nn.functional as F

from eager_model import Decoder, Trainer

SYMBOLS, LENGTH, TRIGGERS, WIDTH, HEADS, ROWS = 32, 32, 3, 64, 8, 32
STEPS, WARMUP, RATE, FINAL = 400, 50, 1e-2, 0.1


class Chain:
    """Symbols 0 to 31 and a beginning token 32. A trigger is followed by the symbol before it."""

    def __init__(self, seed=1234):
        torch.manual_seed(seed)
        base = 1 / torch.arange(1, SYMBOLS + 1, dtype=torch.float64)
        self.law = torch.distributions.Dirichlet(0.15 * SYMBOLS * base / base.sum() + 1e-3).sample((SYMBOLS,))
        stationary = torch.linalg.matrix_power(0.5 * (self.law + torch.eye(SYMBOLS, dtype=torch.float64)), 1 << 14)[0]
        self.is_trigger = torch.zeros(SYMBOLS, dtype=torch.bool)
        self.is_trigger[stationary.topk(TRIGGERS).indices] = True
        self.first = stationary * ~self.is_trigger

    def sample(self, rows, generator):
        """Tokens, targets and the oracle's loss, [rows, LENGTH] each."""
        row = torch.full((rows, LENGTH + 1), SYMBOLS)
        row[:, 1] = torch.multinomial(self.first, rows, True, generator=generator)
        oracle = torch.zeros(rows, LENGTH, dtype=torch.float64)
        for t in range(1, LENGTH):
            symbol = row[:, t]
            drawn = torch.multinomial(self.law[symbol], 1, generator=generator).squeeze(1)
            copies = self.is_trigger[symbol] if t >= 2 else torch.zeros(rows, dtype=torch.bool)
            row[:, t + 1] = torch.where(copies, row[:, t - 1], drawn)
            oracle[:, t] = torch.where(copies, 0.0, -self.law[symbol, drawn].log())
        return row[:, :-1], row[:, 1:], oracle


def initialise(model):
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue  # norms at 1, sinks at 3
        deviation = 0.5 / math.sqrt(WIDTH)
        if name.split(".")[0] in ("embedding", "positions", "head"):
            deviation = 0.02
        elif "o_proj" in name or "down_proj" in name:
            deviation /= math.sqrt(2)
        torch.nn.init.normal_(parameter, std=deviation)


def learning_rate(step):
    if step <= WARMUP:
        return RATE * step / WARMUP
    along = (step - WARMUP) / (STEPS - WARMUP)
    return RATE * (FINAL + (1 - FINAL) * 0.5 * (1 + math.cos(math.pi * along)))


@torch.no_grad()
def figures(model, rows):
    """CV of head importance, mean gate and excess loss on rows that were not trained on; row 0 is left out."""
    tokens, targets, oracle = rows
    logits, gates = model(tokens, True)
    importance = gates[0][:, :, 1:].mean(dim=(0, 2))
    loss = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none") - oracle
    cv = importance.std(unbiased=False) / importance.mean()
    return cv.item(), importance.mean().item(), loss[:, 1:].mean().item()


def train(chain, mechanism, weight, seed):
    torch.manual_seed(seed)
    model = Decoder(SYMBOLS + 1, LENGTH, 1, WIDTH, HEADS, mechanism, rotary=False)
    initialise(model)
    trainer = Trainer(model, mechanism, weight)
    generator = torch.Generator().manual_seed(10_000 + seed)
    for step in range(1, STEPS + 1):
        for group in trainer.optimizer.param_groups:
            group["lr"] = learning_rate(step)
        tokens, targets, _ = chain.sample(ROWS, generator)
        trainer.step(tokens, targets)
    return figures(model, chain.sample(256, torch.Generator().manual_seed(999)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mechanism", default="vanilla", choices=["vanilla", "sink", "gated_headwise"])
    parser.add_argument("--lambda", type=float, default=3e-2, dest="weight")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    chain = Chain()
    print("seed  CV base  balanced  ratio  gate base  balanced  change of excess loss")
    for seed in arguments.seeds:
        base, balanced = (train(chain, arguments.mechanism, weight, seed) for weight in (0.0, arguments.weight))
        print(f"{seed:4d}  {base[0]:7.3f}  {balanced[0]:8.3f}  {balanced[0] / base[0]:5.3f}  {base[1]:9.3f}  "
              f"{balanced[1]:8.3f}  {balanced[2] - base[2]:+.4f}", flush=True)


if __name__ == "__main__":
    main()
