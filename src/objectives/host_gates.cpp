#include "host_gates.h"

#include <algorithm>
#include <vector>

#include <torch/torch.h>

namespace sinkwise::objectives {
namespace {

// A record's gates as memory. `informative` has one row for the whole batch, or one a sequence.
struct HostGates {
  std::int64_t B, H, T;
  at::Tensor informative;  // keeps the memory of `mask`
  const bool* mask;
  std::int64_t mask_stride;

  explicit HostGates(const nn::AttentionRecord& record)
      : B(record.gate.size(0)),
        H(record.gate.size(1)),
        T(record.gate.size(2)),
        informative(record.informative.contiguous()),
        mask(informative.const_data_ptr<bool>()),
        mask_stride(informative.size(0) == 1 ? 0 : T) {}

  const bool* mask_of(std::int64_t b) const { return mask + b * mask_stride; }
};

}  // namespace

bool on_host(const nn::AttentionRecord& record) {
  const at::Tensor& gate = record.gate;
  const bool recorded = gate.requires_grad() && at::GradMode::is_enabled();
  return gate.is_cpu() && gate.scalar_type() == at::kFloat && gate.is_contiguous() && !recorded;
}

std::int64_t host_gate_sums(const nn::AttentionRecord& record, float* sum) {
  const HostGates gates(record);
  std::vector<double> total(static_cast<std::size_t>(gates.H), 0.0);
  const float* gate = record.gate.const_data_ptr<float>();
  std::int64_t rows = 0;
  for (std::int64_t b = 0; b < gates.B; ++b) {
    const bool* mask = gates.mask_of(b);
    rows += std::count(mask, mask + gates.T, true);
    for (double& of_head : total) {
      double of_row = 0.0;
      for (std::int64_t t = 0; t < gates.T; ++t) {
        of_row += mask[t] ? static_cast<double>(gate[t]) : 0.0;
      }
      of_head += of_row;
      gate += gates.T;
    }
  }
  std::ranges::transform(total, sum, [](double value) { return static_cast<float>(value); });
  return rows;
}

at::Tensor host_gate_gradient(const nn::AttentionRecord& record, const at::Tensor& slope) {
  const HostGates gates(record);
  const at::Tensor of_head = slope.to(at::kCPU, at::kFloat).contiguous();
  const float* head_slope = of_head.const_data_ptr<float>();
  at::Tensor gradient = at::empty_like(record.gate, at::MemoryFormat::Contiguous);
  float* out = gradient.mutable_data_ptr<float>();
  for (std::int64_t b = 0; b < gates.B; ++b) {
    const bool* mask = gates.mask_of(b);
    for (std::int64_t h = 0; h < gates.H; ++h, out += gates.T) {
      for (std::int64_t t = 0; t < gates.T; ++t) out[t] = mask[t] ? head_slope[h] : 0.0F;
    }
  }
  return gradient;
}

}  // namespace sinkwise::objectives
