#include "cpu/attention.h"

#include <torch/torch.h>

#include "cpu/parallel.h"
#include "sinkwise/core/text.h"
#include "sinkwise/kernels/attention.h"

// From tensors to the raw pointers of the kernels. Views are passed on as they are; only a tensor
// whose last dimension is not contiguous is copied.

namespace sinkwise::ops::cpu {
namespace {

kernels::Strides strides(const at::Tensor& t) { return {t.stride(0), t.stride(1), t.stride(2)}; }

kernels::Input input(const at::Tensor& t) { return {t.const_data_ptr(), strides(t)}; }

kernels::Output output(const at::Tensor& t) { return {t.mutable_data_ptr(), strides(t)}; }

at::Tensor unit_stride(const at::Tensor& t) {
  return t.stride(-1) == 1 || t.size(-1) == 1 ? t : t.contiguous();
}

kernels::Gate gate_of(Gate gate) {
  switch (gate) {
    case Gate::none:
      return kernels::Gate::none;
    case Gate::first_key:
      return kernels::Gate::first_key;
    case Gate::sink:
      return kernels::Gate::sink;
  }
  return kernels::Gate::none;
}

// A problem and the tensors that its pointers lead to.
struct Operands {
  at::Tensor query, key, value, sink, document_start;
  kernels::AttentionProblem problem;
};

kernels::AttentionProblem sizes_of(const Arguments& a) {
  kernels::AttentionProblem p;
  p.B = a.query.size(0), p.H = a.query.size(1), p.T = a.query.size(2), p.D = a.query.size(3);
  p.K = a.key.size(1), p.S = a.key.size(2);
  p.element = a.query.scalar_type() == at::kBFloat16 ? kernels::Element::bfloat16
                                                     : kernels::Element::float32;
  p.scale = static_cast<float>(a.scale);
  p.causal = a.geometry.causal;
  p.window = a.geometry.window.value_or(0);
  p.gate = gate_of(a.gate);
  return p;
}

Operands operands_of(const Arguments& a) {
  Operands o{unit_stride(a.query), unit_stride(a.key), unit_stride(a.value), {}, {}, sizes_of(a)};
  kernels::AttentionProblem& p = o.problem;
  p.query = input(o.query), p.key = input(o.key), p.value = input(o.value);
  if (a.sink.defined()) {
    o.sink = a.sink.to(at::kFloat).contiguous();
    p.sink = o.sink.const_data_ptr<float>();
  }
  if (a.geometry.document_start.defined()) {
    o.document_start = a.geometry.document_start.to(at::kLong).contiguous();
    p.document_start = o.document_start.const_data_ptr<std::int64_t>();
  }
  return o;
}

}  // namespace

std::optional<std::string> decline_reason(const Arguments& a) {
  if (!a.query.is_cpu()) return concat("the kernels run on a CPU, not on ", a.query.device());
  const at::ScalarType type = a.query.scalar_type();
  if (type != at::kFloat && type != at::kBFloat16) {
    return concat("the kernels know float32 and bfloat16, not ", type);
  }
  if (a.value.size(3) != a.query.size(3)) {
    return concat("the kernels need equal head sizes, got ", a.query.size(3), " and ",
                  a.value.size(3));
  }
  kernels::AttentionProblem problem = sizes_of(a);
  at::Tensor start;
  if (a.geometry.document_start.defined() && !a.geometry.causal) {
    start = a.geometry.document_start.to(at::kLong).contiguous();
    problem.document_start = start.const_data_ptr<std::int64_t>();
  }
  return kernels::decline_reason(problem);
}

AttentionResult attention_forward(const Arguments& a) {
  const Operands o = operands_of(a);
  const kernels::AttentionProblem& p = o.problem;
  const auto statistics = a.query.options().dtype(at::kFloat);
  AttentionResult result;
  result.out = at::empty({p.B, p.T, p.H, p.D}, a.query.options()).transpose(1, 2);
  result.lse = at::empty({p.B, p.H, p.T}, statistics);
  if (a.gate != Gate::none) result.gate = at::empty({p.B, p.H, p.T}, statistics);
  kernels::attention_forward(
      p,
      {output(result.out), result.lse.mutable_data_ptr<float>(),
       result.gate.defined() ? result.gate.mutable_data_ptr<float>() : nullptr},
      torch_executor());
  return result;
}

AllGradients attention_backward(const Arguments& a, const AttentionResult& saved,
                                const Upstream& upstream) {
  const Operands o = operands_of(a);
  const at::Tensor out = unit_stride(saved.out), lse = saved.lse.contiguous();
  kernels::SavedForward kept{input(out), lse.const_data_ptr<float>(), nullptr};
  const at::Tensor gate = saved.gate.defined() ? saved.gate.contiguous() : at::Tensor();
  if (a.gate == Gate::sink) kept.gate = gate.const_data_ptr<float>();

  at::Tensor grad_out, grad_lse, grad_gate;
  kernels::Upstream from_above;
  if (upstream.out.defined()) {
    grad_out = unit_stride(upstream.out.to(a.query.scalar_type()));
    from_above.out = input(grad_out);
  }
  if (upstream.lse.defined()) {
    grad_lse = upstream.lse.to(at::kFloat).contiguous();
    from_above.lse = grad_lse.const_data_ptr<float>();
  }
  if (upstream.gate.defined()) {
    grad_gate = upstream.gate.to(at::kFloat).contiguous();
    from_above.gate = grad_gate.const_data_ptr<float>();
  }

  AllGradients all{at::empty_like(a.query), at::empty_like(a.key), at::empty_like(a.value), {}};
  kernels::Gradients into{output(all.query), output(all.key), output(all.value), nullptr};
  if (a.sink.defined()) {
    all.sink = at::empty({o.problem.H}, a.query.options().dtype(at::kFloat));
    into.sink = all.sink.mutable_data_ptr<float>();
  }
  kernels::attention_backward(o.problem, kept, from_above, into, torch_executor());
  if (a.sink.defined()) all.sink = all.sink.to(a.sink.scalar_type());
  return all;
}

}  // namespace sinkwise::ops::cpu
