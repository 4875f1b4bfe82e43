#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "sinkwise/core/file.h"
#include "sinkwise/eval/task.h"

namespace sinkwise::eval {

struct LoggedItem {
  std::string task;
  ItemScore item;
};

// The items of items.jsonl, one a line, in the order of the file (docs/evaluation.md). BadFile
// with the line for what is malformed, an unfinished last line included.
std::vector<LoggedItem> read_items(const std::filesystem::path& file);

// A directory that takes items as they are scored, so that a call that was killed can go on.
class ItemLog {
 public:
  // Opens `directory`, made when missing. `settings` are all that decides numbers: they are kept in
  // settings.json, and BadConfig names what differs when the directory has others. An unfinished
  // last line is cut off. LockedError when another process uses the directory; ResourceError and
  // BadFile as core/file.h.
  ItemLog(const std::filesystem::path& directory, const nlohmann::json& settings);

  // What was there when it was opened.
  const std::vector<LoggedItem>& known() const { return known_; }

  // Writes and syncs; after a ResourceError only whole lines are there.
  void append(const Task& task, std::span<const ItemScore> items);

 private:
  void lock() const;
  void cut_unfinished_line();

  OutputFile file_;
  std::vector<LoggedItem> known_;
};

}  // namespace sinkwise::eval
