#include "sinkwise/finetune/finetune.h"
#include "sinkwise/pretrained/adapter.h"

namespace sinkwise::finetune {
namespace {

namespace fs = std::filesystem;

// A run that ended after its last step, but before its outcome was complete, writes it again.
void make_room(const fs::path& folder) { fs::remove_all(folder); }

}  // namespace

fs::path write_outcome(const FinetuneConfig& config, const TunedModel& tuned) {
  const fs::path run = config.run.directory;
  const fs::path model = run / "model", adapter = run / "adapter";
  const bool converted =
      tuned.loaded().model().options().conversion.mechanism != nn::Mechanism::vanilla;
  if (config.method == Method::lora && !converted) {
    make_room(adapter);
    pretrained::write_adapter(tuned.loaded(), config.lora, adapter, config.model);
  }
  make_room(model);
  pretrained::export_model(tuned.loaded(), model, config.export_type);
  return model;
}

}  // namespace sinkwise::finetune
