#include "sinkwise/core/file.h"
#include "sinkwise/finetune/finetune.h"
#include "sinkwise/pretrained/adapter.h"

namespace sinkwise::finetune {

namespace fs = std::filesystem;

// What is there is replaced: a run may have ended after its last step, but before its outcome was
// complete.
fs::path write_outcome(const FinetuneConfig& config, const TunedModel& tuned) {
  const fs::path run = config.run.directory;
  const fs::path model = run / "model", adapter = run / "adapter";
  const bool converted =
      tuned.loaded().model().options().conversion.mechanism != nn::Mechanism::vanilla;
  if (config.method == Method::lora && !converted) {
    remove_tree(adapter);
    pretrained::write_adapter(tuned.loaded(), config.lora, adapter, config.model);
  }
  remove_tree(model);
  pretrained::export_model(tuned.loaded(), model, config.export_type);
  return model;
}

}  // namespace sinkwise::finetune
