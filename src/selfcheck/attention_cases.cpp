#include "sinkwise/selfcheck/attention_cases.h"

#include <cmath>

namespace sinkwise::selfcheck {
namespace {

using ops::Gate;

constexpr std::uint64_t kSeedsOfADraw = 100;

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(shape, generator, at::kDouble);
}

at::Tensor document_starts(const AttentionCase& c) {
  std::vector<std::int64_t> starts;
  for (std::int64_t length : c.documents) {
    const auto first = static_cast<std::int64_t>(starts.size());
    starts.insert(starts.end(), static_cast<std::size_t>(length), first + c.S - c.T);
  }
  return at::tensor(starts, at::kLong).unsqueeze(0).repeat({c.B, 1});
}

// A scalar loss that weighs every element of an output with a fixed random number. Elements that
// are infinite by contract (L of an empty row) are left out: no gradient flows from them.
at::Tensor weighted_sum(const at::Tensor& output, std::uint64_t seed) {
  const at::Tensor finite = at::isfinite(output.detach());
  const at::Tensor weights = random(output.sizes(), seed).to(output.scalar_type());
  return (at::where(finite, output, at::zeros_like(output)) * weights).to(at::kDouble).sum();
}

}  // namespace

AttentionInputs AttentionInputs::to(at::ScalarType type) const {
  AttentionInputs result{query.to(type), key.to(type), value.to(type), sink, document_start};
  if (sink.defined()) result.sink = sink.to(type == at::kDouble ? at::kDouble : at::kFloat);
  return result;
}

void AttentionInputs::require_grad() {
  for (at::Tensor* tensor : {&query, &key, &value, &sink}) {
    if (tensor->defined()) *tensor = tensor->detach().requires_grad_();
  }
}

AttentionInputs make_inputs(const AttentionCase& c, at::ScalarType type) {
  AttentionInputs inputs;
  const std::uint64_t seed = kSeedsOfADraw * c.draw;
  inputs.query = random({c.B, c.H, c.T, c.D}, seed + 1);
  inputs.key = random({c.B, c.K, c.S, c.D}, seed + 2);
  inputs.value = random({c.B, c.K, c.S, c.D}, seed + 3);
  if (c.outlier != 0.0) inputs.key.select(-1, 0).mul_(c.outlier);
  // float32 logits in every precision, as trainers keep them; +-0.5 tells heads apart.
  if (c.sink) inputs.sink = at::linspace(-0.5, 0.5, c.H, at::kDouble) + *c.sink;
  if (!c.documents.empty()) inputs.document_start = document_starts(c);
  // One rounding to bfloat16 first, so that every precision starts from the same numbers.
  inputs.query = inputs.query.to(at::kBFloat16);
  inputs.key = inputs.key.to(at::kBFloat16);
  inputs.value = inputs.value.to(at::kBFloat16);
  return inputs.to(type);
}

ops::AttentionOptions make_options(const AttentionCase& c, ops::PathSet paths) {
  ops::AttentionOptions options;
  options.causal = c.causal;
  options.window = c.window;
  options.gate = c.gate;
  options.paths = paths;
  return options;
}

std::vector<AttentionCase> attention_cases() {
  std::vector<AttentionCase> cases;
  auto add = [&cases](AttentionCase c) { cases.push_back(std::move(c)); };
  add({.label = "plain"});
  add({.label = "first key", .gate = Gate::first_key});
  add({.label = "sink", .gate = Gate::sink, .sink = 0.0});
  add({.label = "sink and first key", .gate = Gate::first_key, .sink = 1.0});
  add({.label = "closed sink -1e4", .gate = Gate::sink, .sink = -1e4});
  add({.label = "huge sink 100", .gate = Gate::sink, .sink = 100.0});
  add({.label = "one head", .H = 1, .K = 1, .T = 33, .S = 33, .gate = Gate::first_key});
  add({.label = "one key head", .H = 8, .K = 1, .T = 17, .S = 17, .gate = Gate::sink, .sink = 0.5});
  add({.label = "one token", .T = 1, .S = 1, .gate = Gate::first_key});
  add({.label = "one token, sink", .T = 1, .S = 1, .gate = Gate::sink, .sink = 0.5});
  add({.label = "full", .causal = false, .gate = Gate::first_key});
  add({.label = "full, T < S", .T = 3, .S = 13, .causal = false, .gate = Gate::sink, .sink = 0.0});
  add({.label = "full, T > S", .T = 13, .S = 3, .causal = false, .gate = Gate::first_key});
  add({.label = "causal, T < S", .T = 5, .S = 12, .gate = Gate::first_key});
  add({.label = "causal, T > S, empty rows", .T = 11, .S = 4, .gate = Gate::first_key});
  add({.label = "causal, T > S, empty rows, sink",
       .T = 11,
       .S = 4,
       .gate = Gate::sink,
       .sink = 0.5});
  add({.label = "window 1", .window = 1, .gate = Gate::first_key});
  add({.label = "window 3", .T = 19, .S = 19, .window = 3, .gate = Gate::first_key});
  add({.label = "window 3, sink", .T = 19, .S = 19, .window = 3, .gate = Gate::sink, .sink = 1.0});
  add({.label = "full window 3",
       .T = 19,
       .S = 19,
       .causal = false,
       .window = 3,
       .gate = Gate::first_key});
  add({.label = "full window 2, T > S",
       .T = 12,
       .S = 5,
       .causal = false,
       .window = 2,
       .gate = Gate::sink,
       .sink = 0.0});
  add({.label = "packed", .T = 19, .S = 19, .gate = Gate::first_key, .documents = {1, 5, 1, 12}});
  add({.label = "packed, sink",
       .T = 19,
       .S = 19,
       .gate = Gate::sink,
       .sink = 0.3,
       .documents = {6, 1, 12}});
  add({.label = "packed, window 4",
       .T = 19,
       .S = 19,
       .window = 4,
       .gate = Gate::first_key,
       .documents = {3, 1, 15}});
  add({.label = "packed, full",
       .T = 9,
       .S = 9,
       .causal = false,
       .gate = Gate::first_key,
       .documents = {4, 1, 4}});
  add({.label = "packed, T < S", .T = 6, .S = 10, .gate = Gate::first_key, .documents = {2, 4}});
  add({.label = "odd head size",
       .H = 2,
       .K = 2,
       .T = 65,
       .S = 65,
       .D = 59,
       .gate = Gate::first_key});
  add({.label = "long",
       .H = 2,
       .K = 1,
       .T = 257,
       .S = 257,
       .D = 32,
       .gate = Gate::sink,
       .sink = 2.0});
  add({.label = "outlier channel", .T = 65, .S = 65, .gate = Gate::first_key, .outlier = 8.0});
  return cases;
}

Answer forward_and_backward(const AttentionCase& c, at::ScalarType type, ops::Path path,
                            Uses uses) {
  AttentionInputs inputs = make_inputs(c, type);
  inputs.require_grad();
  const auto result =
      ops::attention(inputs.query, inputs.key, inputs.value, inputs.sink, inputs.document_start,
                     make_options(c, ops::PathSet::only(path)));
  const std::uint64_t seed = kSeedsOfADraw * c.draw;
  at::Tensor loss = at::zeros({}, at::kDouble);
  if (uses.out) loss = loss + weighted_sum(result.out, seed + 11);
  if (uses.lse) loss = loss + weighted_sum(result.lse, seed + 12);
  if (uses.gate && result.gate.defined()) loss = loss + weighted_sum(result.gate, seed + 13);
  if (loss.requires_grad()) loss.backward();

  Answer answer;
  auto keep = [&answer](const char* name, const at::Tensor& tensor) {
    answer.names.emplace_back(name);
    answer.values.push_back(tensor.detach().to(at::kDouble));
  };
  keep("out", result.out);
  keep("lse", result.lse);
  if (result.gate.defined()) keep("gate", result.gate);
  auto keep_gradient = [&](const char* name, const at::Tensor& input) {
    keep(name, input.grad().defined() ? input.grad() : at::zeros_like(input));
  };
  keep_gradient("dq", inputs.query);
  keep_gradient("dk", inputs.key);
  keep_gradient("dv", inputs.value);
  if (inputs.sink.defined()) keep_gradient("dsink", inputs.sink);
  return answer;
}

double largest_error(const at::Tensor& actual, const at::Tensor& expected) {
  if (actual.numel() == 0) return 0.0;
  const at::Tensor a = actual.to(at::kDouble), e = expected.to(at::kDouble);
  const at::Tensor same = a == e;  // equal infinities have no difference
  const at::Tensor error = at::where(same, at::zeros_like(a), (a - e).abs());
  return error.max().item<double>();  // NaN and unequal infinities stay and fail every bound
}

}  // namespace sinkwise::selfcheck
