#pragma once

#include <string>

#include "sinkwise/eval/task.h"

namespace sinkwise::apps {

// NAME=FILE of --task. BadConfig when it is not of that form.
eval::TaskSource task_source(const std::string& argument);

}  // namespace sinkwise::apps
