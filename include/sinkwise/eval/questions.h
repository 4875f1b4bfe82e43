#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sinkwise/eval/item.h"

namespace sinkwise::eval {

struct Request {
  std::string context, continuation;
};

// A row of an evaluation set as the requests that the EleutherAI harness (lm-evaluation-harness)
// would make of it.
struct Question {
  std::vector<Request> requests;      // one a choice
  std::vector<std::int64_t> lengths;  // characters of each choice, without the space before it
  std::size_t label = 0;
  std::string group;
  std::int64_t line = 0;  // of its file, from 1
};

// The task of that name: what it measures, and its prompt for people.
struct Format {
  std::string name;
  Kind kind = Kind::choices;
  std::string prompt;
};

// BadConfig, naming the nearest one, for a name that is none of format_names().
Format format_of(const std::string& name);
std::vector<std::string> format_names();

// The rows of a file of JSON Lines, the first `limit` of them (0: all). The layouts are those of
// docs/evaluation.md; blank lines are passed over. BadFile with file, line and member when a line
// is malformed, a member is missing, of another type or out of range, or the file has no rows.
std::vector<Question> read_questions(const Format& format, const std::filesystem::path& file,
                                     std::int64_t limit);

}  // namespace sinkwise::eval
