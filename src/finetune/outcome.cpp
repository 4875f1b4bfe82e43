#include <array>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"
#include "sinkwise/finetune/finetune.h"
#include "sinkwise/pretrained/adapter.h"

namespace sinkwise::finetune {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFolders = {"model", "adapter", "before", "after", "twin"};

// Whether `path` is `folder`, or lies in it.
bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path inner = fs::weakly_canonical(path), outer = fs::weakly_canonical(folder);
  const auto [at, unused] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return at == outer.end();
}

// What is there goes only when what takes its place is complete.
template <typename Write>
void replace(const fs::path& folder, Write write) {
  const fs::path made = folder.string() + ".new";
  remove_tree(made);  // of a process that was killed
  write(made);
  remove_tree(folder);
  fs::rename(made, folder);
}

}  // namespace

void check_outcome(const FinetuneConfig& config) {
  const fs::path run = config.run.directory;
  const bool own = fs::exists(run / "config.toml") || fs::exists(run / "result.json");
  for (const char* name : kFolders) {
    const fs::path folder = run / name;
    if (lies_in(config.model, folder)) {
      throw BadConfig({"a run would replace the model that it starts from", printable(config.model),
                       "a model outside the folders that the run writes",
                       concat("it lies in ", printable(folder.string())), "choose another --out"});
    }
    if (own || !fs::exists(folder)) continue;  // that of a twin is one of a run
    throw BadConfig({"a run would replace a folder that no run wrote", printable(folder.string()),
                     "a directory without it, or one with a run's config.toml", "a folder",
                     "choose another --out, or move the folder away"});
  }
}

fs::path write_outcome(const FinetuneConfig& config, const TunedModel& tuned) {
  const fs::path run = config.run.directory;
  const bool converted =
      tuned.loaded().model().options().conversion.mechanism != nn::Mechanism::vanilla;
  if (config.method == Method::lora && !converted) {
    replace(run / "adapter", [&](const fs::path& made) {
      pretrained::write_adapter(tuned.loaded(), config.lora, made, config.model);
    });
  }
  replace(run / "model", [&](const fs::path& made) {
    pretrained::export_model(tuned.loaded(), made, config.export_type);
  });
  return run / "model";
}

}  // namespace sinkwise::finetune
