#include "sinkwise/selfcheck/attention_check.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace sinkwise::selfcheck {
namespace {

struct NamedUses {
  const char* name;
  Uses uses;
};
constexpr NamedUses kUses[] = {{"out", {true, false, false}},
                               {"lse", {false, true, false}},
                               {"gate", {false, false, true}},
                               {"out, lse and gate", {true, true, true}}};

double largest(const at::Tensor& tensor) {
  return tensor.defined() && tensor.numel() > 0 ? tensor.abs().max().item<double>() : 0.0;
}

at::Tensor finite_part(const at::Tensor& tensor) {
  return at::where(at::isfinite(tensor), tensor, at::zeros_like(tensor));
}

double allowed_error(const AttentionCase& c, const at::Tensor& exact, double naive,
                     at::ScalarType type) {
  if (type == at::kDouble) return 1e-12 * std::max(1.0, largest(finite_part(exact)));
  return 2.0 * naive + unavoidable_error(c, exact, type);
}

// Keeps the comparison that came closest to its limit, or went furthest beyond it.
void record(CheckRow& row, double error, double naive, double allowed, const std::string& where) {
  ++row.comparisons;
  const bool failed = !(error <= allowed);
  row.failures += failed ? 1 : 0;
  const double before = row.allowed > 0.0 ? row.worst_error / row.allowed : -1.0;
  const double now = allowed > 0.0 ? error / allowed : (failed ? INFINITY : 0.0);
  if (now <= before) return;
  row.worst_error = error;
  row.naive_error = naive;
  row.allowed = allowed;
  row.worst_case = where;
}

at::Tensor scalar_loss(const AttentionCase& c, const AttentionInputs& in) {
  const auto r = ops::attention(in.query, in.key, in.value, in.sink, in.document_start,
                                make_options(c, ops::PathSet::only(ops::Path::reference)));
  const at::Tensor lse = at::where(r.lse.isinf(), at::zeros_like(r.lse), r.lse);
  at::Tensor loss = r.out.sin().sum() + lse.sin().sum();
  if (r.gate.defined()) loss = loss + (r.gate * r.gate).sum();
  return loss;
}

double central_difference(const AttentionCase& c, const AttentionInputs& in, at::Tensor element) {
  constexpr double kStep = 1e-6;
  const double original = element.item<double>();
  element.fill_(original + kStep);
  const double up = scalar_loss(c, in).item<double>();
  element.fill_(original - kStep);
  const double down = scalar_loss(c, in).item<double>();
  element.fill_(original);
  return (up - down) / (2.0 * kStep);
}

}  // namespace

double unavoidable_error(const AttentionCase& c, const at::Tensor& expected, at::ScalarType type) {
  const double unit = std::ldexp(1.0, -24);  // half a unit in the last place of float32
  const at::Tensor finite = finite_part(expected);
  const AttentionInputs in = make_inputs(c, at::kDouble);
  const double norm = std::sqrt(static_cast<double>(c.D));
  const double cancelling = largest(in.value) * std::max(largest(in.key), largest(in.query)) * norm;
  return 20.0 * unit * largest(finite) + unit * cancelling + largest_error(finite.to(type), finite);
}

std::vector<CheckRow> check_attention(ops::Path path, at::ScalarType type) {
  std::map<std::string, CheckRow> rows;
  for (const AttentionCase& c : attention_cases()) {
    for (const NamedUses& use : kUses) {
      const Answer exact = forward_and_backward(c, at::kDouble, ops::Path::reference, use.uses);
      const Answer naive = forward_and_backward(c, type, ops::Path::reference, use.uses);
      const Answer actual = forward_and_backward(c, type, path, use.uses);
      for (std::size_t n = 0; n < exact.values.size(); ++n) {
        const double naive_error = largest_error(naive.values[n], exact.values[n]);
        CheckRow& row = rows[exact.names[n]];
        row.quantity = exact.names[n];
        row.type = type;
        record(row, largest_error(actual.values[n], exact.values[n]), naive_error,
               allowed_error(c, exact.values[n], naive_error, type),
               c.label + ", gradient through " + use.name);
      }
    }
  }
  std::vector<CheckRow> list;
  for (auto& [name, row] : rows) list.push_back(std::move(row));
  return list;
}

CheckRow check_reference_against_differences() {
  CheckRow row;
  row.quantity = "reference gradients";
  row.type = at::kDouble;
  for (const AttentionCase& c : attention_cases()) {
    if (c.T * c.S > 150 || (c.sink && std::abs(*c.sink) > 50)) continue;  // time; flat losses
    AttentionInputs inputs = make_inputs(c, at::kDouble);
    inputs.require_grad();
    scalar_loss(c, inputs).backward();
    torch::NoGradGuard no_grad;
    for (const at::Tensor& input : {inputs.query, inputs.key, inputs.value, inputs.sink}) {
      if (!input.defined()) continue;
      const at::Tensor flat = input.detach().view(-1), gradient = input.grad().view(-1);
      for (std::int64_t n = 0; n < flat.numel();
           n += 29) {  // a prime: all rows and channels in turn
        const double expected = central_difference(c, inputs, flat[n]);
        // Truncation of the difference is step^2, its rounding 1e-16 / step: both near 1e-10.
        record(row, std::abs(gradient[n].item<double>() - expected), 0.0, 1e-7, c.label);
      }
    }
  }
  return row;
}

}  // namespace sinkwise::selfcheck
