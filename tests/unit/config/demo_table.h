#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/config/table.h"

namespace sinkwise::config::test {

enum class Mechanism { vanilla, sink, gated };

// One target of every type.
struct Demo {
  bool shuffle = true;
  std::int64_t steps = 400;
  double lr = 1e-2;
  std::string name = "bigram_backcopy";
  std::vector<std::string> files = {"a.txt", "b.txt"};
  std::vector<std::int64_t> layers = {1, 2};
  Mechanism mechanism = Mechanism::sink;
};

inline Table demo_table(Demo& demo) {
  Table table("sinkwise train --help");
  table.add("train.steps", demo.steps, "optimiser steps",
            {.unit = "steps", .range = at_least(1), .resumable = true});
  table.add("optim.lr", demo.lr, "learning rate at the peak", {.range = above(0)});
  table.add("data.shuffle", demo.shuffle, "draw rows at random");
  table.add("data.name", demo.name, "the task");
  table.add("data.files", demo.files, "text files");
  table.add("probe.layers", demo.layers, "layers to look at", {.range = at_least(0)});
  table.choice(
      "attention.mechanism", demo.mechanism,
      {{"vanilla", Mechanism::vanilla}, {"sink", Mechanism::sink}, {"gated", Mechanism::gated}},
      "what closes a head");
  return table;
}

// The problems that finish() throws; empty when it does not.
inline std::vector<Problem> problems_of(Table& table) {
  try {
    table.finish();
    return {};
  } catch (const ConfigProblems& error) {
    return error.problems();
  }
}

}  // namespace sinkwise::config::test
