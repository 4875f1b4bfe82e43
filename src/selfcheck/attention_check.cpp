#include "sinkwise/selfcheck/attention_check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

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

// Of one quantity, against the float64 reference.
struct Errors {
  double actual = 0.0, naive = 0.0;
  double unavoidable = 0.0;  // unavoidable_error; float64: 1e-12 of the size

  double allowed() const { return 2.0 * naive + unavoidable; }
};

using ErrorOf = std::map<std::string, double>;  // by quantity

// Largest error of the naive program over the draws. Every path is held against the same ones.
const ErrorOf& naive_errors(AttentionCase c, at::ScalarType type, const NamedUses& use) {
  static std::map<std::tuple<std::string, std::string, at::ScalarType>, ErrorOf> known;
  ErrorOf& largest_of = known[{c.label, use.name, type}];
  if (!largest_of.empty()) return largest_of;
  for (c.draw = 0; c.draw < kDraws; ++c.draw) {
    const Answer exact = forward_and_backward(c, at::kDouble, ops::Path::reference, use.uses);
    const Answer naive = forward_and_backward(c, type, ops::Path::reference, use.uses);
    for (std::size_t n = 0; n < exact.values.size(); ++n) {
      double& yet = largest_of[exact.names[n]];
      yet = std::max(yet, largest_error(naive.values[n], exact.values[n]));
    }
  }
  return largest_of;
}

std::map<std::string, Errors> errors_of(const AttentionCase& c, at::ScalarType type, ops::Path path,
                                        const NamedUses& use) {
  const bool is_double = type == at::kDouble;  // the naive program is the reference itself
  const Answer exact = forward_and_backward(c, at::kDouble, ops::Path::reference, use.uses);
  const Answer actual = forward_and_backward(c, type, path, use.uses);
  std::map<std::string, Errors> all;
  for (std::size_t n = 0; n < exact.values.size(); ++n) {
    const at::Tensor& value = exact.values[n];
    Errors& errors = all[exact.names[n]];
    errors.actual = largest_error(actual.values[n], value);
    errors.naive = is_double ? 0.0 : naive_errors(c, type, use).at(exact.names[n]);
    errors.unavoidable = is_double ? 1e-12 * std::max(1.0, largest(finite_part(value)))
                                   : unavoidable_error(c, value, type);
  }
  return all;
}

// Keeps the comparison that came closest to its limit, or went furthest beyond it.
void record(CheckRow& row, const Errors& errors, const std::string& where) {
  ++row.comparisons;
  const double error = errors.actual, allowed = errors.allowed();
  const bool failed = !(error <= allowed);
  row.failures += failed ? 1 : 0;
  const double before = row.allowed > 0.0 ? row.worst_error / row.allowed : -1.0;
  const double now = allowed > 0.0 ? error / allowed : (failed ? INFINITY : 0.0);
  if (now <= before) return;
  row.worst_error = error;
  row.naive_error = errors.naive;
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
      for (const auto& [quantity, errors] : errors_of(c, type, path, use)) {
        CheckRow& row = rows[quantity];
        row.quantity = quantity;
        row.type = type;
        record(row, errors, c.label + ", gradient through " + use.name);
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
        record(row, {std::abs(gradient[n].item<double>() - expected), 0.0, 1e-7}, c.label);
      }
    }
  }
  return row;
}

}  // namespace sinkwise::selfcheck
