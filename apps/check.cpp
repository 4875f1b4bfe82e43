#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "exit_code.h"
#include "sinkwise/core/text.h"
#include "sinkwise/kernels/instruction_set.h"
#include "sinkwise/selfcheck/attention_check.h"

namespace sinkwise::apps {
namespace {

std::string type_name(at::ScalarType type) {
  if (type == at::kDouble) return "float64";
  return type == at::kFloat ? "float32" : "bfloat16";
}

std::string row_text(const std::string& path, const selfcheck::CheckRow& row) {
  return concat(row.failures == 0 ? "ok    " : "FAIL  ", padded(path, 13),
                padded(type_name(row.type), 10), padded(row.quantity, 20),
                padded(significant(row.worst_error, 3), 10),
                padded(significant(row.naive_error, 3), 10),
                padded(significant(row.allowed, 3), 10), row.worst_case);
}

nlohmann::json row_json(const std::string& path, const selfcheck::CheckRow& row) {
  return {{"path", path},
          {"dtype", type_name(row.type)},
          {"quantity", row.quantity},
          {"error", row.worst_error},
          {"naive_error", row.naive_error},
          {"allowed", row.allowed},
          {"case", row.worst_case},
          {"comparisons", row.comparisons},
          {"failures", row.failures}};
}

int run(bool as_json) {
  std::int64_t failures = 0, comparisons = 0;
  nlohmann::json list = nlohmann::json::array();
  auto take = [&](const std::string& path, const selfcheck::CheckRow& row) {
    failures += row.failures;
    comparisons += row.comparisons;
    list.push_back(row_json(path, row));
    if (!as_json) std::cout << row_text(path, row) << '\n' << std::flush;
  };
  if (!as_json) {
    std::cout << "      " << padded("path", 13) << padded("dtype", 10) << padded("quantity", 20)
              << padded("error", 10) << padded("naive", 10) << padded("allowed", 10)
              << "closest case\n";
  }
  take("reference", selfcheck::check_reference_against_differences());
  for (at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16}) {
    for (const auto& row : selfcheck::check_attention(ops::Path::stock, type)) take("stock", row);
  }
  for (const std::string& set : kernels::instruction_sets()) {
    kernels::use_instruction_set(set);
    for (at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      for (const auto& row : selfcheck::check_attention(ops::Path::kernel, type)) take(set, row);
    }
  }
  if (as_json) {
    std::cout << nlohmann::json({{"rows", list}, {"failures", failures}}).dump(1) << '\n';
  } else {
    std::cout << comparisons << " comparisons, " << failures << " failures\n";
  }
  return failures == 0 ? kOk : kFailure;
}

}  // namespace

void add_check(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand(
      "check", "prove on this machine that gates, log-sum-exps and all gradients are right");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "for programs");
  command->footer(
      "Every implementation of the attention operator is held against the float64 reference, "
      "which\n"
      "is itself held against finite differences: outputs, log-sum-exps, gates and the gradients "
      "of\n"
      "query, key, value and sink. `allowed` is twice the error of the naive version in the same\n"
      "dtype, plus the rounding that cannot be avoided (docs/mathematics.md).");
  command->callback([as_json, &work] { work = [as_json] { return run(*as_json); }; });
}

}  // namespace sinkwise::apps
