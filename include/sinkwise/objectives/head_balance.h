#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sinkwise/nn/attention.h"

namespace sinkwise::objectives {

// What is added to the cross entropy so that no head stays idle (docs/mathematics.md).
enum class BalanceForm {
  none,
  cv,           // sum over layers of (H - m) CV(routed heads)^2        (arXiv 2602.01203)
  switch_form,  // sum over layers of n sum_h stop(p_h) p_h, p = Imp / sum Imp (Switch, NAMOH's
                // rival)
  loss_free,    // no loss: a bias on the gate's logit moves by rate * sign(mean Imp - Imp_h); ours
  open,  // control: sum over layers of n (1 - mean Imp)^2, opens gates without balancing; ours
};

// Which heads are the m shared ones that the statistic leaves out.
enum class SharedChoice {
  frozen,      // the m most important of a calibration pass before the first step
  recomputed,  // the m most important of each batch
};

// What "the batch" of CV is under gradient accumulation. CV^2 is not linear in the batch.
enum class BalanceScope {
  step,         // all micro-batches of the step: exact, at the price of a second forward pass
  micro_batch,  // each micro-batch alone, weighted by its share of the step's rows
};

struct BalanceConfig {
  BalanceForm form = BalanceForm::none;
  double lambda = 1e-2;
  std::int64_t shared_heads = 0;  // m
  SharedChoice shared_choice = SharedChoice::frozen;
  BalanceScope scope = BalanceScope::step;
  double loss_free_rate = 1e-3;
};

// Sums of G over the informative rows of some batch; they add up over micro-batches and ranks,
// which CV does not. Carry gradients when the records do.
struct GateSums {
  at::Tensor sum;    // [L, H] float32 (float64 for float64 records)
  at::Tensor count;  // [L, 1] rows behind each sum

  static GateSums of(const std::vector<nn::AttentionRecord>& records);
  void add(const GateSums& other);

  // Imp [L, H] = sum / count; 0 where a layer has no informative row.
  at::Tensor importance() const;
};

// [L, H] bool: every head but the m most important of its layer. Ties go to the lower index.
at::Tensor routed_heads(const at::Tensor& importance, std::int64_t shared_heads);

// [L]: population standard deviation over mean of Imp over the routed heads; 0 where the mean is 0
// or fewer than two heads are routed.
at::Tensor coefficient_of_variation(const at::Tensor& importance, const at::Tensor& routed);

// The unweighted objective, a scalar; 0 for none and loss_free. Differentiable in importance; never
// NaN.
at::Tensor balance_loss(const at::Tensor& importance, const at::Tensor& routed, BalanceForm form);

// The same objective in closed form: its value and d value / d importance, for a trainer that hands
// the gradient of every gate to autograd and so pays for two small operations a layer instead of
// forty. balance_loss and autograd are its oracle.
struct BalanceSlope {
  double value = 0.0;
  at::Tensor slope;  // [L, H] of importance's dtype and device
};
BalanceSlope balance_slope(const at::Tensor& importance, const at::Tensor& routed,
                           BalanceForm form);

// d / d gate [B, H, T] of sum over heads of slope_h * (sum of G_h over the informative rows), for
// one layer's slope [H]. May be an expanded view.
at::Tensor gate_gradient(const nn::AttentionRecord& record, const at::Tensor& slope);

// One loss-free step on the [L, H] biases: b += rate * sign(mean Imp of the layer - Imp_h).
void loss_free_step(at::Tensor biases, const at::Tensor& importance, double rate);

// What is logged about gates, over all heads (shared ones included).
struct BalanceStatistics {
  std::vector<double> cv;                                  // of each layer
  double mean_cv = 0.0;                                    // over layers
  double mean_gate = 0.0, min_gate = 0.0, max_gate = 0.0;  // over all L * H importances
  double effective_heads = 0.0;                            // H / (1 + CV^2), averaged over layers
};
BalanceStatistics statistics(const at::Tensor& importance);

const std::vector<std::pair<std::string, BalanceForm>>& balance_form_names();
std::string name(BalanceForm form);

}  // namespace sinkwise::objectives
