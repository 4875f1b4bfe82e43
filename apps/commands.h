#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace sinkwise::apps {

// Each command declares its options on `app` and leaves its work, which returns an exit code, in
// `run` when it is the one that was called.
using Work = std::function<int()>;

void add_train(CLI::App& app, Work& run);
void add_sweep(CLI::App& app, Work& run);
void add_compare(CLI::App& app, Work& run);
void add_inspect(CLI::App& app, Work& run);
void add_eval(CLI::App& app, Work& run);
void add_check(CLI::App& app, Work& run);
void add_finetune(CLI::App& app, Work& run);
void add_merge(CLI::App& app, Work& run);
void add_generate(CLI::App& app, Work& run);
void add_bench(CLI::App& app, Work& run);
void add_bench_attention(CLI::App& bench, Work& run);  // a command of `bench`
void add_bench_finetune(CLI::App& bench, Work& run);   // the same
void add_config(CLI::App& app, Work& run);

}  // namespace sinkwise::apps
