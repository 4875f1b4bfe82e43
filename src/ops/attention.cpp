#include "sinkwise/ops/attention.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

#include <torch/library.h>
#include <torch/torch.h>

#include "attention_checks.h"
#include "cpu/attention.h"
#include "dtypes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/ops/attention_reference.h"
#include "stock/attention.h"

// Schema, checks, choice of path and autograd of the attention operator. Forward and backward are
// two dispatcher operators, so that compilers can see both; the mathematics is in reference/ and
// stock/.

namespace sinkwise::ops {
namespace {

using OptionalTensor = std::optional<at::Tensor>;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr Path kPaths[] = {Path::reference, Path::stock, Path::kernel};

std::array<std::atomic<std::int64_t>, std::size(kPaths)> runs{};

void count_run(Path path) { ++runs[static_cast<std::size_t>(path)]; }

at::Tensor or_undefined(const OptionalTensor& tensor) { return tensor.value_or(at::Tensor()); }

OptionalTensor or_none(const at::Tensor& tensor) {
  return tensor.defined() ? OptionalTensor(tensor) : std::nullopt;
}

// --- Options as the dispatcher carries them ---

constexpr std::array kGates = {Gate::none, Gate::first_key, Gate::sink};

Gate parse_gate(std::string_view text) {
  for (Gate gate : kGates) {
    if (name(gate) == text) return gate;
  }
  throw BadArgument({"attention: unknown gate", "argument `gate`", "none, first_key or sink",
                     std::string(text), ""});
}

// "auto", or the admitted paths with commas between.
PathSet parse_paths(std::string_view text) {
  if (text == "auto") return {};
  PathSet paths{false, false, false};
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const auto known = std::ranges::find(kPaths, word, [](Path path) { return name(path); });
    if (known == std::end(kPaths)) {
      throw BadArgument({"attention: unknown path", "argument `path`",
                         "auto, or some of reference, stock, kernel with commas between",
                         std::string(word), ""});
    }
    paths.admit(*known);
  }
  return paths;
}

std::string path_text(const PathSet& paths) {
  std::vector<std::string> names;
  for (Path path : kPaths) {
    if (paths.admits(path)) names.push_back(name(path));
  }
  return names.size() == std::size(kPaths) ? "auto" : join(names, ",");
}

AttentionOptions options_of(bool causal, std::optional<std::int64_t> window, std::string_view gate,
                            double scale, std::string_view path) {
  AttentionOptions options;
  options.causal = causal;
  options.window = window;
  options.gate = parse_gate(gate);
  options.scale = scale;
  options.paths = parse_paths(path);
  return options;
}

double scale_of(const at::Tensor& query, const AttentionOptions& options) {
  // Called before the shapes are checked: a wrong rank is refused there.
  const auto D = query.dim() == 4 ? std::max<std::int64_t>(query.size(3), 1) : 1;
  return options.scale.value_or(1.0 / std::sqrt(static_cast<double>(D)));
}

Arguments arguments_of(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                       const at::Tensor& sink, const at::Tensor& document_start,
                       const AttentionOptions& options) {
  Arguments arguments{query, key, value, sink, {}, options.gate, scale_of(query, options)};
  arguments.geometry = {query.size(2), key.size(2), options.causal, options.window, {}};
  if (document_start.defined()) arguments.geometry.document_start = document_start.to(at::kLong);
  return arguments;
}

PathChoice choose(const Arguments& arguments, const PathSet& paths) {
  PathChoice choice;
  auto consider = [&](Path path, auto decline_reason) {
    if (choice.path) return;
    std::optional<std::string> reason;
    if (paths.admits(path)) {
      reason = decline_reason();
    } else {
      reason = "not admitted by the caller";
    }
    if (reason) {
      choice.reasons.push_back(name(path) + ": " + *reason);
    } else {
      choice.path = path;
    }
  };
  consider(Path::kernel, [&] { return cpu::decline_reason(arguments); });
  consider(Path::stock, [&] { return stock::decline_reason(arguments); });
  consider(Path::reference, [] { return std::optional<std::string>(); });
  return choice;
}

Path chosen_path(const Arguments& arguments, const PathSet& paths) {
  const PathChoice choice = choose(arguments, paths);
  if (choice.path) return *choice.path;
  throw Unsupported({"attention: no admitted path can serve this request", "options.paths",
                     "a path that serves it", join(choice.reasons, "; "),
                     "admit the reference path, which takes everything"});
}

AttentionResult run_reference(const Arguments& a) {
  count_run(Path::reference);
  ReferenceOptions options;
  options.gate = a.gate;
  options.scale = a.scale;
  ReferenceResult result =
      reference_attention(a.query, a.key, a.value, a.sink, a.geometry, options);
  // The layout that every path promises: [B, T, H, D] in memory, so that merging heads is a view.
  const at::Tensor out = result.out.transpose(1, 2).contiguous().transpose(1, 2);
  return {out, result.lse, result.gate};
}

// --- Dispatcher operators ---

using ForwardTuple = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using BackwardTuple = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

ForwardTuple to_tuple(const AttentionResult& result) {
  const at::Tensor no_gate = at::empty({0}, result.lse.options());
  return {result.out, result.lse, result.gate.defined() ? result.gate : no_gate};
}

ForwardTuple forward_kernel(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const OptionalTensor& sink, const OptionalTensor& document_start,
                            bool causal, std::optional<std::int64_t> window, std::string_view gate,
                            double scale, std::string_view path) {
  const AttentionOptions options = options_of(causal, window, gate, scale, path);
  const at::Tensor sink_tensor = or_undefined(sink), start = or_undefined(document_start);
  check_attention(query, key, value, sink_tensor, start, options);
  const Arguments arguments = arguments_of(query, key, value, sink_tensor, start, options);
  const Path chosen = chosen_path(arguments, options.paths);
  if (chosen == Path::reference) return to_tuple(run_reference(arguments));
  count_run(chosen);
  return to_tuple(chosen == Path::kernel ? cpu::attention_forward(arguments)
                                         : stock::attention_forward(arguments));
}

BackwardTuple backward_kernel(const OptionalTensor& grad_out, const OptionalTensor& grad_lse,
                              const OptionalTensor& grad_gate, const at::Tensor& query,
                              const at::Tensor& key, const at::Tensor& value,
                              const OptionalTensor& sink, const OptionalTensor& document_start,
                              const at::Tensor& out, const at::Tensor& lse,
                              const at::Tensor& gate_value, bool causal,
                              std::optional<std::int64_t> window, std::string_view gate,
                              double scale, std::string_view path) {
  const AttentionOptions options = options_of(causal, window, gate, scale, path);
  const Arguments arguments =
      arguments_of(query, key, value, or_undefined(sink), or_undefined(document_start), options);
  const AttentionResult saved{out, lse, gate_value};
  const Upstream upstream{or_undefined(grad_out), or_undefined(grad_lse), or_undefined(grad_gate)};
  const AllGradients gradients = options.paths.kernel
                                     ? cpu::attention_backward(arguments, saved, upstream)
                                     : stock::attention_backward(arguments, saved, upstream);
  const at::Tensor no_sink = at::empty({0}, query.options());
  return {gradients.query, gradients.key, gradients.value,
          gradients.sink.defined() ? gradients.sink : no_sink};
}

ForwardTuple forward_meta(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const OptionalTensor& sink, const OptionalTensor& document_start,
                          bool causal, std::optional<std::int64_t> window, std::string_view gate,
                          double scale, std::string_view path) {
  const AttentionOptions options = options_of(causal, window, gate, scale, path);
  const at::Tensor sink_tensor = or_undefined(sink), start = or_undefined(document_start);
  check_attention(query, key, value, sink_tensor, start, options);
  const auto B = query.sym_size(0), H = query.sym_size(1), T = query.sym_size(2);
  const at::Tensor out =
      at::empty_symint({B, T, H, value.sym_size(3)}, query.options()).transpose(1, 2);
  const auto statistics = query.options().dtype(accumulation_type(query.scalar_type()));
  const at::Tensor lse = at::empty_symint({B, H, T}, statistics);
  const at::Tensor gate_out = options.gate == Gate::none ? at::empty({0}, statistics)
                                                         : at::empty_symint({B, H, T}, statistics);
  return {out, lse, gate_out};
}

BackwardTuple backward_meta(const OptionalTensor&, const OptionalTensor&, const OptionalTensor&,
                            const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const OptionalTensor& sink, const OptionalTensor&, const at::Tensor&,
                            const at::Tensor&, const at::Tensor&, bool, std::optional<std::int64_t>,
                            std::string_view, double, std::string_view) {
  const at::Tensor sink_gradient = sink ? at::empty_like(*sink) : at::empty({0}, query.options());
  return {at::empty_like(query), at::empty_like(key), at::empty_like(value), sink_gradient};
}

ForwardTuple call_forward(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const OptionalTensor& sink, const OptionalTensor& document_start,
                          bool causal, std::optional<std::int64_t> window, std::string_view gate,
                          double scale, std::string_view path) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("sinkwise::attention", "")
                             .typed<decltype(forward_kernel)>();
  return op.call(query, key, value, sink, document_start, causal, window, gate, scale, path);
}

BackwardTuple call_backward(const OptionalTensor& grad_out, const OptionalTensor& grad_lse,
                            const OptionalTensor& grad_gate, const at::Tensor& query,
                            const at::Tensor& key, const at::Tensor& value,
                            const OptionalTensor& sink, const OptionalTensor& document_start,
                            const at::Tensor& out, const at::Tensor& lse,
                            const at::Tensor& gate_value, bool causal,
                            std::optional<std::int64_t> window, std::string_view gate, double scale,
                            std::string_view path) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("sinkwise::attention_backward", "")
                             .typed<decltype(backward_kernel)>();
  return op.call(grad_out, grad_lse, grad_gate, query, key, value, sink, document_start, out, lse,
                 gate_value, causal, window, gate, scale, path);
}

// --- Autograd: connects the two operators for the fused paths; the reference path needs none ---

class FusedAttention : public torch::autograd::Function<FusedAttention> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& query,
                               const at::Tensor& key, const at::Tensor& value,
                               const OptionalTensor& sink, const OptionalTensor& document_start,
                               bool causal, std::optional<std::int64_t> window,
                               const std::string& gate, double scale, const std::string& path) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    auto [out, lse, gate_out] =
        call_forward(query, key, value, sink, document_start, causal, window, gate, scale, path);
    context->save_for_backward(
        {query, key, value, or_undefined(sink), or_undefined(document_start), out, lse, gate_out});
    context->saved_data["causal"] = causal;
    context->saved_data["window"] = window;
    context->saved_data["gate"] = gate;
    context->saved_data["scale"] = scale;
    context->saved_data["path"] = path;
    context->set_materialize_grads(false);  // an unused output costs nothing in backward
    if (gate_out.numel() == 0 && out.numel() != 0) context->mark_non_differentiable({gate_out});
    return {out, lse, gate_out};
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const variable_list saved = context->get_saved_variables();
    auto [query, key, value, sink] = call_backward(
        or_none(upstream[0]), or_none(upstream[1]), or_none(upstream[2]), saved[0], saved[1],
        saved[2], or_none(saved[3]), or_none(saved[4]), saved[5], saved[6], saved[7],
        context->saved_data["causal"].toBool(),
        context->saved_data["window"].toOptional<std::int64_t>(),
        context->saved_data["gate"].toStringRef(), context->saved_data["scale"].toDouble(),
        context->saved_data["path"].toStringRef());
    const at::Tensor none;
    return {query, key,  value, saved[3].defined() ? sink : none, none, none, none,
            none,  none, none};
  }
};

ForwardTuple forward_autograd(const at::Tensor& query, const at::Tensor& key,
                              const at::Tensor& value, const OptionalTensor& sink,
                              const OptionalTensor& document_start, bool causal,
                              std::optional<std::int64_t> window, std::string_view gate,
                              double scale, std::string_view path) {
  const AttentionOptions options = options_of(causal, window, gate, scale, path);
  const at::Tensor sink_tensor = or_undefined(sink), start = or_undefined(document_start);
  check_attention(query, key, value, sink_tensor, start, options);
  const Arguments arguments = arguments_of(query, key, value, sink_tensor, start, options);
  const Path chosen = chosen_path(arguments, options.paths);
  if (chosen == Path::reference) return to_tuple(run_reference(arguments));
  const auto outputs = FusedAttention::apply(query, key, value, sink, document_start, causal,
                                             window, std::string(gate), scale, name(chosen));
  return {outputs[0], outputs[1], outputs[2]};
}

}  // namespace

TORCH_LIBRARY(sinkwise, library) {
  library.def(
      "attention(Tensor query, Tensor key, Tensor value, Tensor? sink, Tensor? document_start, "
      "bool causal, int? window, str gate, float scale, str path) -> (Tensor, Tensor, Tensor)");
  library.def(
      "attention_backward(Tensor? grad_out, Tensor? grad_lse, Tensor? grad_gate, Tensor query, "
      "Tensor key, Tensor value, Tensor? sink, Tensor? document_start, Tensor out, Tensor lse, "
      "Tensor gate_value, bool causal, int? window, str gate, float scale, str path) "
      "-> (Tensor, Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(sinkwise, CPU, library) {
  library.impl("attention", forward_kernel);
  library.impl("attention_backward", backward_kernel);
}

TORCH_LIBRARY_IMPL(sinkwise, CUDA, library) {
  library.impl("attention", forward_kernel);
  library.impl("attention_backward", backward_kernel);
}

TORCH_LIBRARY_IMPL(sinkwise, Meta, library) {
  library.impl("attention", forward_meta);
  library.impl("attention_backward", backward_meta);
}

TORCH_LIBRARY_IMPL(sinkwise, Autograd, library) { library.impl("attention", forward_autograd); }

AttentionResult attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const at::Tensor& sink, const at::Tensor& document_start,
                          const AttentionOptions& options) {
  auto [out, lse, gate] = call_forward(query, key, value, or_none(sink), or_none(document_start),
                                       options.causal, options.window, name(options.gate),
                                       scale_of(query, options), path_text(options.paths));
  return {out, lse, options.gate == Gate::none ? at::Tensor() : gate};
}

PathChoice choose_path(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                       const at::Tensor& sink, const at::Tensor& document_start,
                       const AttentionOptions& options) {
  return choose(arguments_of(query, key, value, sink, document_start, options), options.paths);
}

PathSet PathSet::only(Path path) {
  PathSet paths{false, false, false};
  paths.admit(path);
  return paths;
}

void PathSet::admit(Path path) {
  reference = reference || path == Path::reference;
  stock = stock || path == Path::stock;
  kernel = kernel || path == Path::kernel;
}

bool PathSet::admits(Path path) const {
  switch (path) {
    case Path::reference:
      return reference;
    case Path::stock:
      return stock;
    case Path::kernel:
      return kernel;
  }
  return false;
}

std::int64_t path_runs(Path path) { return runs[static_cast<std::size_t>(path)]; }

std::string name(Path path) {
  switch (path) {
    case Path::reference:
      return "reference";
    case Path::stock:
      return "stock";
    case Path::kernel:
      return "kernel";
  }
  return "reference";
}

std::string name(Gate gate) {
  switch (gate) {
    case Gate::none:
      return "none";
    case Gate::first_key:
      return "first_key";
    case Gate::sink:
      return "sink";
  }
  return "none";
}

}  // namespace sinkwise::ops
