#include "finetune_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "inspect_model.h"
#include "report_files.h"
#include "sinkwise/core/utf8.h"
#include "sinkwise/inspect/output.h"

namespace sinkwise::apps {
namespace {

constexpr std::int64_t kWindows = 8, kPruningWindows = 1;

// Rows are cut between tokens, and a character may be of several.
std::string whole_characters(std::string_view bytes) {
  std::string text;
  std::uint32_t code = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = decode_utf8(bytes.substr(at), code);
    text += bytes.substr(at, size);
    at += std::max<std::size_t>(size, 1);
  }
  return text;
}

// Each held-out row as text; the windows begin anew.
std::vector<std::string> held_out_texts(const data::Task& task,
                                        const tokenizer::Tokenizer& tokenizer) {
  std::vector<std::string> texts;
  for (std::int64_t row = 0; row < task.validation_rows(); ++row) {
    const std::vector<tokenizer::TokenId> ids = task.validation_batch(row, 1).tokens;
    texts.push_back(whole_characters(tokenizer.decode(ids, {.skip_special = true})) + "\n\n");
  }
  return texts;
}

inspect::Begin begin_of(const tokenizer::Tokenizer& tokenizer,
                        finetune::FinetuneConfig::Begin begin) {
  using Begin = finetune::FinetuneConfig::Begin;
  if (begin == Begin::never) return inspect::Begin::never;
  const bool own = begin == Begin::always && tokenizer.begin_of_text().has_value();
  return own ? inspect::Begin::always : inspect::Begin::tokenizer;
}

void write_inspection(const std::string& path, const std::filesystem::path& out,
                      const inspect::Windows& windows, const std::string& command) {
  const auto model = pretrained::Model::open(path);
  const auto inspection = inspect_model(model, path, windows, {.pruning_windows = kPruningWindows});
  write_report_files(out, inspect::to_document(inspection, command), inspect::to_json(inspection));
}

}  // namespace

void write_finetune_report(const finetune::FinetuneConfig& config, const data::Task& task,
                           const std::string& command) {
  const std::filesystem::path run = config.run.directory;
  const bool begins = config.data.begin == finetune::FinetuneConfig::Begin::always;
  const tokenizer::Tokenizer tokenizer =
      pretrained::Model::open(config.model).load_tokenizer(begins);
  const std::vector<std::string> texts = held_out_texts(task, tokenizer);
  std::int64_t tokens = 0;
  for (const std::string& text : texts) {
    tokens += std::ssize(tokenizer.encode(text, {.add_special = false}));
  }
  inspect::WindowOptions options;
  // Special tokens are gone from the texts, so that a single row may fill no window of its length.
  options.length = std::min(config.data.length, std::max<std::int64_t>(2, tokens));
  options.most = kWindows;
  options.begin = begin_of(tokenizer, config.data.begin);
  auto windows = inspect::cut_windows(tokenizer, texts, options);
  windows.facts.files = {"held-out rows of " + run.string()};
  write_inspection(config.model, run / "before", windows, command);
  write_inspection((run / "model").string(), run / "after", windows, command);
  write_change(run / "before", run / "after", config.balance.shared_heads, {run, command});
}

}  // namespace sinkwise::apps
