#include "interventions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <torch/torch.h>

#include "facts.h"
#include "gradient.h"
#include "sinkwise/core/random.h"
#include "sinkwise/core/statistics.h"

namespace sinkwise::inspect {
namespace {

constexpr double kShares[] = {1.0 / 16, 1.0 / 8, 1.0 / 4, 3.0 / 8, 1.0 / 2};  // of heads silenced
constexpr const char* kRanked[] = {"importance", "HONOR over its layer's mean", "gradient"};

struct Head {
  std::size_t layer, head;
};

// All heads of the model, layer by layer.
std::vector<Head> all_heads(const std::vector<LayerInspection>& layers) {
  std::vector<Head> heads;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    for (std::size_t h = 0; h < layers[layer].heads.importance.size(); ++h)
      heads.push_back({layer, h});
  }
  return heads;
}

using Scores = std::vector<std::vector<double>>;  // [L][H]

// The head with the lowest score first, those without one last; ties in the order of the model.
std::vector<Head> ordered_by(std::vector<Head> heads, const Scores& scores) {
  const auto score = [&](const Head& head) {
    const double of_head = scores[head.layer][head.head];
    return std::isnan(of_head) ? std::numeric_limits<double>::infinity() : of_head;
  };
  std::stable_sort(heads.begin(), heads.end(),
                   [&](const Head& a, const Head& b) { return score(a) < score(b); });
  return heads;
}

std::vector<Head> shuffled(std::vector<Head> heads, std::uint64_t seed, std::uint64_t order) {
  RandomStream random(seed, {order});
  for (std::size_t i = heads.size(); i > 1; --i) std::swap(heads[i - 1], heads[random.below(i)]);
  return heads;
}

// How many heads are silenced at each point of a curve.
std::vector<std::int64_t> counts_of(std::size_t heads) {
  std::vector<std::int64_t> counts;
  for (const double share : kShares) {
    const auto count = static_cast<std::int64_t>(share * static_cast<double>(heads) + 0.5);
    if (count > 0 && (counts.empty() || count > counts.back())) counts.push_back(count);
  }
  return counts;
}

Variant silencing(const std::vector<LayerInspection>& layers, const std::vector<Head>& order,
                  std::size_t count) {
  Variant variant;
  for (const LayerInspection& layer : layers) {
    const auto H = static_cast<std::int64_t>(layer.heads.importance.size());
    variant.head_scale.push_back(H > 0 ? at::ones({H}) : at::Tensor());
  }
  for (std::size_t i = 0; i < count; ++i) {
    variant.head_scale[order[i].layer][static_cast<std::int64_t>(order[i].head)] = 0.0;
  }
  return variant;
}

}  // namespace

Scores honor_over_layer_mean(const std::vector<LayerInspection>& layers) {
  Scores scores;
  for (const LayerInspection& layer : layers) scores.push_back(honor_over_mean(layer));
  return scores;
}

std::int64_t windows_of_intervening(const pretrained::ModelConfig& config, std::int64_t windows,
                                    const InspectOptions& options) {
  std::int64_t heads = 0;
  for (const auto& layer : config.layers) {
    if (const auto* attention = layer.attention()) heads += attention->heads;
  }
  const auto orders = std::ssize(kRanked) + options.random_orders;
  const auto points = static_cast<std::int64_t>(counts_of(static_cast<std::size_t>(heads)).size());
  return std::min(options.pruning_windows, windows) * (1 + kBackward + 2 + orders * points);
}

Interventions intervene(const pretrained::Model& model, const at::Tensor& tokens,
                        const std::vector<LayerInspection>& layers, const InspectOptions& options,
                        const WindowsDone& layer_done) {
  const std::vector<Head> heads = all_heads(layers);
  Scores importance;
  for (const LayerInspection& layer : layers) importance.push_back(layer.heads.importance);
  const at::Tensor some = tokens.narrow(0, 0, std::min(options.pruning_windows, tokens.size(0)));
  std::vector<std::vector<Head>> orders = {
      ordered_by(heads, importance), ordered_by(heads, honor_over_layer_mean(layers)),
      ordered_by(heads, gradient_scores(model, some, layer_done))};
  for (std::int64_t r = 0; r < options.random_orders; ++r) {
    orders.push_back(shuffled(heads, options.seed, static_cast<std::uint64_t>(r)));
  }
  const std::vector<std::int64_t> counts = counts_of(heads.size());
  std::vector<Variant> variants{{}, {{}, true}};
  for (const auto& order : orders) {
    for (const std::int64_t count : counts) {
      variants.push_back(silencing(layers, order, static_cast<std::size_t>(count)));
    }
  }
  const auto each = some.size(0) * static_cast<std::int64_t>(variants.size());
  const auto hidden = walk(model, some, variants, {}, nullptr, [&] { layer_done(each); });
  std::vector<double> losses;
  for (const at::Tensor& states : hidden) losses.push_back(mean_loss(model, states, some));

  Interventions result{some.size(0), losses[0], losses[1], {}};
  auto loss_of = [&](std::size_t order, std::size_t i) {
    return losses[2 + order * counts.size() + i];
  };
  for (std::size_t order = 0; order < std::size(kRanked); ++order) {
    PruningCurve curve{kRanked[order], counts, {}, {}};
    for (std::size_t i = 0; i < counts.size(); ++i) curve.loss.push_back(loss_of(order, i));
    result.curves.push_back(std::move(curve));
  }
  if (options.random_orders == 0) return result;
  PruningCurve random{"random", counts, {}, {}};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::vector<double> values;
    for (std::size_t order = std::size(kRanked); order < orders.size(); ++order)
      values.push_back(loss_of(order, i));
    random.loss.push_back(mean(values));
    random.spread.push_back(sample_deviation(values));
  }
  result.curves.push_back(std::move(random));
  return result;
}

}  // namespace sinkwise::inspect
