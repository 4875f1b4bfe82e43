#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sinkwise/data/task.h"

namespace sinkwise::data {

// Everything that a recipe may say about its task; each task reads what concerns it. The comments
// say which (none: all); the headers of the tasks say what the options mean.
struct TaskOptions {
  std::string name = "bigram_backcopy";  // "bigram_backcopy", "trigger_average", "text", "tokens"
  std::int64_t length = 32;              // T
  std::int64_t seed = 0;                 // of the training rows
  std::int64_t validation_rows = 256;

  std::int64_t symbols = 32;       // bigram_backcopy
  std::int64_t triggers = 3;       // bigram_backcopy
  std::int64_t offsets = 1;        // bigram_backcopy
  std::int64_t chain_seed = 1234;  // bigram_backcopy; the held-out rows of trigger_average
  bool beginning_token = true;     // bigram_backcopy

  std::int64_t features = 18;        // trigger_average
  double trigger_probability = 0.2;  // trigger_average

  std::vector<std::string> files;             // text, tokens
  double validation_fraction = 0.05;          // text, tokens
  std::int64_t max_bytes = 16 << 20;          // text
  bool pack = false;                          // text
  std::string standard_library;               // text
  std::vector<std::string> validation_files;  // tokens
  std::int64_t vocabulary = 0;                // tokens
  std::int64_t document_token = -1;           // tokens
  double bytes_per_token = 0.0;               // tokens
};

// The names that make_task knows.
const std::vector<std::string>& task_names();

// BadConfig for an unknown name or a bad option, BadFile for bad data.
std::unique_ptr<Task> make_task(const TaskOptions& options);

}  // namespace sinkwise::data
