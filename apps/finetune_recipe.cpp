#include "finetune_recipe.h"

#include <torch/torch.h>

#include "recipe.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/pretrained/model.h"

namespace sinkwise::apps {
namespace {

using finetune::FinetuneConfig;

// H of the model, which decides how many heads are shared; 0 where no model is named.
std::int64_t heads_of(const std::string& model) {
  if (model.empty()) return 0;
  const auto opened = pretrained::Model::open(model);
  for (const auto& layer : opened.config().layers) {
    if (layer.attention() != nullptr) return layer.attention()->heads;
  }
  return 0;
}

// Paths become one key, whose elements commas separate.
std::string joined(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (path.find(',') == std::string::npos) continue;
    throw BadConfig({"a path with a comma would be taken for two", "--data", "paths without commas",
                     printable(path),
                     "rename the file, or name it in a recipe: data.files = [\"...\"]"});
  }
  return join(paths, ",");
}

std::unique_ptr<FinetuneRecipe> load_over(const FinetuneConfig& defaults,
                                          const FinetuneArguments& a,
                                          const std::vector<std::string>& last) {
  auto loaded = std::make_unique<FinetuneRecipe>();
  loaded->config = defaults;
  loaded->config.run.directory = "finetuned";
  finetune::bind(loaded->table, loaded->config);
  if (!a.recipe.empty()) loaded->table.load_file(a.recipe);
  loaded->table.load_environment(config::process_environment(), other_variables());
  for (const std::string& assignment : a.assignments) loaded->table.set(assignment);
  if (!a.model.empty()) loaded->table.set("model=" + a.model);
  if (!a.out.empty()) loaded->table.set("run.directory=" + a.out);
  if (!a.data.empty()) loaded->table.set("data.files=" + joined(a.data));
  for (const std::string& assignment : last) loaded->table.set(assignment);
  loaded->table.finish();
  return loaded;
}

}  // namespace

void FinetuneArguments::declare(CLI::App& command) {
  command.add_option("model", model, "folder (config.json and safetensors) or GGUF file");
  command.add_option("--data", data,
                     "text files; *.jsonl: a document a line, with text, messages or segments");
  command.add_option("--recipe", recipe, "keys from a file (TOML)");
  command.add_option("--set", assignments, "one key: key=value; may be repeated")->take_all();
}

std::unique_ptr<FinetuneRecipe> load_finetune(const FinetuneArguments& arguments,
                                              const std::vector<std::string>& last) {
  // Model and method may stand anywhere, so everything is read before the defaults are known.
  const auto first = load_over({}, arguments, last);
  const auto heads = heads_of(first->config.model);
  return load_over(FinetuneConfig::defaults(heads, first->config.method), arguments, last);
}

}  // namespace sinkwise::apps
