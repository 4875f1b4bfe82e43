#include "attention_checks.h"

#include <cmath>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::ops {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& argument,
                         const std::string& expected, const std::string& found,
                         const std::string& next = {}) {
  throw BadArgument({"attention: " + what, "argument `" + argument + "`", expected, found, next});
}

std::string shape(const at::Tensor& tensor) { return concat(tensor.sizes()); }

void check_shapes(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  if (query.dim() != 4) refuse("query has the wrong rank", "query", "[B, H, T, D]", shape(query));
  if (key.dim() != 4) refuse("key has the wrong rank", "key", "[B, K, S, D]", shape(key));
  if (key.size(0) != query.size(0) || key.size(3) != query.size(3)) {
    refuse("key does not fit query", "key",
           concat("[", query.size(0), ", K, S, ", query.size(3), "]"), shape(key));
  }
  if (value.dim() != 4 || value.size(0) != key.size(0) || value.size(1) != key.size(1) ||
      value.size(2) != key.size(2)) {
    refuse("value does not fit key", "value",
           concat("[", key.size(0), ", ", key.size(1), ", ", key.size(2), ", D]"), shape(value));
  }
  if (key.size(1) == 0 || query.size(1) % key.size(1) != 0) {
    refuse("query heads are not a multiple of key heads", "key",
           concat("K that divides H = ", query.size(1)), concat("K = ", key.size(1)));
  }
}

void check_types(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  if (!at::isFloatingType(query.scalar_type())) {
    refuse("query is not floating point", "query", "float32, float64, bfloat16 or float16",
           concat(query.scalar_type()));
  }
  for (const at::Tensor* other : {&key, &value}) {
    const char* argument = other == &key ? "key" : "value";
    if (other->scalar_type() != query.scalar_type()) {
      refuse("mixed dtypes", argument, concat(query.scalar_type(), " like query"),
             concat(other->scalar_type()));
    }
    if (other->device() != query.device()) {
      refuse("mixed devices", argument, concat(query.device(), " like query"),
             concat(other->device()));
    }
  }
}

void check_sink(const at::Tensor& sink, const at::Tensor& query, Gate gate) {
  if (gate == Gate::sink && !sink.defined()) {
    refuse("the gate is read from a sink, but there is none", "sink",
           concat("[H] = [", query.size(1), "]"), "undefined",
           "pass a sink, or ask for Gate::first_key");
  }
  if (!sink.defined()) return;
  if (sink.dim() != 1 || sink.size(0) != query.size(1)) {
    refuse("sink has the wrong shape", "sink", concat("[H] = [", query.size(1), "]"), shape(sink));
  }
  if (sink.device() != query.device() || !at::isFloatingType(sink.scalar_type())) {
    refuse("sink is of another kind than query", "sink",
           concat("floating point on ", query.device()),
           concat(sink.scalar_type(), " on ", sink.device()));
  }
}

void check_documents(const at::Tensor& start, const at::Tensor& query, const at::Tensor& key,
                     bool causal) {
  if (!start.defined()) return;
  const auto B = query.size(0), T = query.size(2), S = key.size(2);
  if (start.dim() != 2 || start.size(0) != B || start.size(1) != T) {
    refuse("document_start has the wrong shape", "document_start",
           concat("[B, T] = [", B, ", ", T, "]"), shape(start));
  }
  if (start.scalar_type() != at::kLong && start.scalar_type() != at::kInt) {
    refuse("document_start is not integer", "document_start", "int32 or int64",
           concat(start.scalar_type()));
  }
  if (!causal && T != S) {
    refuse("packed documents without causal order need as many queries as keys", "document_start",
           concat("T = S = ", S), concat("T = ", T), "use causal order, or split the documents");
  }
  // Reading the values would stall a GPU; there an index out of range fails inside the kernel.
  if (!start.is_cpu() || start.numel() == 0) return;
  const at::Tensor last = at::arange(S - T, S, at::kLong).clamp_min(0);
  if ((start < 0).logical_or(start > last).any().item<bool>()) {
    refuse("document_start points outside the row's past", "document_start",
           "0 <= document_start[b, i] <= i + S - T",
           concat("minimum ", start.min().item<long>(), ", maximum ", start.max().item<long>(),
                  " with T = ", T, ", S = ", S));
  }
}

}  // namespace

void check_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& sink, const at::Tensor& document_start,
                     const AttentionOptions& options) {
  check_shapes(query, key, value);
  check_types(query, key, value);
  check_sink(sink, query, options.gate);
  check_documents(document_start, query, key, options.causal);
  if (options.window && *options.window < 1) {
    refuse("the window holds no key", "options.window", "at least 1, or none for unlimited",
           concat(*options.window));
  }
  if (options.scale && !std::isfinite(*options.scale)) {
    refuse("the scale is not finite", "options.scale", "a finite number", concat(*options.scale));
  }
}

}  // namespace sinkwise::ops
