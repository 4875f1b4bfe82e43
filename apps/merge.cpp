#include <iostream>

#include "commands.h"
#include "exit_code.h"
#include "sinkwise/pretrained/export.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  std::string model, adapter, out;
  pretrained::ExportType type = pretrained::ExportType::stored;
};

const std::map<std::string, pretrained::ExportType> kTypes = {
    {"stored", pretrained::ExportType::stored},
    {"float32", pretrained::ExportType::float32},
    {"bfloat16", pretrained::ExportType::bfloat16}};

int run(const Arguments& a) {
  const auto model = pretrained::Model::open(a.model, {.adapter = a.adapter, .conversion = {}});
  pretrained::export_model(model, a.out, a.type);
  std::cout << a.out << '\n';
  return kOk;
}

}  // namespace

void add_merge(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand(
      "merge", "write a model with an adapter (LoRA, in PEFT's layout) put into its weights");
  auto a = std::make_shared<Arguments>();
  command->add_option("model", a->model, "folder (config.json and safetensors) or GGUF file")
      ->required();
  command->add_option("--adapter", a->adapter, "folder of the adapter; none: the model as it is");
  command->add_option("--out", a->out, "folder to write, which must not exist")->required();
  command->add_option("--dtype", a->type, "numbers to write: stored, float32 or bfloat16")
      ->transform(CLI::CheckedTransformer(kTypes, CLI::ignore_case));
  command->footer("example:\n  sinkwise merge MODEL --adapter mended/adapter --out merged");
  command->callback([a, &work] { work = [a] { return run(*a); }; });
}

}  // namespace sinkwise::apps
