#pragma once

#include <vector>

#include "sinkwise/finetune/dialogue.h"

namespace sinkwise::finetune {

// Stands in a source for the system message of a model's own.
constexpr std::string_view kSystemText = "<system>";

struct KnownTemplate {
  Layout layout;
  std::string source;
};

// The templates of published models that are recognised, as those models spell them.
const std::vector<KnownTemplate>& known_templates();

}  // namespace sinkwise::finetune
