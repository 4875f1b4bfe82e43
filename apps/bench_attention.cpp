#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "exit_code.h"
#include "sinkwise/bench/attention.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/kernels/instruction_set.h"
#include "sinkwise/kernels/peak.h"
#include "whole_numbers.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  std::vector<std::int64_t> head_sizes{32, 64, 128};
  std::vector<std::int64_t> lengths{128, 256, 512, 1024, 2048, 4096, 8192};
  std::vector<std::string> dtypes{"float32", "bfloat16"};
  std::vector<int> threads{1, 2};
  std::vector<std::int64_t> windows{0, 256};
  std::vector<std::string> peers = bench::attention_peers();
  std::int64_t heads = 0;
  bench::BenchBudget budget;
  bool json = false;
};

// As many heads as keep the work of a call alike over lengths.
std::int64_t heads_of(const Arguments& arguments, std::int64_t T) {
  return arguments.heads > 0 ? arguments.heads : std::clamp<std::int64_t>(8192 / T, 1, 16);
}

std::vector<bench::AttentionSize> sizes_of(const Arguments& a) {
  std::vector<bench::AttentionSize> sizes;
  for (const std::string& dtype : a.dtypes) {
    for (const std::int64_t window : a.windows) {
      for (const int threads : a.threads) {
        for (const std::int64_t D : a.head_sizes) {
          for (const std::int64_t T : a.lengths) {
            if (window >= T) continue;  // the same as no window
            sizes.push_back({heads_of(a, T), T, D, window,
                             dtype == "float32" ? at::kFloat : at::kBFloat16, threads});
          }
        }
      }
    }
  }
  return sizes;
}

std::string with_spread(const bench::Spread& spread) {
  return significant(spread.median, 3) + " (" + significant(spread.low, 3) + "-" +
         significant(spread.high, 3) + ")";
}

void print(const bench::AttentionComparison& comparison) {
  const bench::AttentionSize& s = comparison.size;
  std::cout << (s.type == at::kFloat ? "float32" : "bfloat16") << ", D " << s.D << ", T " << s.T
            << ", " << s.H << (s.H == 1 ? " head" : " heads") << ", window "
            << (s.window > 0 ? std::to_string(s.window) : "none") << ", " << s.threads
            << (s.threads == 1 ? " thread" : " threads") << ", " << comparison.rounds
            << " rounds\n";
  for (const bench::AttentionTimes& t : comparison.times) {
    std::cout << "  " << padded(t.name, 11) << padded(with_spread(t.forward), 22)
              << padded(with_spread(t.backward), 22) << padded(with_spread(t.both), 22)
              << padded(fixed(t.gflops, 1), 8) << padded(fixed(100 * t.share_of_peak, 0) + "%", 6)
              << padded(fixed(t.extra_mebibytes, 1), 9) << fixed(t.ratio_to_kernel, 2) << "x\n";
  }
  std::cout << std::flush;
}

int run(const Arguments& arguments) {
  const double peak = kernels::peak_flops(0.5, kernels::Element::float32);
  const double peak_bfloat16 = kernels::peak_flops(0.5, kernels::Element::bfloat16);
  const std::vector<bench::AttentionSize> sizes = sizes_of(arguments);
  nlohmann::json list = nlohmann::json::array();
  if (!arguments.json) {
    std::cout << "causal attention with sink and gate; instruction set "
              << kernels::instruction_set() << ", multiply-add peak of one core "
              << fixed(peak / 1e9, 1) << " GFLOP/s in float32, " << fixed(peak_bfloat16 / 1e9, 1)
              << " in bfloat16\n"
              << "  " << padded("path", 11) << padded("forward ms", 22) << padded("backward ms", 22)
              << padded("both ms (quartiles)", 22) << padded("GFLOP/s", 8) << padded("peak", 6)
              << padded("MiB more", 9) << "time / kernel's\n";
  }
  for (const bench::AttentionSize& size : sizes) {
    const auto comparison = compare_attention(size, arguments.peers, arguments.budget,
                                              size.type == at::kFloat ? peak : peak_bfloat16);
    if (!arguments.json) print(comparison);
    list.push_back(to_json(comparison));
  }
  if (arguments.json) {
    std::cout << nlohmann::json({{"instruction_set", kernels::instruction_set()},
                                 {"peak_gflops", peak / 1e9},
                                 {"peak_gflops_bfloat16", peak_bfloat16 / 1e9},
                                 {"comparisons", list}})
                     .dump(1)
              << '\n';
  }
  return kOk;
}

}  // namespace

void add_bench_attention(CLI::App& bench, Work& work) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = bench.add_subcommand(
      "attention", "the attention kernel against Torch's operators, in one interleaved run");
  const auto list = [&](const char* name, auto& values, const char* help) {
    return command->add_option(name, values, help)->delimiter(',')->capture_default_str();
  };
  list("--head-size", arguments->head_sizes, "D")->check(CLI::Range(1, 256));
  list("--length", arguments->lengths, "T = S, tokens")->check(at_least(1));
  list("--dtype", arguments->dtypes, "of query, key and value")
      ->check(CLI::IsMember({"float32", "bfloat16"}));
  list("--threads", arguments->threads, "threads of one call")->check(CLI::Range(1, 1024));
  list("--window", arguments->windows, "keys a row reaches; 0 for all")->check(at_least(0));
  list("--peers", arguments->peers, "what to time beside the kernel; none for the kernel alone")
      ->check(CLI::IsMember({"stock", "eager", "reference", "none"}));
  command->add_option("--heads", arguments->heads, "H; 0: 8192 / T, between 1 and 16")
      ->check(at_least(0));
  command->add_option("--seconds", arguments->budget.seconds, "a comparison, at least 3 rounds")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->json, "for programs");
  command->callback([arguments, &work] {
    std::erase(arguments->peers, "none");
    work = [arguments] { return run(*arguments); };
  });
}

}  // namespace sinkwise::apps
