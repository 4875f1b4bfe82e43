#pragma once

#include <vector>

#include "fields.h"
#include "sinkwise/eval/questions.h"

namespace sinkwise::eval {

// A task, with how a row of its file becomes a question.
struct Reader {
  Format format;
  Question (*read)(const Fields& row);
};

const std::vector<Reader>& readers();

}  // namespace sinkwise::eval
