#pragma once

#include <optional>
#include <string>

#include "fused.h"

namespace sinkwise::ops::stock {

// Why the stock kernels cannot serve these arguments; none if they can.
std::optional<std::string> decline_reason(const Arguments& arguments);

AttentionResult attention_forward(const Arguments& arguments);
// `saved` is what the forward returned; its gate may be undefined when none was asked for.
AllGradients attention_backward(const Arguments& arguments, const AttentionResult& saved,
                                const Upstream& upstream);

}  // namespace sinkwise::ops::stock
