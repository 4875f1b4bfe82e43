#include "sinkwise/inspect/inspect.h"

#include <cmath>
#include <limits>
#include <memory>
#include <numbers>

#include <torch/torch.h>

#include "interventions.h"
#include "maps.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/statistics.h"
#include "sinkwise/core/text.h"
#include "sinkwise/nn/score_scale.h"
#include "sinkwise/objectives/head_balance.h"
#include "walk.h"

namespace sinkwise::inspect {
namespace {

std::string gate_of(nn::Mechanism mechanism) {
  if (nn::is_gated(mechanism)) return kExplicitGate;
  return nn::has_sink(mechanism) ? kLearnedSink : "first token";
}

// The layer whose attention stands for the model's: the first that has any.
const nn::AttentionConfig* typical_attention(const pretrained::ModelConfig& config) {
  for (const auto& layer : config.layers) {
    if (const auto* attention = layer.attention()) return attention;
  }
  return nullptr;
}

ModelFacts facts_of(const pretrained::ModelConfig& config) {
  ModelFacts facts;
  facts.family = config.family, facts.model_type = config.model_type;
  facts.layers = static_cast<std::int64_t>(config.layers.size());
  facts.width = config.width, facts.vocabulary = config.vocabulary;
  facts.context_length = config.context_length;
  if (const auto* attention = typical_attention(config)) {
    facts.gate = gate_of(attention->mechanism);
    facts.heads = attention->heads, facts.key_heads = attention->key_heads;
    facts.head_size = attention->head_size;
  }
  return facts;
}

std::string kind_of(const pretrained::LayerConfig& layer) {
  const auto* attention = layer.attention();
  if (attention == nullptr) return "linear attention";
  return attention->window ? concat("window of ", *attention->window) : "full attention";
}

// All probes of one layer.
struct LayerProbes {
  explicit LayerProbes(const pretrained::LayerConfig& config) : heads(0) {
    if (const auto* attention = config.attention()) {
      columns =
          std::make_unique<probes::ColumnProbe>(nn::score_scale(*attention), attention->window);
    }
  }

  // special [N, T]: of all windows, which come one batch after the other; or undefined.
  void add(const nn::AttentionRecord& record, const at::Tensor& hidden, const at::Tensor& special) {
    activations.add(hidden);
    const auto first = seen;
    seen += hidden.size(0);
    if (!columns) return;
    heads.add({record}, {}, {});
    columns->add(record, special.defined() ? special.narrow(0, first, seen - first) : special);
    geometry.add(record);
  }

  LayerInspection result(const pretrained::LayerConfig& config) const {
    LayerInspection layer;
    layer.kind = kind_of(config);
    layer.activations = activations.result();
    layer.has_heads = columns != nullptr;
    if (!layer.has_heads) return layer;
    layer.window = config.attention()->window;
    layer.heads = heads.result().front();
    layer.columns = columns->result();
    layer.geometry = geometry.result();
    const auto balance =
        objectives::statistics(at::tensor(layer.heads.importance, at::kDouble).unsqueeze(0));
    layer.cv = balance.mean_cv, layer.effective_heads = balance.effective_heads;
    if (std::isnan(balance.mean_gate)) layer.cv = layer.effective_heads = balance.mean_gate;
    layer.mean_gate = balance.mean_gate;
    layer.min_gate = balance.min_gate, layer.max_gate = balance.max_gate;
    return layer;
  }

  probes::HeadProbe heads;
  std::unique_ptr<probes::ColumnProbe> columns;
  probes::GeometryProbe geometry;
  probes::ActivationProbe activations;
  std::int64_t seen = 0;  // windows
};

double importance_against_honor(const std::vector<LayerInspection>& layers) {
  std::vector<double> importance, honor;
  const auto scores = honor_over_layer_mean(layers);
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const auto& own = layers[layer].heads.importance;
    importance.insert(importance.end(), own.begin(), own.end());
    honor.insert(honor.end(), scores[layer].begin(), scores[layer].end());
  }
  return spearman(importance, honor);
}

void check_length(const pretrained::ModelConfig& config, std::int64_t length) {
  if (length <= config.context_length) return;
  throw BadArgument({"the windows are longer than the model's context", "--length",
                     concat("at most ", config.context_length), concat(length), ""});
}

void check_finite(const at::Tensor& hidden, std::int64_t layer) {
  if (at::isfinite(hidden).all().item<bool>()) return;
  throw BadFile({"a model's states are not finite", concat("behind layer ", layer),
                 "numbers within float32", "an overflow",
                 "check that the weights are complete and belong to the configuration"});
}

}  // namespace

Inspection inspect(const pretrained::Model& model, const Windows& windows,
                   const InspectOptions& options, const Progress& progress) {
  torch::NoGradGuard no_grad;
  const pretrained::ModelConfig& config = model.config();
  check_length(config, windows.facts.length);
  Inspection result;
  result.model = facts_of(config), result.text = windows.facts;
  const bool intervening = options.pruning_windows > 0 && result.model.heads > 0;
  const std::int64_t L = result.model.layers, N = windows.facts.windows;
  const std::int64_t total =
      L * (N + (intervening ? windows_of_intervening(config, N, options) : 0));
  std::int64_t done = 0;
  auto layer_done = [&](const char* what) {
    return [&, what](std::int64_t of_windows) { progress(done += of_windows, total, what); };
  };

  nn::Observe observe = probes::HeadProbe::wanted();
  observe.heads = true;
  std::unique_ptr<LayerProbes> probes;
  auto visit = [&](std::int64_t layer, const nn::AttentionRecord& record,
                   const at::Tensor& hidden) {
    const auto& of_layer = config.layers[static_cast<std::size_t>(layer)];
    if (!probes) {
      probes = std::make_unique<LayerProbes>(of_layer);
      if (of_layer.attention() != nullptr) {
        for (HeadMap& map : maps_of(record, *of_layer.attention(), layer, kMapTokens)) {
          result.maps.push_back(std::move(map));
        }
      }
    }
    check_finite(hidden, layer);
    probes->add(record, hidden, windows.special_inside);
  };
  const auto next_layer = layer_done("looking at heads");
  const auto finish_layer = [&] {
    result.layers.push_back(probes->result(config.layers[result.layers.size()]));
    probes.reset();
    next_layer(N);
  };
  const auto hidden = walk(model, windows.tokens, {{}}, observe, visit, finish_layer);
  result.map_tokens = windows.first_texts;
  result.loss = mean_loss(model, hidden.front(), windows.tokens);
  const auto predicted = static_cast<double>(windows.facts.windows * (windows.facts.length - 1));
  const auto bytes = static_cast<double>(windows.facts.predicted_bytes);
  result.bits_per_byte = bytes > 0.0 ? result.loss * predicted / bytes / std::numbers::ln2
                                     : std::numeric_limits<double>::quiet_NaN();
  result.importance_honor_spearman = importance_against_honor(result.layers);
  if (intervening) {
    result.interventions =
        intervene(model, windows.tokens, result.layers, options, layer_done("silencing heads"));
  }
  return result;
}

}  // namespace sinkwise::inspect
