"""`sinkwise eval` against transformers on the same rows: per-item log-likelihoods and greedy matches.

  python benchmarks/eval_oracle.py --sinkwise build/release/bin/sinkwise --model MODEL --limit 20 \\
      --task hellaswag=hellaswag.jsonl --text book.txt

MODEL is a GGUF file or a folder with safetensors and a tokenizer. Needs torch and transformers (and gguf for a
GGUF file). Nothing is shared with sinkwise: prompts are written here after the harness's task files, tokens and
logits are the library's, one row at a time without padding, and metrics are formed here from those. Prints the largest
difference of each task; exits 1 when a log-likelihood is off by more than 1e-4 nats (for each hundred nats of a longer
row), a metric by more than that allows, or a greedy match differs where the logits are not tied.
"""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers

LIMIT = 1e-4  # nats, of a row of a hundred nats or less; in proportion of a longer one
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
    lengths = [options.length] if options.text else []
    for flag, values in (("--task", options.task), ("--text", options.text), ("--length", lengths)):
        for value in values:
            command += [flag, str(value)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    evaluation = json.loads(Path(out, "evaluation.json").read_text())
    items = [json.loads(line) for line in Path(out, "items.jsonl").read_text().splitlines()]
    return evaluation, {(item["task"], item["index"]): item for item in items}


def rows_of_file(name, options):
    """What a task's file holds; of a text, its bytes."""
    for file in options.text:
        if name == "text:" + Path(file).name:
            return Path(file).read_bytes()
    file = next(task.partition("=")[2] for task in options.task if task.partition("=")[0] == name)
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").split("\n") if line][: options.limit]


def choice_lengths(name, row):
    endings = row["endings"] if "endings" in row else row["options"] if "options" in row else ["-", "-"]
    return [len(hellaswag_text(ending) if name == "hellaswag" else ending) for ending in endings]


def metrics_of(name, options, scores, expected):
    """Name -> value, from the library's log-likelihoods alone."""
    rows, total = rows_of_file(name, options), sum(value for item in scores for value, _ in item)
    if name.startswith("text:"):
        ids = sum(scored for requests in expected for _, scored in requests)
        return {"bits_per_byte": -total / math.log(2) / len(rows), "perplexity": math.exp(-total / ids)}
    if name == "lambada":
        return {"acc": sum(item[0][1] for item in scores) / len(scores), "perplexity": math.exp(-total / len(scores))}
    right, right_by_length = 0, 0
    for item, row in zip(scores, rows, strict=True):
        values, lengths = [value for value, _ in item], choice_lengths(name, row)
        normed = [value / length for value, length in zip(values, lengths, strict=True)]
        right += values.index(max(values)) == row.get("label", 0)
        right_by_length += normed.index(max(normed)) == row.get("label", 0)
    return {"acc": right / len(rows), "acc_norm": right_by_length / len(rows)}


def same_metrics(name, options, scores, expected, evaluation):
    """Whether ours are these. A text counts only where all of it was scored."""
    found = next(task for task in evaluation["tasks"] if task["name"] == name)
    whole = not name.startswith("text:") or found["count"] < options.limit and evaluation["bos"]["ids"]
    if not whole:
        return True
    wanted = metrics_of(name, options, scores, expected)
    wrong = [f"{name}, {metric['name']}: {metric['value']} and not {wanted[metric['name']]}"
             for metric in found["metrics"]
             if abs(metric["value"] - wanted[metric["name"]]) > LIMIT * max(1.0, abs(wanted[metric["name"]]))]
    print("\n".join(wrong), end="\n" if wrong else "")
    return not wrong


def compare(model, tokenizer, options, out):
    """Prints a line a task; whether all of it agrees."""
    evaluation, items = ours(options, out)
    agree, seen = True, 0
    for name, expected in expected_rows(model, tokenizer, options, evaluation).items():
        largest, relative, wrong, rows, scores = 0.0, 0.0, 0, 0, []
        for index, requests in enumerate(expected):
            item = items[name, index]
            seen += 1
            agree &= item["tokens"] == [scored for _, scored in requests]
            scores.append([])
            for row, (ids, scored) in enumerate(requests):
                value, greedy, margin = score(model, ids, scored)
                off = abs(value - item["log_likelihoods"][row])
                largest, relative, rows = max(largest, off), max(relative, off / abs(value)), rows + 1
                agree &= off <= LIMIT * max(1.0, abs(value) / 100)
                scores[-1].append((value, greedy))
                wrong += greedy != item["greedy"][row] and margin > TIE
        agree &= wrong == 0
        agree &= same_metrics(name, options, scores, expected, evaluation)
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
