#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinkwise/probes/activations.h"
#include "sinkwise/probes/columns.h"
#include "sinkwise/probes/geometry.h"
#include "sinkwise/probes/heads.h"

namespace sinkwise::inspect {

inline constexpr const char *kLearnedSink = "learned sink", *kExplicitGate = "explicit gate";

struct ModelFacts {
  std::string path, family, model_type;
  std::string gate;  // where the gate is read: "first token", kLearnedSink or kExplicitGate
  std::int64_t layers = 0, width = 0, heads = 0, key_heads = 0, head_size = 0, vocabulary = 0,
               context_length = 0;
};

// Who decided whether a window begins with a token of its own.
enum class Begin { tokenizer, always, never };

struct TextFacts {
  std::vector<std::string> files;
  std::int64_t windows = 0, length = 0;  // tokens of a window, a beginning token included
  std::int64_t predicted_bytes = 0;      // bytes of the tokens that the loss counts
  std::optional<std::int64_t> begin_id;  // first token of every window; none: the text's own
  std::string begin_text;
  std::int64_t special_inside = 0;  // special tokens at later positions: each may be a second sink
};

struct LayerInspection {
  std::string kind;                    // "full attention", "window of 128" or "linear attention"
  std::optional<std::int64_t> window;  // tokens
  bool has_heads = false;
  probes::LayerHeads heads;
  probes::ColumnHeads columns;
  probes::GeometryHeads geometry;
  probes::Activations activations;
  double cv = 0.0, mean_gate = 0.0, min_gate = 0.0, max_gate = 0.0, effective_heads = 0.0;
};

// Loss on the pruning windows after heads were silenced, fewest first.
struct PruningCurve {
  std::string order;  // what decided which heads go first
  std::vector<std::int64_t> silenced;
  std::vector<double> loss;    // nats a token; of "random": mean over its orders
  std::vector<double> spread;  // of "random": sample standard deviation over its orders
};

struct Interventions {
  std::int64_t windows = 0;
  double loss = 0.0;                      // nothing changed
  double loss_without_first_value = 0.0;  // the first token's value set to 0 in every layer
  std::vector<PruningCurve> curves;
};

// One head's weights on the first tokens of one window.
struct HeadMap {
  std::int64_t layer = 0, head = 0;
  std::vector<std::vector<double>> weights;  // [rows][keys]
};

struct Inspection {
  ModelFacts model;
  TextFacts text;
  double loss = 0.0;           // nats a token
  double bits_per_byte = 0.0;  // NaN where the bytes are not known
  std::vector<LayerInspection> layers;
  std::optional<Interventions> interventions;
  double importance_honor_spearman = 0.0;  // over all heads; HONOR divided by its layer's mean
  std::vector<std::string> map_tokens;     // what the rows and keys of the maps are
  std::vector<HeadMap> maps;
};

}  // namespace sinkwise::inspect
