"""`sinkwise inspect` against the same figures from transformers with eager attention and output_attentions.

  python benchmarks/inspect_eager.py --sinkwise build/release/bin/sinkwise --model MODEL --text FILE \\
      --length 2048 --windows 8

MODEL is a GGUF file or a folder with safetensors. Needs torch and transformers (and gguf for a GGUF file).
The peer shares no code with sinkwise: weights, tokens, attention maps and figures are the library's own or
written here. Prints, for each figure, the largest difference over all heads relative to the figure's largest
value in its layer, then both times, their ratio and both peaks of memory. Exits 1 when a figure differs by
more than 1e-3.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import transformers

from machine import processor

LIMIT = 1e-3


def load(path):
    path = Path(path)
    options = dict(dtype=torch.float32, attn_implementation="eager", local_files_only=True)
    name = dict(gguf_file=path.name) if path.suffix == ".gguf" else {}
    home = path.parent if name else path
    tokenizer = transformers.AutoTokenizer.from_pretrained(home, local_files_only=True, **name)
    return transformers.AutoModelForCausalLM.from_pretrained(home, **name, **options).eval(), tokenizer


class Hooks:
    """Inputs of each o_proj (heads side by side) and outputs of each v_proj of one forward pass."""

    def __init__(self, model):
        self.outputs, self.values = {}, {}
        for index, layer in enumerate(model.model.layers):
            layer.self_attn.o_proj.register_forward_pre_hook(self.keep(self.outputs, index, 0))
            layer.self_attn.v_proj.register_forward_hook(self.keep(self.values, index, 2))

    @staticmethod
    def keep(into, index, position):
        def hook(*arguments):
            value = arguments[position] if position else arguments[1][0]
            into[index] = value.detach()

        return hook


def figures_of(weights, output, value, heads):
    """One layer, one window: weights [H, T, T], output [T, H D], value [T, K D]."""
    H, T, _ = weights.shape
    first = weights[:, 1:, 0]
    columns = weights.sum(1) / T
    norm = value.view(T, -1, output.shape[1] // H).norm(dim=-1)  # [T, K]
    norm = norm.repeat_interleave(H // norm.shape[1], dim=1)
    return dict(
        importance=(1 - first).mean(1),
        first_token_weight=first.mean(1),
        honor=output.view(T, H, -1).norm(dim=-1).mean(0),
        entropy=torch.special.entr(weights).sum(-1).mean(1),
        largest_column=columns.max(1).values,
        largest_other_column=columns[:, 1:].max(1).values,
        sink_rate=(first.mean(1) > 0.3).float(),
        first_value=norm[0],
        other_value=norm[1:].mean(0),
    )


def peer(model, windows):
    hooks, sums, loss = Hooks(model), None, 0.0
    with torch.no_grad():
        for window in windows:
            result = model(window[None], output_attentions=True, use_cache=False)
            loss += torch.nn.functional.cross_entropy(result.logits[0, :-1], window[1:]).item()
            layers = [
                figures_of(weights[0], hooks.outputs[i][0], hooks.values[i][0], model.config.num_attention_heads)
                for i, weights in enumerate(result.attentions)
            ]
            if sums is None:
                sums = layers
            else:
                sums = [{k: a[k] + b[k] for k in a} for a, b in zip(sums, layers)]
    for layer in sums:
        drain = layer.pop("first_value") / layer.pop("other_value")
        layer.update({k: v / len(windows) for k, v in layer.items()})
        layer["value_drain"] = drain
    return loss / len(windows), sums


def differences(report, loss, layers):
    worst = {"loss": abs(report["loss"] - loss) / loss}
    for ours, theirs in zip(report["layers"], layers):
        for name, values in theirs.items():
            found = torch.tensor(ours["heads"][name], dtype=torch.float64)
            difference = (found - values).abs().max() / values.abs().max().clamp_min(1e-6)
            worst[name] = max(worst.get(name, 0.0), difference.item())
    return worst


def run_sinkwise(arguments, out):
    command = [arguments.sinkwise, "inspect", arguments.model, "--text", arguments.text, "--length",
               str(arguments.length), "--windows", str(arguments.windows), "--bos", "never",
               "--pruning-windows", "0", "--threads", str(arguments.threads), "--out", out]
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return seconds, peak, json.loads((Path(out) / "report.json").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--sinkwise", "--model", "--text"):
        parser.add_argument(name, required=True)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    with tempfile.TemporaryDirectory() as out:
        seconds, peak, report = run_sinkwise(arguments, out)
    begin = time.perf_counter()
    model, tokenizer = load(arguments.model)
    ids = tokenizer(Path(arguments.text).read_text(), add_special_tokens=False)["input_ids"]
    windows = torch.tensor(ids[: arguments.windows * arguments.length]).view(arguments.windows, -1)
    loaded = time.perf_counter()
    loss, layers = peer(model, windows)
    done = time.perf_counter()

    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {processor()}, "
          f"{arguments.threads} threads, {arguments.windows} windows of {arguments.length}")
    worst = differences(report, loss, layers)
    for name, value in worst.items():
        print(f"{name:22} worst relative difference {value:.1e}{'' if value <= LIMIT else '  TOO LARGE'}")
    print(f"sinkwise inspect   {seconds:8.1f} s in all      peak {peak:7.0f} MiB")
    print(f"transformers eager {done - loaded:8.1f} s + loading {loaded - begin:.1f} s   "
          f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MiB")
    print(f"ratio {(done - loaded) / seconds:.2f} (without the peer's loading), "
          f"{(done - begin) / seconds:.2f} (with it)")
    sys.exit(any(value > LIMIT for value in worst.values()))


if __name__ == "__main__":
    main()
