#include "interventions.h"

#include <algorithm>

#include <torch/torch.h>

#include "gradient.h"
#include "sinkwise/core/random.h"
#include "sinkwise/core/statistics.h"
#include "walk.h"

namespace sinkwise::inspect {
namespace {

constexpr double kShares[] = {1.0 / 16, 1.0 / 8, 1.0 / 4, 3.0 / 8, 1.0 / 2};  // of heads silenced

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

// The head with the lowest score first; ties in the order of the model.
std::vector<Head> ordered_by(std::vector<Head> heads, const Scores& scores) {
  std::stable_sort(heads.begin(), heads.end(), [&](const Head& a, const Head& b) {
    return scores[a.layer][a.head] < scores[b.layer][b.head];
  });
  return heads;
}

std::vector<Head> shuffled(std::vector<Head> heads, std::uint64_t seed, std::uint64_t order) {
  RandomStream random(seed, {order});
  for (std::size_t i = heads.size(); i > 1; --i) std::swap(heads[i - 1], heads[random.below(i)]);
  return heads;
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
  for (const LayerInspection& layer : layers) {
    scores.push_back(layer.heads.output_norm);
    const double scale = mean(scores.back());
    for (double& score : scores.back()) score /= scale;
  }
  return scores;
}

Interventions intervene(const pretrained::Model& model, const at::Tensor& tokens,
                        const std::vector<LayerInspection>& layers, const InspectOptions& options,
                        const std::function<void()>& layer_done) {
  const std::vector<Head> heads = all_heads(layers);
  Scores importance;
  for (const LayerInspection& layer : layers) importance.push_back(layer.heads.importance);
  const at::Tensor some = tokens.narrow(0, 0, std::min(options.pruning_windows, tokens.size(0)));
  std::vector<std::vector<Head>> orders = {
      ordered_by(heads, importance), ordered_by(heads, honor_over_layer_mean(layers)),
      ordered_by(heads, gradient_scores(model, some, layer_done))};
  const std::vector<std::string> names = {"importance", "HONOR over its layer's mean", "gradient"};
  for (std::int64_t r = 0; r < options.random_orders; ++r) {
    orders.push_back(shuffled(heads, options.seed, static_cast<std::uint64_t>(r)));
  }
  std::vector<std::int64_t> counts;
  for (const double share : kShares) {
    const auto count = static_cast<std::int64_t>(share * static_cast<double>(heads.size()) + 0.5);
    if (count > 0 && (counts.empty() || count > counts.back())) counts.push_back(count);
  }
  std::vector<Variant> variants{{}, {{}, true}};
  for (const auto& order : orders) {
    for (const std::int64_t count : counts) {
      variants.push_back(silencing(layers, order, static_cast<std::size_t>(count)));
    }
  }
  const auto hidden = walk(model, some, variants, {}, nullptr, layer_done);
  std::vector<double> losses;
  for (const at::Tensor& states : hidden) losses.push_back(mean_loss(model, states, some));

  Interventions result{some.size(0), losses[0], losses[1], {}};
  auto loss_of = [&](std::size_t order, std::size_t i) {
    return losses[2 + order * counts.size() + i];
  };
  for (std::size_t order = 0; order < names.size(); ++order) {
    PruningCurve curve{names[order], counts, {}, {}};
    for (std::size_t i = 0; i < counts.size(); ++i) curve.loss.push_back(loss_of(order, i));
    result.curves.push_back(std::move(curve));
  }
  if (options.random_orders == 0) return result;
  PruningCurve random{"random", counts, {}, {}};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::vector<double> values;
    for (std::size_t order = names.size(); order < orders.size(); ++order)
      values.push_back(loss_of(order, i));
    random.loss.push_back(mean(values));
    random.spread.push_back(sample_deviation(values));
  }
  result.curves.push_back(std::move(random));
  return result;
}

}  // namespace sinkwise::inspect
