#pragma once

#include <string>
#include <vector>

#include "sinkwise/config/value.h"

namespace sinkwise::config {

// Every number of a number or list lies in the range; true for other values.
bool all_within(const Range& range, const Value& value);

// "an integer >= 1", "a list of integers, each > 0", "one of vanilla, sink, gated", "true or
// false".
std::string expectation(Type type, const Range& range, const std::vector<std::string>& choices);

}  // namespace sinkwise::config
