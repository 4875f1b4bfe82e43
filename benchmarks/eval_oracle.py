"""`sinkwise eval` against transformers on the same rows: per-item log-likelihoods and greedy matches.

  python benchmarks/eval_oracle.py --sinkwise build/release/bin/sinkwise --model MODEL --limit 20 \\
      --task hellaswag=hellaswag.jsonl --text book.txt

MODEL is a GGUF file or a folder with safetensors and a tokenizer. Needs torch and transformers (and gguf for a
GGUF file). Nothing is shared with sinkwise: prompts are written here after the harness's task files, tokens and
logits are the library's, one row at a time without padding. Prints the largest difference of each task; exits 1
when a log-likelihood is off by more than 1e-4 of itself and 1e-4, or a greedy match differs where the logits are not tied.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers

LIMIT = 1e-4  # absolute, plus the same relative
TIE = 1e-3  # logits closer than that may change places


def load(path):
    path = Path(path)
    name = dict(gguf_file=path.name) if path.suffix == ".gguf" else {}
    home = path.parent if name else path
    tokenizer = transformers.AutoTokenizer.from_pretrained(home, local_files_only=True, **name)
    model = transformers.AutoModelForCausalLM.from_pretrained(home, local_files_only=True, dtype=torch.float32, **name)
    return model.eval(), tokenizer


# --- Prompts: lists of (context, continuation) ---


def hellaswag_text(text):
    text = text.strip().replace(" [title]", ". ")
    return re.sub("\\[.*?\\]", "", text).replace("  ", " ")


def hellaswag(row):
    query = row["ctx"]
    if "ctx_a" in row:
        query = f'{row["activity_label"]}: {row["ctx_a"]} {row["ctx_b"].capitalize()}'
    return [(hellaswag_text(query), " " + hellaswag_text(ending)) for ending in row["endings"]]


def question(row):
    return [(f'Question: {row["ctx"]}\nAnswer:', " " + ending) for ending in row["endings"]]


def as_it_is(row):
    return [(row["ctx"], " " + ending) for ending in row["endings"]]


def winogrande(row):
    before, _, after = row["sentence"].partition("_")
    return [(before + option, " " + after.strip()) for option in row["options"]]


def blimp(row):
    return [("", " " + row["good"]), ("", " " + row["bad"])]


def lambada(row):
    return [(row["ctx"], row["target"])]


PROMPTS = dict(
    hellaswag=hellaswag, arc_easy=question, arc_challenge=question, piqa=question, openbookqa=as_it_is,
    multiple_choice=as_it_is, winogrande=winogrande, blimp=blimp, lambada=lambada,
)  # fmt: skip


# --- Scores ---


def pair(tokenizer, context, continuation):
    """(ids, how many of them are scored), as lm_eval.api.model._encode_pair and loglikelihood do."""
    if context == "":
        ids = tokenizer.encode(continuation, add_special_tokens=False)
        first = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        return ([first] + ids, len(ids)) if ids[0] != first else (ids, len(ids) - 1)
    spaces = len(context) - len(context.rstrip())
    if spaces:
        context, continuation = context[:-spaces], context[-spaces:] + continuation
    whole = tokenizer.encode(context + continuation)
    return whole, len(whole) - len(tokenizer.encode(context))


@torch.no_grad()
def score(model, ids, scored):
    """Log-likelihood, greedy, and the smallest margin by which greedy was decided."""
    ids = ids[-(model.config.max_position_embeddings + 1):]
    logits = model(torch.tensor([ids[:-1]])).logits[0, -scored:].double()
    targets = torch.tensor(ids[-scored:])
    picked = logits.gather(-1, targets[:, None])[:, 0]
    best = logits.max(-1).values
    others = logits.scatter(-1, targets[:, None], -torch.inf).max(-1).values
    margin = (picked - others).abs().min().item()
    return (picked - logits.logsumexp(-1)).sum().item(), bool((picked >= best).all()), margin


def text_windows(tokenizer, text, length, stride, begin):
    """(ids, scored) of each window: the first as long as it can be, the others `stride` on."""
    ids = tokenizer.encode(text, add_special_tokens=False)
    room = length - len(begin)  # of the text, that are read
    start, stop = (0 if begin else 1), room + 1
    while start < len(ids):
        stop = min(stop, len(ids))
        yield begin + ids[max(0, stop - 1 - room) : stop], stop - start
        start, stop = stop, stop + stride


def expected_rows(model, tokenizer, options, found):
    """task -> rows of each item, as (ids, scored), in the order of the file."""
    expected = {}
    for task in options.task:
        name, _, file = task.partition("=")
        lines = Path(file).read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line][: options.limit]
        expected[name] = [[pair(tokenizer, *request) for request in PROMPTS[name](row)] for row in rows]
    for file in options.text:
        text = Path(file).read_text(encoding="utf-8")
        windows = text_windows(tokenizer, text, found["length"], found["stride"], found["bos"]["ids"])
        expected["text:" + Path(file).name] = [[window] for window, _ in zip(windows, range(options.limit))]
    return expected


def ours(options, out):
    command = [options.sinkwise, "eval", options.model, "--out", out, "--limit", str(options.limit)]
    for flag, values in (("--task", options.task), ("--text", options.text), ("--length", [options.length])):
        for value in values:
            command += [flag, str(value)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    evaluation = json.loads(Path(out, "evaluation.json").read_text())
    items = [json.loads(line) for line in Path(out, "items.jsonl").read_text().splitlines()]
    return evaluation, {(item["task"], item["index"]): item for item in items}


def compare(model, tokenizer, options, out):
    """Prints a line a task; whether all of it agrees."""
    evaluation, items = ours(options, out)
    agree, seen = True, 0
    for name, expected in expected_rows(model, tokenizer, options, evaluation).items():
        largest, relative, wrong, rows = 0.0, 0.0, 0, 0
        for index, requests in enumerate(expected):
            item = items[name, index]
            seen += 1
            agree &= item["tokens"] == [scored for _, scored in requests]
            for row, (ids, scored) in enumerate(requests):
                value, greedy, margin = score(model, ids, scored)
                off = abs(value - item["log_likelihoods"][row])
                largest, relative, rows = max(largest, off), max(relative, off / abs(value)), rows + 1
                agree &= off <= LIMIT + LIMIT * abs(value)
                wrong += greedy != item["greedy"][row] and margin > TIE
        agree &= wrong == 0
        print(f"{name:24} {len(expected):5} items {rows:5} rows  largest difference {largest:.2e} nats, "
              f"{relative:.1e} relative; greedy differs in {wrong}", flush=True)
    return agree and seen == len(items)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sinkwise", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--task", action="append", default=[], help="NAME=FILE")
    parser.add_argument("--text", action="append", default=[])
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--length", type=int, default=256)
    options = parser.parse_args()
    model, tokenizer = load(options.model)
    with tempfile.TemporaryDirectory() as out:
        agree = compare(model, tokenizer, options, out)
    print("agree" if agree else "DIFFER")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
