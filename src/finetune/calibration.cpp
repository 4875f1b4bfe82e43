#include "sinkwise/finetune/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "sinkwise/core/error.h"
#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"
#include "sinkwise/train/routed.h"
#include "sinkwise/train/step.h"

namespace sinkwise::finetune {
namespace {

using nlohmann::json;
using report::fixed;
using report::significant;
using Table = std::vector<std::vector<double>>;

Table to_table(const at::Tensor& values) {
  Table table;
  for (std::int64_t row = 0; row < values.size(0); ++row) {
    const at::Tensor line = values[row].contiguous();
    table.emplace_back(line.const_data_ptr<double>(), line.const_data_ptr<double>() + line.numel());
  }
  return table;
}

std::string heads_text(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 12;
  const std::vector<std::string> shown(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  const std::string rest =
      names.size() > kShown ? concat(" and ", names.size() - kShown, " more") : "";
  return join(shown) + rest;
}

std::vector<std::string> closed_heads(const Calibration& calibration) {
  std::vector<std::string> names;
  for (std::size_t l = 0; l < calibration.importance.size(); ++l) {
    for (std::size_t h = 0; h < calibration.importance[l].size(); ++h) {
      if (calibration.importance[l][h] >= kClosedGate) continue;
      names.push_back(concat("(", calibration.layers[l], ", ", h, ")"));
    }
  }
  return names;
}

// The indices of the m largest.
std::vector<std::size_t> largest(const std::vector<double>& values, std::size_t m) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  order.resize(m);
  return order;
}

double overlap_of(const std::vector<double>& now, const std::vector<double>& before,
                  std::size_t shared) {
  const auto quarter = static_cast<std::size_t>(quarter_of_heads(std::ssize(now)));
  const std::size_t m = shared > 0 ? shared : quarter;
  const auto a = largest(now, m), b = largest(before, m);
  const auto kept = std::count_if(a.begin(), a.end(), [&](std::size_t head) {
    return std::find(b.begin(), b.end(), head) != b.end();
  });
  return static_cast<double>(kept) / static_cast<double>(m);
}

struct Mean {
  double sum = 0.0, count = 0.0;
  void add(double value) { sum += value, count += 1.0; }
  double value() const {
    return count > 0.0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
  }
};

// A conversion begins with every gate open, which says nothing of what training makes of them; and
// heads that are chosen anew in every step come from all layers.
bool leaves_layers_out(const FinetuneConfig& config, bool converted) {
  return !converted && config.balance.shared_choice == objectives::SharedChoice::frozen;
}

// How far training can move a sink, at most: AdamW's step is about the learning rate.
std::string about_new_sinks(const FinetuneConfig& config) {
  const double reach = config.optimizer.lr * static_cast<double>(config.train.steps);
  return concat(
      "new sinks start ", significant(-config.sink_margin()),
      " nats below the scores and can move about ", significant(reach), " nats in this run",
      reach < -0.5 * config.sink_margin()
          ? ": they stay all but shut; mechanism.start=-2, say, or a larger optim.lr opens "
            "them, at the price of a change at step 0"
          : "");
}

}  // namespace

Calibration calibrate(const at::Tensor& importance, const std::vector<std::int64_t>& layers,
                      const FinetuneConfig& config, bool converted) {
  const at::Tensor imp = importance.to(at::kDouble);
  at::Tensor routed = objectives::routed_heads(imp, config.balance.shared_heads);
  const auto statistics = objectives::statistics(imp);
  Calibration result;
  result.importance = to_table(imp);
  result.layers = layers;
  for (std::int64_t layer = 0; layer < imp.size(0) && leaves_layers_out(config, converted);
       ++layer) {
    const double cv = statistics.cv[static_cast<std::size_t>(layer)];
    if (imp[layer].mean().item<double>() <= config.open_gate || cv >= config.open_cv) continue;
    routed[layer].fill_(false);
    result.left_out.push_back(layers[static_cast<std::size_t>(layer)]);
  }
  result.routed = train::to_lists(routed);
  return result;
}

std::vector<std::string> messages(const Calibration& calibration, const FinetuneConfig& config) {
  std::vector<std::string> lines;
  const bool balanced = config.balance.form != objectives::BalanceForm::none;
  if (balanced && !calibration.left_out.empty()) {
    std::vector<std::string> names;
    for (const std::int64_t layer : calibration.left_out) names.push_back(std::to_string(layer));
    lines.push_back(concat("nothing to balance in layers ", join(names), ": mean gate above ",
                           config.open_gate, " and CV below ", config.open_cv));
  }
  if (balanced && calibration.left_out.size() == calibration.layers.size() &&
      !calibration.layers.empty()) {
    lines.push_back("warning: no layer is left to balance, so balance.lambda does nothing");
  }
  if (config.mechanism == nn::Mechanism::sink) lines.push_back(about_new_sinks(config));
  const auto closed = closed_heads(calibration);
  if (!closed.empty()) {
    lines.push_back(concat(closed.size(), " closed heads (layer, head), gate below ", kClosedGate,
                           ", which a balance loss hardly opens: ", heads_text(closed)));
  }
  if (!balanced) return lines;
  lines.push_back(concat("lambda |grad balance| / |grad cross entropy| = ",
                         significant(calibration.ratio()), " at the start"));
  if (calibration.ratio() > kLargeRatio) {
    lines.push_back(concat("warning: the balance term outweighs the loss; about balance.lambda = ",
                           significant(config.balance.lambda / calibration.ratio()),
                           " would make them equal"));
  }
  const auto& train = config.train;
  const bool cut = train.micro_rows > 0 && train.micro_rows < train.batch_rows;
  if (train::reads_step_twice(config.balance, cut)) {
    lines.push_back(
        "train.micro_rows cuts the step, so the balance loss reads every row twice, about half as "
        "much time again; train.micro_rows=0 reads it once (train.recompute=true saves memory)");
  }
  return lines;
}

json to_json(const Calibration& c) {
  return {{"schema", "sinkwise.calibration/1"},
          {"importance", c.importance},
          {"held_out_importance", c.held_out},
          {"routed", c.routed},
          {"layers", c.layers},
          {"left_out", c.left_out},
          {"closed_heads", closed_heads(c)},
          {"loss_gradient", c.loss_gradient},
          {"balance_gradient", c.balance_gradient},
          {"ratio", c.ratio()}};
}

Calibration calibration_of(const json& json, const std::string& where) {
  try {
    Calibration c;
    c.importance = json.at("importance").get<Table>();
    c.held_out = json.at("held_out_importance").get<Table>();
    c.routed = json.at("routed").get<std::vector<std::vector<bool>>>();
    c.layers = json.at("layers").get<std::vector<std::int64_t>>();
    c.left_out = json.at("left_out").get<std::vector<std::int64_t>>();
    return c;
  } catch (const nlohmann::json::exception& problem) {
    throw BadFile({"the calibration of a run is incomplete", where,
                   "importance, held_out_importance, routed, layers and left_out", problem.what(),
                   "start the run over, in another directory"});
  }
}

Watch watch(const Table& importance, const Table& start,
            const std::vector<std::vector<bool>>& routed, std::int64_t shared_heads) {
  Mean routed_now, shared_now, routed_before, open, overlap;
  Watch result;
  result.minimum = 1.0;
  for (std::size_t l = 0; l < importance.size(); ++l) {
    overlap.add(overlap_of(importance[l], start[l], static_cast<std::size_t>(shared_heads)));
    const bool left_out = std::ranges::find(routed[l], true) == routed[l].end();
    for (std::size_t h = 0; h < importance[l].size(); ++h) {
      const double gate = importance[l][h];
      if (!left_out) (routed[l][h] ? routed_now : shared_now).add(gate);
      if (routed[l][h]) routed_before.add(start[l][h]);
      open.add(gate > kOpenGate ? 1.0 : 0.0);
      result.minimum = std::min(result.minimum, gate);
    }
  }
  result.routed_mean = routed_now.value();
  result.shared_mean = shared_now.value();
  result.share_open = open.value();
  result.overlap = overlap.value();
  result.routed_rise = routed_now.value() - routed_before.value();
  return result;
}

std::vector<std::string> Watch::warnings(bool balanced) const {
  std::vector<std::string> lines;
  if (routed_rise > kGateDrift) {
    lines.push_back(
        concat("warning: gates drift open: the routed mean rose by ", fixed(routed_rise, 3),
               balanced ? "; a smaller balance.lambda, or fewer steps, keeps them apart"
                        : ", without a balance loss; fewer steps, or a smaller optim.lr, "
                          "keep them apart"));
  }
  const bool was_open = routed_mean - routed_rise > kOpenGate;  // as after a conversion to gates
  if (routed_mean > kOpenGate && !was_open) {
    lines.push_back(
        concat("warning: routed gates are pinned open, mean ", fixed(routed_mean, 3),
               balanced ? "; leave out more heads (balance.shared_heads) or lower balance.lambda"
                        : ", without a balance loss; fewer steps, or a smaller optim.lr"));
  }
  return lines;
}

json to_json(const Watch& w) {
  return {{"routed_mean_gate", w.routed_mean},
          {"shared_mean_gate", w.shared_mean},
          {"min_gate", w.minimum},
          {"share_above_0.9", w.share_open},
          {"top_heads_kept", w.overlap},
          {"routed_rise", w.routed_rise}};
}

}  // namespace sinkwise::finetune
