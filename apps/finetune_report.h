#pragma once

#include <string>

#include "sinkwise/data/task.h"
#include "sinkwise/finetune/config.h"
#include "sinkwise/pretrained/model.h"

namespace sinkwise::apps {

// The model before and after a finished run, on the held-out rows of its task as text: inspections
// in <run>/before and <run>/after, the page of what changed in <run>.
void write_finetune_report(const finetune::FinetuneConfig& config, const data::Task& task,
                           const std::string& command);

}  // namespace sinkwise::apps
