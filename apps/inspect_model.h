#pragma once

#include <string>

#include "sinkwise/inspect/inspect.h"

namespace sinkwise::apps {

// inspect::inspect() with its progress and the time left on the console; `path` is how the report
// names the model.
inspect::Inspection inspect_model(const pretrained::Model& model, const std::string& path,
                                  const inspect::Windows& windows,
                                  const inspect::InspectOptions& options);

}  // namespace sinkwise::apps
