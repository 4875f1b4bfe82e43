#!/usr/bin/env python3
"""Holds the documents against the tree and the program.

  python3 tools/check_docs.py                             links, paths, verbs of ./dev
  SINKWISE_BIN=.../sinkwise python3 tools/check_docs.py   commands, options and keys as well
  ... --run                                               and what stands in `console run` blocks

One line a fault, exit code 1 when there is any:
  - a relative link or anchor in a *.md file that leads nowhere
  - a path in backticks in ARCHITECTURE.md or CONTRIBUTING.md that does not exist
  - a command of `sinkwise` or `./dev`, in a fenced block or in backticks, with an unknown verb, option, key or choice
  - a configuration key in backticks that neither `sinkwise config show` nor `sinkwise finetune --keys` knows
  - a line of a block fenced as ```console run that does not exit with 0 within two minutes
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120
WITH_PATHS = ("ARCHITECTURE.md", "CONTRIBUTING.md")
# Names such as `log.jsonl` and `model.safetensors` look like keys and are files.
FILE_ENDINGS = {"cpp", "css", "h", "html", "js", "json", "jsonl", "md", "py", "safetensors", "toml", "txt"}


@dataclass
class Block:
    """A fenced block: its info string, the number of its first line, its lines."""
    info: str
    first: int
    lines: list


def plain_environment():
    """The caller's without what would change a recipe."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SINKWISE_")}


class Document:
    def __init__(self, path, root):
        self.path, self.name = path, str(path.relative_to(root))
        self.text = path.read_text()
        self.blocks, self.prose = self.split()

    def split(self):
        """Fenced blocks, and the other lines as (number, text) without HTML comments."""
        blocks, prose, block = [], [], None
        for number, line in enumerate(self.blank_comments().splitlines(), 1):
            fence = re.match(r"^\s*(```+)\s*(.*)$", line)
            if fence and block is None:
                block = Block(fence.group(2).strip(), number + 1, [])
            elif fence:
                blocks.append(block)
                block = None
            elif block is not None:
                block.lines.append(line)
            else:
                prose.append((number, line))
        return blocks, prose

    def blank_comments(self):
        return re.sub(r"<!--.*?-->", lambda m: re.sub(r"[^\n]", " ", m.group(0)), self.text, flags=re.S)

    def code_spans(self):
        for number, line in self.prose:
            for span in re.findall(r"`([^`]+)`", line):
                yield number, span

    def commands(self):
        """(number, command line) of fenced blocks and of code spans that start a command."""
        for block in self.blocks:
            yield from commands_of(block)
        for number, span in self.code_spans():
            if re.match(r"(\./dev|sinkwise) [a-z]", span):
                yield number, span


def commands_of(block):
    """Commands of a block: after "$ " where it has any, else each line; continued over backslashes."""
    prompted = any(line.startswith("$ ") for line in block.lines)
    pending, start = "", 0
    for offset, line in enumerate(block.lines):
        if not pending:
            if prompted and not line.startswith("$ "):
                continue
            start = block.first + offset
        text = line.removeprefix("$ ") if prompted and not pending else line
        pending += text.rstrip("\\").rstrip() + " "
        if not text.endswith("\\"):
            yield start, pending.strip()
            pending = ""


def documents(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                            capture_output=True, text=True)
    names = listed.stdout.split("\n") if listed.returncode == 0 else []
    paths = [root / name for name in names if name] or sorted(root.rglob("*.md"))
    return [Document(path, root) for path in sorted(set(paths)) if path.exists()]


# --- Links and paths ---


def anchors(path):
    """What GitHub calls the headings of a document."""
    seen, result, fenced = {}, set(), False
    for line in path.read_text().splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = re.match(r"^#{1,6}\s+(.*?)\s*#*$", line)
        if fenced or not heading:
            continue
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.group(1))
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        result.add(slug if count == 0 else f"{slug}-{count}")
    return result


def check_links(document, faults):
    for number, line in document.prose:
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            path = document.path.parent / name if name else document.path
            if not path.exists():
                faults.append(f"{document.name}:{number}: no such file: {target}")
            elif anchor and path.suffix == ".md" and anchor not in anchors(path):
                faults.append(f"{document.name}:{number}: no such heading: {target}")


def check_paths(document, root, faults):
    for number, span in document.code_spans():
        if "/" not in span or not re.fullmatch(r"[\w.][\w./*-]*", span):
            continue
        if not any(root.glob(span.rstrip("/"))):
            faults.append(f"{document.name}:{number}: no such path: {span}")


# --- Commands and keys ---


class Program:
    """What `--help` and the lists of keys of a binary say."""

    def __init__(self, binary):
        self.binary = binary
        self.help = {}
        self.keys = {}
        for words in (["config", "show", "--json"], ["finetune", "--keys", "--json"]):
            for row in json.loads(self.output(words)):
                known = self.keys.setdefault(row["key"], {"choices": []})
                known["choices"] += [word for word in row["choices"] if word not in known["choices"]]

    def output(self, words):
        done = subprocess.run([self.binary, *words], capture_output=True, text=True, timeout=TIMEOUT_S,
                              env=plain_environment())
        return done.stdout

    def describe(self, words):
        """(options, subcommands) of the command named by `words`."""
        key = tuple(words)
        if key not in self.help:
            options, commands, section = set(), set(), ""
            for line in self.output([*words, "--help"]).splitlines():
                section = line[:-1] if re.match(r"^\S.*:$", line) else section
                word = line.split()[0] if line.startswith("  ") and line.strip() else ""
                if section == "Options" and word.startswith("-"):
                    options.update(word.split(","))
                elif section == "Subcommands" and word:
                    commands.add(word)
            self.help[key] = (options, commands)
        return self.help[key]

    def fault_of(self, words):
        """What is wrong with the words after `sinkwise`, or None."""
        path = []
        while words and not words[0].startswith("-") and self.describe(path)[1]:
            if words[0].isupper():
                return None  # a placeholder, as in `./dev sinkwise ARGS`
            if words[0] not in self.describe(path)[1]:
                return f"unknown command: sinkwise {' '.join([*path, words[0]])}"
            path.append(words.pop(0))
        for place, word in enumerate(words):
            option = word.split("=")[0]
            if option.startswith("-") and option not in self.describe(path)[0]:
                return f"sinkwise {' '.join(path)} has no option {option}"
            if word == "--set" and place + 1 < len(words):
                fault = self.fault_of_assignment(words[place + 1])
                if fault:
                    return fault
        return None

    def fault_of_assignment(self, assignment):
        key, _, value = assignment.partition("=")
        if key not in self.keys:
            return f"unknown key: {key}"
        choices = self.keys[key]["choices"]
        return f"{key} is one of {', '.join(choices)}, not {value}" if choices and value not in choices else None


def dev_verbs(root):
    usage = re.search(r"<<'END'\n(.*?)\nEND", (root / "dev").read_text(), re.S).group(1)
    return set(re.findall(r"^  ([a-z]+) ", usage, re.M))


def pieces(line):
    """The single commands of a line, as lists of words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.commenters, lexer.whitespace_split = "#", True
    piece = []
    for word in lexer:
        if re.fullmatch(r"[|&;<>]+", word):
            yield piece
            piece = []
        else:
            piece.append(word)
    yield piece


def fault_of_command(words, verbs, program):
    if words[:1] == ["./dev"] and len(words) > 1:
        if words[1] not in verbs:
            return f"unknown verb: ./dev {words[1]}"
        words = words[1:]
    if words[:1] == ["sinkwise"] and len(words) > 1 and program:
        return program.fault_of(words[1:])
    return None


def check_commands(document, verbs, program, faults):
    for number, line in document.commands():
        if not re.match(r"(\./dev|sinkwise)\b", line):
            continue
        try:
            found = [fault_of_command(words, verbs, program) for words in pieces(line)]
        except ValueError as problem:
            found = [f"not a command line: {problem}"]
        faults += [f"{document.name}:{number}: {fault}" for fault in found if fault]


def check_keys(document, program, faults):
    sections = {key.split(".")[0] for key in program.keys}
    for number, span in document.code_spans():
        match = re.fullmatch(r"([a-z]+)\.([a-z_0-9]+)(=.*)?", span)
        if not match or match.group(1) not in sections or match.group(2) in FILE_ENDINGS:
            continue
        if f"{match.group(1)}.{match.group(2)}" not in program.keys:
            faults.append(f"{document.name}:{number}: unknown key: {span}")


# --- Running ---


def prepare_scratch(scratch, root, binary):
    """A folder that looks like the source root to a reader who follows the document."""
    for name in ("recipes", "tests"):
        (scratch / name).symlink_to(root / name)
    (scratch / "bin").mkdir()
    (scratch / "bin" / "sinkwise").symlink_to(Path(binary).resolve())
    front_door = scratch / "dev"
    front_door.write_text('#!/bin/sh\n[ "$1" = sinkwise ] || exit 2\nshift\nexec sinkwise "$@"\n')
    front_door.chmod(0o755)


def run_line(line, scratch):
    environment = dict(plain_environment(), PATH=f"{scratch}/bin:{os.environ['PATH']}")
    try:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=scratch, env=environment,
                              capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"took longer than {TIMEOUT_S} s"
    last = (done.stderr or done.stdout).strip().splitlines()[-1:]
    return None if done.returncode == 0 else f"exit code {done.returncode}: {' '.join(last)}"


def run_blocks(document, root, binary, faults):
    """Runs a document's blocks in one scratch folder, in order."""
    lines = [command for block in document.blocks if block.info == "console run" for command in commands_of(block)]
    if not lines:
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        prepare_scratch(scratch, root, binary)
        for number, line in lines:
            fault = run_line(line, scratch)
            print(f"{'ran' if fault is None else 'FAIL'}  {document.name}:{number}: {line}", flush=True)
            if fault:
                faults.append(f"{document.name}:{number}: {line}: {fault}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--run", action="store_true", help="run what stands in ```console run blocks")
    arguments = parser.parse_args()
    root, binary, faults = arguments.root.resolve(), os.environ.get("SINKWISE_BIN"), []
    if arguments.run and not binary:
        parser.error("--run needs SINKWISE_BIN, the program to run")
    program = Program(binary) if binary else None
    all_documents = documents(root)
    for document in all_documents:
        check_links(document, faults)
        check_commands(document, dev_verbs(root), program, faults)
        if document.name in WITH_PATHS:
            check_paths(document, root, faults)
        if program:
            check_keys(document, program, faults)
        if arguments.run:
            run_blocks(document, root, binary, faults)
    print("\n".join(faults) if faults else f"{len(all_documents)} documents hold")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
