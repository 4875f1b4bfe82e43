#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sinkwise::sweep {

// One process of the program: `sinkwise words...`.
struct Call {
  std::string name;
  std::vector<std::string> words;
  std::filesystem::path directory;  // of its output.txt, and of a run's timing.jsonl
  double cost = 1.0;                // relative length, to schedule and to guess the time left
};

}  // namespace sinkwise::sweep
