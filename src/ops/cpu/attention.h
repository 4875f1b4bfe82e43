#pragma once

#include <optional>
#include <string>

#include "fused.h"

namespace sinkwise::ops::cpu {

// Attention by the project's own kernels (room `kernels`).

// Why they cannot serve these arguments; none if they can.
std::optional<std::string> decline_reason(const Arguments& arguments);

AttentionResult attention_forward(const Arguments& arguments);
AllGradients attention_backward(const Arguments& arguments, const AttentionResult& saved,
                                const Upstream& upstream);

}  // namespace sinkwise::ops::cpu
