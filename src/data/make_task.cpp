#include "sinkwise/data/make_task.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "checks.h"
#include "sinkwise/data/bigram_backcopy.h"
#include "sinkwise/data/text_corpus.h"
#include "sinkwise/data/token_files.h"
#include "sinkwise/data/trigger_average.h"

namespace sinkwise::data {
namespace {

std::unique_ptr<Task> make_bigram_backcopy(const TaskOptions& options) {
  return std::make_unique<BigramBackcopy>(
      BigramBackcopyOptions{.symbols = options.symbols,
                            .length = options.length,
                            .triggers = options.triggers,
                            .offsets = options.offsets,
                            .chain_seed = options.chain_seed,
                            .seed = options.seed,
                            .beginning_token = options.beginning_token,
                            .validation_rows = options.validation_rows});
}

std::unique_ptr<Task> make_trigger_average(const TaskOptions& options) {
  return std::make_unique<TriggerAverage>(
      TriggerAverageOptions{.features = options.features,
                            .length = options.length,
                            .trigger_probability = options.trigger_probability,
                            .seed = options.seed,
                            .validation_seed = options.chain_seed,
                            .validation_rows = options.validation_rows});
}

std::unique_ptr<Task> make_text(const TaskOptions& options) {
  return std::make_unique<TextCorpus>(
      TextCorpusOptions{.files = options.files,
                        .standard_library = options.standard_library,
                        .length = options.length,
                        .validation_fraction = options.validation_fraction,
                        .max_bytes = options.max_bytes,
                        .pack = options.pack,
                        .seed = options.seed,
                        .validation_rows = options.validation_rows});
}

std::unique_ptr<Task> make_tokens(const TaskOptions& options) {
  return std::make_unique<TokenFiles>(
      TokenFilesOptions{.files = options.files,
                        .validation_files = options.validation_files,
                        .validation_fraction = options.validation_fraction,
                        .length = options.length,
                        .vocabulary = options.vocabulary,
                        .document_token = options.document_token,
                        .bytes_per_token = options.bytes_per_token,
                        .seed = options.seed,
                        .validation_rows = options.validation_rows});
}

using Maker = std::unique_ptr<Task> (*)(const TaskOptions&);
constexpr std::pair<const char*, Maker> kMakers[] = {{"bigram_backcopy", make_bigram_backcopy},
                                                     {"trigger_average", make_trigger_average},
                                                     {"text", make_text},
                                                     {"tokens", make_tokens}};

}  // namespace

const std::vector<std::string>& task_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, maker] : kMakers) all.emplace_back(name);
    return all;
  }();
  return names;
}

std::unique_ptr<Task> make_task(const TaskOptions& options) {
  for (const auto& [name, maker] : kMakers) {
    if (options.name == name) return maker(options);
  }
  const std::string near = nearest(options.name, task_names());
  throw BadConfig({.what = "there is no such task",
                   .where = "task.name",
                   .expected = "one of " + join(task_names()),
                   .found = printable(options.name),
                   .next = near.empty() ? "" : "did you mean " + near + "?"});
}

}  // namespace sinkwise::data
