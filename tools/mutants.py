"""Breaks the attention operator and the balance loss one term at a time and expects a test to notice.

  python3 tools/mutants.py build/release          all mutants, about 25 s each on one core
  python3 tools/mutants.py build/release dropped  only those whose name holds a word

Each mutant replaces one piece of source text, rebuilds the tests that guard it, runs them and puts the
source back. A mutant that survives is a hole in the tests: exit code 1. Needs a build with tests.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STOCK = "src/ops/stock/attention.cpp"
BALANCE = "src/objectives/head_balance.cpp"
HOST = "src/objectives/host_gates.cpp"
KERNEL = "src/kernels/cpu/"
OPERATOR = "test_ops_attention_fused_test"
KERNELS = "test_kernels_attention_test"
OBJECTIVE = "test_objectives_head_balance_test"
STEP = "test_train_step_test"

# name, file, original text (must occur exactly once), replacement, test that must fail
MUTANTS = [
    ("dL dropped", STOCK, "extra = extra.defined() ? extra + upstream.lse : upstream.lse;", "(void)0;",
     OPERATOR),
    ("dG dropped from delta", STOCK, "extra = upstream.gate * weight;", "extra = at::zeros_like(weight);",
     OPERATOR),
    ("first-key term dropped", STOCK, "add_first_key_terms(a, upstream.gate * weight, gradients);",
     "if (false) add_first_key_terms(a, upstream.gate * weight, gradients);", OPERATOR),
    ("first-key term of dk dropped", STOCK, "gradients.key.select(2, 0).add_(key_terms.sum(2));",
     "(void)0;", OPERATOR),
    ("first-key term of dk in packed documents dropped", STOCK,
     "gradients.key.scatter_add_(2, index.expand({B, K, T, D}), key_terms);", "(void)index;", OPERATOR),
    ("first-key term with the wrong sign", STOCK, "(weighted * -a.scale)", "(weighted * a.scale)", OPERATOR),
    ("sink without the gate's gradient", STOCK, "row = row + upstream.gate;", "(void)0;", OPERATOR),
    ("sink without the extra term", STOCK, "row = row - extra;", "(void)0;", OPERATOR),
    ("sink gradient with the wrong sign", STOCK,
     ".sum(at::IntArrayRef{0, 2}).neg().to(a.sink.scalar_type())",
     ".sum(at::IntArrayRef{0, 2}).to(a.sink.scalar_type())", OPERATOR),
    ("sink left out of the log-sum-exp", STOCK, "result.lse = at::logaddexp(lse, column);",
     "result.lse = lse;", OPERATOR),
    ("output not rescaled by the sink", STOCK, "out = out * open.unsqueeze(-1).to(out.scalar_type());",
     "(void)0;", OPERATOR),
    ("rows without dO lose their gate gradient", STOCK,
     "if (singular) return backward_by_channel(problem, grad_out, out, lse, extra);",
     "if (false && singular) return backward_by_channel(problem, grad_out, out, lse, extra);", OPERATOR),
    ("extra channel with the wrong sign", STOCK, "extra.neg().unsqueeze(-1)", "extra.unsqueeze(-1)", OPERATOR),
    ("empty rows keep the kernel's log-sum-exp", STOCK, "lse.narrow(2, 0, empty).fill_(kMinusInfinity);",
     "(void)lse;", OPERATOR),
    ("window off by one", "src/ops/geometry.cpp", "visible = visible.logical_and(key > row - *geometry.window);",
     "visible = visible.logical_and(key >= row - *geometry.window);", "test_ops_attention_reference_test"),
    ("first key of a window off by one", "src/ops/geometry.cpp",
     "visible = visible.logical_and(distance < *geometry.window);",
     "visible = visible.logical_and(distance <= *geometry.window);", OPERATOR),
    ("fixed rows counted", "src/ops/geometry.cpp", "(geometry.causal ? 1 : 1 - reach)",
     "(geometry.causal ? 0 : 1 - reach)", "test_ops_geometry_test"),
    ("fixed rows of packed documents counted", "src/ops/geometry.cpp",
     "return visible.logical_and(row_positions(geometry, device) != first_key(geometry, device));",
     "return visible;", "test_ops_geometry_test"),
    ("informative rows of a window off by one", "src/ops/geometry.cpp", "reach - offset, device);",
     "reach + 1 - offset, device);", "test_ops_geometry_test"),
    ("kernel: dL dropped", KERNEL + "row_terms-inl.h",
     "delta[at + static_cast<std::int64_t>(i)] -= upstream.lse[at + static_cast<std::int64_t>(i)];", "", KERNELS),
    ("kernel: dO . out dropped", KERNEL + "row_terms-inl.h", "if (upstream.out.data != nullptr)\n",
     "if (false)\n", KERNELS),
    ("kernel: dG of the first key dropped from delta", KERNEL + "row_terms-inl.h",
     "delta[at + static_cast<std::int64_t>(i)] -= grad_gate[i] * rows.weight[i];", "", KERNELS),
    ("kernel: dG of the sink dropped from delta", KERNEL + "row_terms-inl.h",
     "row_delta -= grad_gate[i] * rows.weight[i];", "", KERNELS),
    ("kernel: dG dropped from the sink's gradient", KERNEL + "row_terms-inl.h",
     "term -= static_cast<double>(grad_gate[i]) * static_cast<double>(gate[i]);", "", KERNELS),
    ("kernel: first-key term dropped", KERNEL + "tile-inl.h",
     "scores.grad_score[at] -= scores.weight[at] * q.grad_gate[row + r];", "(void)at;", KERNELS),
    ("kernel: lowest first key of a group is its first row's", KERNEL + "row_range.cpp",
     "group.lowest_first = std::min(group.lowest_first, rows[i].first);", "", KERNELS),
    ("kernel: highest first key of a group is its first row's", KERNEL + "row_range.cpp",
     "group.highest_first = std::max(group.highest_first, rows[i].first);", "", KERNELS),
    ("kernel: sums not rescaled", KERNEL + "online_softmax-inl.h",
     "store(hn::MulAdd(load(sum), shrink, hn::Add(sum0, sum1)), sum);",
     "store(hn::Add(load(sum), hn::Add(sum0, sum1)), sum);", KERNELS),
    ("kernel: output not rescaled", KERNEL + "online_softmax-inl.h", "store(shrink, rescale);",
     "store(broadcast(1.0F), rescale);", KERNELS),
    ("kernel: sink left out of the total", KERNEL + "epilogue-inl.h",
     "total = hn::Add(keys, exp2(hn::Sub(logit, base)));", "total = keys;", KERNELS),
    ("kernel: window off by one", KERNEL + "row_range.cpp", "position - W + 1);", "position - W);",
     "test_kernels_row_range_test"),
    ("kernel: masked products not kept apart", KERNEL + "tile-inl.h",
     "if (masked && !(k.key_finite && q.finite)) {", "if (false) {", KERNELS),
    ("kernel: masked values not kept apart", KERNEL + "forward.cpp", "if (masked && careful) {", "if (masked && careful && false) {",
     KERNELS),
    ("kernel: scale of dk forgotten", KERNEL + "backward.cpp", "unpack_rows(k.grad_key, k.stride, count, D, p.scale,",
     "unpack_rows(k.grad_key, k.stride, count, D, 1.0F,", KERNELS),
    ("kernel: only the first chunk's dq", KERNEL + "backward.cpp", "for (std::int64_t chunk = 1; chunk < plan.chunks(); ++chunk) {",
     "for (std::int64_t chunk = 1; chunk < 0; ++chunk) {", KERNELS),
    ("kernel: rows packed for a chunk's first block alone", KERNEL + "backward.cpp",
     "std::min(task.blocks.back() + block, p.S)", "std::min(task.blocks.front() + block, p.S)", KERNELS),
    ("sample instead of population deviation", BALANCE,
     "const at::Tensor variance = ((importance - mean).square() * mask).sum(1, true) / safe_count;",
     "const at::Tensor variance = ((importance - mean).square() * mask).sum(1, true) / (safe_count - 1);",
     OBJECTIVE),
    ("factor H left out", BALANCE, "return (moments.count * squared_cv(moments)).sum();",
     "return squared_cv(moments).sum();", OBJECTIVE),
    ("shared heads not left out", BALANCE, "return routed.scatter(1, order.narrow(1, 0, m), false);",
     "return order.defined() && m >= 0 ? routed : routed;", OBJECTIVE),
    ("slope of the objective not brought to the sums", "src/train/step.cpp",
     "(balance.slope / sums.count.clamp_min(1)).mul_(", "balance.slope.mul(", STEP),
    ("share of a micro-batch left out of its slope", "src/train/step.cpp", ".mul_(share * config_.lambda)",
     ".mul_(config_.lambda)", STEP),
    ("gate gradient of rows that say nothing", BALANCE, "(of_head * mask).expand_as(record.gate)",
     "(of_head * at::ones_like(mask)).expand_as(record.gate)", OBJECTIVE),
    ("host: gates of rows that say nothing", HOST, "mask[t] ? static_cast<double>(gate[t]) : 0.0",
     "static_cast<double>(gate[t])", OBJECTIVE),
    ("host: gate gradient of rows that say nothing", HOST, "mask[t] ? head_slope[h] : 0.0F",
     "mask != nullptr ? head_slope[h] : 0.0F",
     OBJECTIVE),
    ("host: every sequence has the rows of the first", HOST, "mask_stride(informative.size(0) == 1 ? 0 : T)",
     "mask_stride(0)", OBJECTIVE),
    ("slope of CV without the mean's share", BALANCE, " - 2.0 * variance / (mean * mean * mean);", ";", OBJECTIVE),
    ("loss-free step the wrong way", BALANCE, "(importance.mean(1, true) - importance).sign()",
     "(importance - importance.mean(1, true)).sign()", OBJECTIVE),
]


def survives(build, test):
    if subprocess.run(["ninja", "-j2", "-C", build, test], capture_output=True, text=True).returncode != 0:
        return None
    return subprocess.run([Path(build) / "bin" / test], capture_output=True, text=True).returncode == 0


def try_mutant(build, file, original, replacement, test):
    path = ROOT / file
    source = path.read_text()
    if source.count(original) != 1:
        return f"the text to replace occurs {source.count(original)} times in {file}"
    path.write_text(source.replace(original, replacement))
    try:
        outcome = survives(build, test)
    finally:
        path.write_text(source)
    if outcome is None:
        return "does not compile"
    return "survived" if outcome else ""


def main():
    build, words = sys.argv[1], sys.argv[2:]
    chosen = [m for m in MUTANTS if not words or any(word in m[0] for word in words)]
    bad = 0
    for name, *rest in chosen:
        problem = try_mutant(build, *rest)
        bad += bool(problem)
        print(f"{'killed' if not problem else 'HOLE: ' + problem:10} {name}", flush=True)
    subprocess.run(["ninja", "-j2", "-C", build, *{m[-1] for m in chosen}], capture_output=True)
    print(f"{len(chosen) - bad} of {len(chosen)} mutants killed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
