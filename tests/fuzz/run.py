#!/usr/bin/env python3
"""Builds every fuzz target in a folder of its own and lets each look for faults for a while.

  python3 tests/fuzz/run.py --build DIR [--python PYTHON] [TARGET ...]

The seconds for each target are SINKWISE_FUZZ_SECONDS, 60 unless set; two run at a time. Exit code 0: no target
found anything; 1: one did, and the input that it fell over is named; 77: this machine has no clang with a
fuzzer runtime, nothing was done.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
FIXTURES = SOURCE / "tests" / "fixtures"
SKIPPED = 77
COMPILERS = ("clang++-14", "clang++")
# What each target begins with, from tests/fixtures.
SEEDS = {
    "config_json": ["pretrained/*/config.json", "pretrained_gguf/*.gguf"],
    "gguf": ["weights/*.gguf", "pretrained_gguf/*.gguf"],
    "safetensors": ["weights/*.safetensors", "pretrained/*/model.safetensors"],
    "shard_index": ["weights/shards/*.json"],
    "tokenizer_json": ["tokenizer/*/tokenizer.json", "pretrained/*/tokenizer.json"],
}
# Half of a core is what a busy machine may leave, and sanitizers are slow: ten times the second that is promised.
LIMITS = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=65536"]


def fuzzing_compiler():
    """The first clang that links a program with its fuzzer and address sanitizer; none without."""
    for name in COMPILERS:
        compiler = shutil.which(name)
        if compiler is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "empty.cpp"
            source.write_text('extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }')
            built = subprocess.run([compiler, "-fsanitize=fuzzer,address,undefined", source, "-o", f"{folder}/empty"],
                                   capture_output=True, check=False)
        if built.returncode == 0:
            return compiler
    return None


def build(folder, compiler, python, targets):
    options = [f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DSINKWISE_TESTS=OFF",
               "-DSINKWISE_FUZZ=ON", "-DSINKWISE_SANITIZE_ADDRESS=ON", "-DSINKWISE_SANITIZE_UNDEFINED=ON"]
    for name in ("SINKWISE_PYTHON", "SINKWISE_PLOTLY_PYTHON"):
        options += [f"-D{name}={python[name]}"] if python[name] else []
    subprocess.run(["cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja", *options], check=True, stdout=subprocess.DEVNULL)
    programs = [f"fuzz_{target}" for target in targets]
    subprocess.run(["ninja", "-C", folder, "-j2", "--quiet", *programs], check=True)


def seeds_of(target, into):
    files = [path for pattern in SEEDS[target] for path in sorted(FIXTURES.glob(pattern))]
    assert files, f"no file of tests/fixtures for {target}"
    for number, path in enumerate(files):
        shutil.copy(path, into / f"{number}-{path.name}")


def fuzz(folder, target, seconds):
    """What the target printed, and whether it found nothing."""
    corpus, found = folder / "corpus" / target, folder / "found" / target
    for place in (corpus, found):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    seeds_of(target, corpus)
    done = subprocess.run([folder / "bin" / f"fuzz_{target}", f"-max_total_time={seconds}", *LIMITS,
                           f"-artifact_prefix={found}/", "-print_final_stats=1", corpus],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="replace"), done.returncode == 0


def report(target, seconds, printed, fine):
    units = [line.split()[-1] for line in printed.splitlines() if "number_of_executed_units" in line]
    print(f"{target}: {units[0] if units else 'no'} inputs in {seconds} s, {'nothing found' if fine else 'FAULT'}")
    if not fine:
        print(printed[-6000:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="folder for the build and the inputs that it finds")
    parser.add_argument("--python", default="", help="the Python with torch, as SINKWISE_PYTHON of the build")
    parser.add_argument("--plotly-python", default="", help="as SINKWISE_PLOTLY_PYTHON of the build")
    parser.add_argument("targets", nargs="*", choices=[[], *SEEDS], help="all unless given")
    given = parser.parse_args()
    compiler = fuzzing_compiler()
    if compiler is None:
        print(f"skipped: none of {', '.join(COMPILERS)} is here with its fuzzer runtime")
        print("next: apt-get install clang-14 libclang-rt-14-dev")
        return SKIPPED
    targets = given.targets or list(SEEDS)
    seconds = int(os.environ.get("SINKWISE_FUZZ_SECONDS", "60"))
    build(given.build, compiler, {"SINKWISE_PYTHON": given.python, "SINKWISE_PLOTLY_PYTHON": given.plotly_python},
          targets)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda target: fuzz(given.build, target, seconds), targets))
    for target, (printed, fine) in zip(targets, outcomes):
        report(target, seconds, printed, fine)
    return 0 if all(fine for _, fine in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
