#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "sinkwise/config/table.h"
#include "sinkwise/finetune/config.h"

namespace sinkwise::apps {

// What `sinkwise finetune` is told: a recipe, keys, and arguments with names of their own.
struct FinetuneArguments {
  std::string recipe;                    // TOML; empty: none
  std::vector<std::string> assignments;  // key=value
  std::string model, out;                // empty: as the keys say
  std::vector<std::string> data;

  // What every command that fine-tunes shares: all but `out`.
  void declare(CLI::App& command);
};

struct FinetuneRecipe {
  finetune::FinetuneConfig config;
  config::Table table{"sinkwise finetune --keys"};
};

// Defaults < recipe < environment < --set < the other arguments < `last`. The defaults depend on
// the model, which is opened for them where one is named. Throws ConfigProblems with everything
// that is wrong at once, and what opening the model throws.
std::unique_ptr<FinetuneRecipe> load_finetune(const FinetuneArguments& arguments,
                                              const std::vector<std::string>& last = {});

}  // namespace sinkwise::apps
