#include <algorithm>
#include <cmath>
#include <set>

#include "fields.h"
#include "sinkwise/compare/before_after.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr const char* kInspectionSchema = "sinkwise.inspection/1";
constexpr Fields::Kind kInspection = {"A report of an inspection has an unexpected content.",
                                      "run `sinkwise inspect` on the model again"};

std::int64_t count_of(const Fields& fields, const char* key, std::int64_t least) {
  const std::int64_t count = fields.integer(key);
  if (count < least) fields.fail(key, concat("at least ", least), concat(count));
  return count;
}

std::vector<double> per_head(const Fields& heads, const char* key, std::int64_t count) {
  const std::vector<double> values = heads.numbers(key);
  if (static_cast<std::int64_t>(values.size()) != count)
    heads.fail(key, concat(count, " numbers, one a head"), concat(values.size(), " numbers"));
  return values;
}

std::vector<double> gates_of(const Fields& heads, std::int64_t count) {
  constexpr double kRounding = 1e-3;
  std::vector<double> gates = per_head(heads, "importance", count);
  for (double& gate : gates) {
    if (!(gate >= -kRounding && gate <= 1.0 + kRounding))
      heads.fail("importance", "gates between 0 and 1",
                 std::isnan(gate) ? "a head without one" : concat(gate));
    gate = std::clamp(gate, 0.0, 1.0);
  }
  return gates;
}

InspectedLayer layer_of(const Fields& fields, std::int64_t count) {
  InspectedLayer layer;
  layer.kind = fields.text("kind");
  layer.cv = fields.number("cv");
  layer.mean_gate = fields.number("mean_gate");
  layer.min_gate = fields.number("min_gate");
  layer.effective_heads = fields.number("effective_heads");
  if (!fields.has("heads")) return layer;
  const Fields heads = fields.object("heads");
  layer.importance = gates_of(heads, count);
  layer.first_token_weight = per_head(heads, "first_token_weight", count);
  layer.value_drain = per_head(heads, "value_drain", count);
  layer.honor = per_head(heads, "honor", count);
  return layer;
}

std::vector<std::string> texts_of(const Fields& text) {
  std::vector<std::string> files;
  const auto list = text.value().find("files");
  if (list == text.value().end() || !list->is_array())
    text.fail("files", "a list of texts", "something else");
  for (const auto& file : *list) {
    if (!file.is_string()) text.fail("files", "a list of texts", "something else in it");
    files.push_back(file.get<std::string>());
  }
  return files;
}

InspectedPruning pruning_of(const Fields& fields, double loss) {
  InspectedPruning curve{fields.text("order"), fields.numbers("silenced"), fields.numbers("loss"),
                         fields.numbers("spread")};
  const std::size_t points = curve.silenced.size();
  if (curve.rise.size() != points)
    fields.fail("loss", concat(points, " numbers, one a point"), concat(curve.rise.size()));
  if (!curve.spread.empty() && curve.spread.size() != points)
    fields.fail("spread", concat("none or ", points, " numbers"), concat(curve.spread.size()));
  for (double& value : curve.rise) value -= loss;
  return curve;
}

void read_interventions(const Fields& root, Inspection& inspection) {
  if (!root.has("interventions")) return;
  const Fields fields = root.object("interventions");
  inspection.pruning_windows = count_of(fields, "windows", 1);
  const double loss = fields.number("loss");
  inspection.rise_without_first_value = fields.number("loss_without_first_value") - loss;
  std::set<std::string> orders;
  for (const Fields& curve : fields.objects("pruning")) {
    inspection.pruning.push_back(pruning_of(curve, loss));
    if (!orders.insert(inspection.pruning.back().order).second)
      curve.fail("order", "each order once", printable(inspection.pruning.back().order));
  }
}

Inspection inspection_of(const Fields& root) {
  root.require_schema(kInspectionSchema);
  const Fields model = root.object("model"), text = root.object("text");
  Inspection inspection;
  inspection.path = model.text("path");
  inspection.model_type = model.text_or("model_type", "");
  inspection.gate = model.text("gate");
  inspection.heads = count_of(model, "heads", 1);
  inspection.vocabulary = count_of(model, "vocabulary", 1);
  inspection.texts = texts_of(text);
  inspection.windows = count_of(text, "windows", 1);
  inspection.length = count_of(text, "length", 1);
  if (text.has("begin")) inspection.begin_id = text.object("begin").integer("id");
  inspection.loss = root.number("loss");
  inspection.bits_per_byte = root.number("bits_per_byte");
  inspection.importance_honor_spearman = root.number("importance_honor_spearman");
  for (const Fields& layer : root.objects("layers"))
    inspection.layers.push_back(layer_of(layer, inspection.heads));
  const std::int64_t layers = count_of(model, "layers", 1);
  if (static_cast<std::int64_t>(inspection.layers.size()) != layers)
    root.fail("layers", concat(layers, ", as in model.layers"), concat(inspection.layers.size()));
  read_interventions(root, inspection);
  return inspection;
}

}  // namespace

bool holds_inspection(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "report.json", ignored) &&
         !fs::exists(folder / "result.json", ignored);
}

Inspection load_inspection(const fs::path& folder) {
  const fs::path path = folder / "report.json";
  const nlohmann::json json = parse_json(read_file(path, kMostBytes), path.string(), kMostBytes);
  Inspection inspection = inspection_of(Fields(json, path.string(), "", kInspection));
  inspection.directory = folder.string();
  Evaluation evaluation = load_evaluation(folder);
  inspection.metrics = std::move(evaluation.metrics);
  inspection.evaluation = std::move(evaluation.facts);
  return inspection;
}

}  // namespace sinkwise::compare
