#pragma once

#include <filesystem>
#include <vector>

#include "sinkwise/compare/run.h"

namespace sinkwise::compare {

// The validation lines of a log, by ascending step; see load_run() for what is left out.
std::vector<CurvePoint> load_validation_curve(const std::filesystem::path& log);

}  // namespace sinkwise::compare
