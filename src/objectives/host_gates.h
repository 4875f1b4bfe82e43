#pragma once

#include "sinkwise/nn/attention.h"

namespace sinkwise::objectives {

// Gates in host memory, summed and given gradients in one pass over them. As tensor operations that
// is a dozen small ones a layer, which cost a small model more than what they compute.

// Whether a record's gate is contiguous float32 in host memory and nothing records a gradient.
bool on_host(const nn::AttentionRecord& record);

// sum [H]: G over the informative rows; returns their number. Needs on_host.
std::int64_t host_gate_sums(const nn::AttentionRecord& record, float* sum);

// [B, H, T]: slope [H] where a row is informative, else 0. Needs on_host.
at::Tensor host_gate_gradient(const nn::AttentionRecord& record, const at::Tensor& slope);

}  // namespace sinkwise::objectives
