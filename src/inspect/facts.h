#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sinkwise/inspect/inspection.h"

namespace sinkwise::inspect {

// Below these, by whom: a gate that is nearly closed (ours); the value of a sink that does nothing
// (arXiv 2606.08105).
inline constexpr double kAsleep = 0.1;
inline constexpr double kNoOpValue = 0.2;
inline constexpr double kBroadcastValue = 0.8;  // "about 1" in the same paper; the bound is ours

// Rows that must see a column before a heavy one is called a sink elsewhere: with fewer, attention
// to what is near looks the same (ours).
inline constexpr std::int64_t kFewestRows = 32;

// A head's place and figures, for those who look at all of them.
struct HeadFacts {
  std::int64_t layer = 0, head = 0;
  double importance = 0.0, first_token_weight = 0.0, sink_rate = 0.0, elsewhere = 0.0,
         special = 0.0, value_drain = 0.0, honor_ln = 0.0, entropy = 0.0, cosine_gap = 0.0,
         norm_product = 0.0, key_rank = 0.0;
  bool narrow = false;  // in a layer with a window of fewer than kFewestRows tokens
};

// HONOR divided by its mean over the layer (arXiv 2504.03889, "LN"), [H].
std::vector<double> honor_over_mean(const LayerInspection& layer);

std::vector<HeadFacts> head_facts(const Inspection& inspection);

// A head that sinks into the first column in at least half of the windows.
bool sinks_into_first(const HeadFacts& head);
bool sinks_elsewhere(const HeadFacts& head);

// How many heads `holds` of, and the layers where they are, such as "12 to 29".
struct Selection {
  std::int64_t count = 0;
  std::int64_t first_layer = -1, last_layer = -1;
  std::string layers() const;
};
Selection select(const std::vector<HeadFacts>& heads,
                 const std::function<bool(const HeadFacts&)>& holds);

// "1 window", "2 windows".
std::string counted(std::int64_t count, const char* noun);

std::vector<double> values_of(const std::vector<HeadFacts>& heads, double HeadFacts::*member);

}  // namespace sinkwise::inspect
