#include "sinkwise/core/error.h"
#include "sinkwise/models/decoder/decoder.h"
#include "sinkwise/train/checkpoint.h"
#include "sinkwise/train/experiment.h"

namespace sinkwise::train {
namespace {

void start_from(const std::string& run, models::LanguageModel& model) {
  std::error_code missing;
  const auto found = std::filesystem::is_directory(run, missing)
                         ? checkpoint::newest_checkpoint(run)
                         : checkpoint::Discovery{};
  if (!found.checkpoint) {
    throw BadFile({"train.init_from holds no intact checkpoint", run,
                   "a run directory with a step-N folder",
                   found.rejected.empty() ? "none" : found.rejected.front().reason,
                   "finish that run first with: sinkwise train"});
  }
  restore_weights(*found.checkpoint, model);
}

}  // namespace

Experiment from_scratch(const RunConfig& config) {
  Experiment experiment;
  experiment.task = data::make_task(config.task);
  const models::DecoderConfig sizes = config.decoder(*experiment.task);
  auto model = std::make_shared<models::Decoder>(sizes);
  models::initialise(*model, config.model.init, static_cast<std::uint64_t>(config.run.seed));
  const models::ModelCost cost = models::cost(sizes);
  experiment.mechanism = nn::name(config.attention.mechanism);
  experiment.parameters = cost.parameters;
  experiment.training_flops_per_token = 3.0 * cost.forward_flops_per_token;
  experiment.paths = config.paths();
  if (!config.init_from.empty()) {
    experiment.start = [run = config.init_from, model] { start_from(run, *model); };
  }
  experiment.model = std::move(model);
  return experiment;
}

}  // namespace sinkwise::train
