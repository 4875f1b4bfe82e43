#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/eval/encoder.h"

namespace sinkwise::eval {

// What is to be measured: the name of a format, or "text", and a file.
struct TaskSource {
  std::string format, file;
};

struct Task {
  std::string name;  // the format's, or "text:" and the name of the file; unique in an evaluation
  Kind kind = Kind::text;
  std::string prompt, file;
  std::string hash;  // of the hashes of all items, in order
  std::vector<Item> items;
  bool lossless = true;  // TextItems::lossless
};

// Reads and encodes all tasks; `windows.limit` holds for rows as well. BadFile and BadConfig as
// read_questions() and Encoder; BadConfig when two tasks have the same name.
std::vector<Task> load_tasks(const std::vector<TaskSource>& sources, const Encoder& encoder,
                             const WindowOptions& windows);

}  // namespace sinkwise::eval
