#pragma once

#include "sinkwise/ops/attention.h"

namespace sinkwise::ops {

// What the fused paths (stock/, cpu/) receive and return, whatever they are made of.

// The resolved arguments of one call; scale and geometry are final.
struct Arguments {
  at::Tensor query, key, value;  // [B, H, T, D], [B, K, S, D]
  at::Tensor sink;               // [H] or undefined
  Geometry geometry;
  Gate gate = Gate::none;
  double scale = 1.0;
};

// What flows back; undefined where the caller used no such output.
struct Upstream {
  at::Tensor out;   // dO [B, H, T, D]
  at::Tensor lse;   // dL [B, H, T]
  at::Tensor gate;  // dG [B, H, T]
};

struct AllGradients {
  at::Tensor query, key, value, sink;  // sink undefined without one
};

}  // namespace sinkwise::ops
