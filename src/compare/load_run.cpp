#include <cmath>

#include "fields.h"
#include "load_log.h"
#include "sinkwise/compare/comparison.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxResultBytes = std::size_t{64} << 20;
constexpr const char* kSchema = "sinkwise.result/1";

void require_finished(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored))
    throw BadFile({.what = "There is no such run directory.",
                   .where = directory.string(),
                   .expected = "a directory that `sinkwise train` wrote",
                   .next = "check the spelling"});
  if (fs::exists(directory / "result.json", ignored)) return;
  const bool started = fs::exists(directory / "log.jsonl", ignored);
  throw BadFile({.what = "The run has not finished.",
                 .where = directory.string(),
                 .expected = "result.json, which is written at the end of training",
                 .found = started ? "a log of training, but no result" : "no log and no result",
                 .next = "resume it with `sinkwise train` on the same directory, or leave it out"});
}

std::vector<double> per_head(const Fields& layer, const char* key, std::size_t heads) {
  const std::vector<double> values = layer.numbers(key);
  if (!values.empty() && values.size() != heads)
    layer.fail(key, concat(heads, " numbers, one a head"), concat(values.size(), " numbers"));
  return values;
}

Layer layer_of(const Fields& fields) {
  Layer layer;
  layer.importance = fields.numbers("importance");
  const std::size_t heads = layer.importance.size();
  layer.first_token_weight = per_head(fields, "first_token_weight", heads);
  layer.value_drain = per_head(fields, "value_drain", heads);
  layer.ablation = per_head(fields, "ablation", heads);
  layer.gate_histogram = fields.number_rows("gate_histogram");
  if (!layer.gate_histogram.empty() && layer.gate_histogram.size() != heads)
    fields.fail("gate_histogram", concat(heads, " lists, one a head"),
                concat(layer.gate_histogram.size(), " lists"));
  const Fields by_group = fields.object("first_token_weight_by_group");
  for (const auto& [group, unused] : by_group.value().items())
    layer.first_token_weight_by_group[group] = per_head(by_group, group.c_str(), heads);
  return layer;
}

std::string form_of(const Fields& balance) {
  const std::string form = balance.text_or("form", "none");
  const auto& known = balance_form_names();
  if (known.contains(form)) return form;
  std::vector<std::string> forms;
  for (const auto& [name, unused] : known) forms.push_back(name);
  balance.fail("form", "one of " + join(forms), printable(form));
}

Balance balance_of(const Fields& fields) {
  Balance balance{.form = form_of(fields)};
  if (balance.is_base()) return balance;  // the rest does nothing
  return {.form = balance.form,
          .lambda = fields.has("lambda") ? fields.number("lambda") : 0.0,
          .shared_heads = fields.integer_or("shared_heads", 0)};
}

// Members that say where the numbers come from, whatever their type, as text.
std::vector<std::pair<std::string, std::string>> provenance_of(const Fields& root) {
  std::vector<std::pair<std::string, std::string>> list;
  for (const char* key :
       {"version", "commit", "torch", "device", "dtype", "threads", "processor"}) {
    if (!root.has(key)) continue;
    const nlohmann::json& value = root.value()[key];
    list.emplace_back(key, value.is_string() ? value.get<std::string>() : json_text(value));
  }
  return list;
}

double mean_over_heads(const std::vector<Layer>& layers, std::vector<double> Layer::*values) {
  std::vector<double> all;
  for (const Layer& layer : layers)
    all.insert(all.end(), (layer.*values).begin(), (layer.*values).end());
  return mean(all);
}

void read_final(Run& run, const Fields& final_values, const Fields& time) {
  for (const FigureInfo& info : kFigures) run.figures[info.key] = final_values.number(info.key);
  run.row_losses = final_values.numbers("row_losses");
  for (const Fields& layer : final_values.objects("layers")) run.layers.push_back(layer_of(layer));
  if (run.layers.empty()) final_values.fail("layers", "one object a layer", "none");
  run.figures["value_drain"] = mean_over_heads(run.layers, &Layer::value_drain);
  run.figures["step_ms"] = time.number("step_ms_median");
  const Fields groups = final_values.object("groups");
  for (const auto& [name, unused] : groups.value().items()) {
    const Fields group = groups.object(name.c_str());
    run.groups[name] = {{"loss", group.number("loss")}, {"excess", group.number("excess")}};
  }
}

}  // namespace

Run load_run(const fs::path& directory) {
  require_finished(directory);
  const fs::path file = directory / "result.json";
  const nlohmann::json parsed =
      parse_json(read_file(file, kMaxResultBytes), file.string(), kMaxResultBytes);
  const Fields root(parsed, file.string());
  root.require_schema(kSchema);
  Run run;
  run.directory = directory.string();
  run.task = root.text("task");
  run.mechanism = root.text("mechanism");
  run.label = root.text_or("label", "");
  run.balance = balance_of(root.object("balance"));
  run.seed = root.integer("seed");
  run.steps = root.integer_or("steps", 0);
  run.skipped_steps = root.integer_or("skipped_steps", 0);
  run.provenance = provenance_of(root);
  const Fields config = root.object("config");
  for (const auto& [key, value] : config.value().items()) run.config[key] = json_text(value);
  read_final(run, root.object("final"), root.object("time"));
  std::error_code ignored;
  if (fs::exists(directory / "log.jsonl", ignored))
    run.curve = load_validation_curve(directory / "log.jsonl");
  run.evaluation = load_evaluation(directory / "evaluation");
  return run;
}

}  // namespace sinkwise::compare
