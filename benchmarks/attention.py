"""The attention kernel against what a PyTorch user would write, forward + backward on a CPU.

  ./dev bench attention                                   a short table
  ./dev bench attention --lengths 128,2048,8192 --json benchmarks/results/attention_peers.json

Peers: scaled_dot_product_attention without a sink (torch's flash kernel), eager attention with a sink
column, and FlexAttention compiled with the sink as a function of its log-sum-exp (torch 2.13 refuses
its backward on a CPU; the line then says so). Rounds alternate
between the two programs, so that a machine that speeds up or slows down meets both alike; the figure is
the median over rounds of peer time / kernel time. `sinkwise bench attention` holds the kernel against
the same operators inside one process.
"""

import argparse
import json
import math
import statistics
import subprocess
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from machine import processor


def leaves(heads, length, head_size, dtype):
    """Query, key and value as a projection leaves them: [1, H, T, D] in memory that lies [1, T, H, D]."""
    tensors = [torch.randn(1, length, heads, head_size).to(dtype).transpose(1, 2) for _ in range(3)]
    return [tensor.detach().requires_grad_() for tensor in tensors]


class Sdpa:
    """torch's flash kernel; it knows neither sink nor gate."""

    def __init__(self, heads, length, head_size, dtype):
        self.inputs = leaves(heads, length, head_size, dtype)
        self.grad = torch.randn(1, heads, length, head_size).to(dtype)

    def forward(self):
        self.out = F.scaled_dot_product_attention(*self.inputs, is_causal=True)

    def backward(self):
        torch.autograd.grad(self.out, self.inputs, self.grad)


class EagerSink(Sdpa):
    """Scores with one more column for the sink, softmax, the column dropped: the usual sink attention."""

    def __init__(self, heads, length, head_size, dtype):
        super().__init__(heads, length, head_size, dtype)
        self.inputs.append(torch.randn(heads).requires_grad_())
        self.mask = torch.full((length, length), -math.inf).triu(1).to(dtype)
        self.scale = head_size**-0.5

    def forward(self):
        query, key, value, sink = self.inputs
        scores = query @ key.transpose(2, 3) * self.scale + self.mask
        column = sink.to(scores.dtype).view(1, -1, 1, 1).expand(*scores.shape[:3], 1)
        weights = torch.cat([scores, column], -1).softmax(-1)
        self.out = weights[..., :-1] @ value


class Flex(Sdpa):
    """FlexAttention, compiled; a sink is sigmoid(log-sum-exp - logit) times its output."""

    def __init__(self, heads, length, head_size, dtype):
        super().__init__(heads, length, head_size, dtype)
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention

        self.inputs.append(torch.randn(heads).requires_grad_())
        self.mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, length, length, device="cpu")
        self.call = torch.compile(flex_attention)

    def forward(self):
        query, key, value, sink = self.inputs
        out, lse = self.call(query, key, value, block_mask=self.mask, return_lse=True)
        self.out = out * torch.sigmoid(lse - sink.view(1, -1, 1)).unsqueeze(-1).to(out.dtype)


PEERS = {"sdpa": Sdpa, "eager_sink": EagerSink, "flex": Flex}


def time_once(peer, calls):
    spent = 0.0
    for _ in range(calls):
        begin = time.perf_counter()
        peer.forward()
        peer.backward()
        spent += time.perf_counter() - begin
    return 1000 * spent / calls


def kernel_ms(binary, heads, length, head_size, dtype, threads):
    command = [binary, "bench", "attention", "--json", "--peers", "none", "--seconds", "0.2", "--window", "0",
               "--heads", str(heads), "--length", str(length), "--head-size", str(head_size), "--dtype", dtype,
               "--threads", str(threads)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found["comparisons"][0]["times"][0]["both_ms"]["median"]


def refusal(error):
    """The first sentence of what a peer raised; its class where it says nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(". ")[0][:160]


def start_peer(kind, shape):
    """The peer after a first call, or why it cannot serve."""
    try:
        peer = kind(*shape)
        begin = time.perf_counter()
        peer.forward()
        peer.backward()
        return peer, max(1, int(0.05 / (time.perf_counter() - begin))), ""
    except Exception as error:  # what a peer raises is its answer
        return None, 0, refusal(error)


def compare(binary, heads, length, head_size, dtype, threads, rounds):
    shape = (heads, length, head_size, getattr(torch, dtype))
    peers = {name: start_peer(kind, shape) for name, kind in PEERS.items()}
    ours, theirs = [], {name: [] for name, (peer, _, _) in peers.items() if peer}
    for _ in range(rounds):
        ours.append(kernel_ms(binary, heads, length, head_size, dtype, threads))
        for name in theirs:
            peer, calls, _ = peers[name]
            theirs[name].append(time_once(peer, calls))
    row = dict(H=heads, T=length, D=head_size, dtype=dtype, threads=threads, rounds=rounds,
               kernel_ms=statistics.median(ours), peers={})
    for name, (_, _, reason) in peers.items():
        if reason:
            row["peers"][name] = dict(refusal=reason)
            continue
        ratios = sorted(peer / kernel for peer, kernel in zip(theirs[name], ours))
        row["peers"][name] = dict(ms=statistics.median(theirs[name]), ratio=statistics.median(ratios),
                                  lowest=ratios[0], highest=ratios[-1])
    return row


def show(row):
    print("{dtype}, D {D}, T {T}, H {H}, threads {threads}: kernel {kernel_ms:.3f} ms".format(**row))
    for name, peer in row["peers"].items():
        if "refusal" in peer:
            print(f"  {name:11} does not run: {peer['refusal']}", flush=True)
        else:
            print("  {:11} {ms:9.3f} ms  {ratio:5.2f}x the kernel's time ({lowest:.2f} to {highest:.2f})".format(
                name, **peer), flush=True)


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sinkwise", required=True, help="the program (./dev bench passes it)")
    parser.add_argument("--lengths", type=numbers, default=[128, 512, 2048])
    parser.add_argument("--head-sizes", type=numbers, default=[64])
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=["float32"])
    parser.add_argument("--threads", type=numbers, default=[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="write the rows here")
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {processor()}; causal attention, forward + backward")
    rows = []
    for dtype in arguments.dtypes:
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            for head_size in arguments.head_sizes:
                for length in arguments.lengths:
                    heads = min(16, max(1, 8192 // length))
                    rows.append(compare(arguments.sinkwise, heads, length, head_size, dtype, threads,
                                        arguments.rounds))
                    show(rows[-1])
    if arguments.json:
        record = dict(torch=torch.__version__, processor=processor(), date=time.strftime("%Y-%m-%d"), rows=rows)
        Path(arguments.json).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
