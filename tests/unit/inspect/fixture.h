#pragma once

#include <filesystem>

#include "sinkwise/pretrained/loaded_model.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/fixtures.h"

namespace sinkwise::test {

// A small random checkpoint of the repository, such as "llama".
inline std::filesystem::path fixture(const char* family) { return pretrained_fixtures() / family; }

// [N, T] tokens that the fixtures know.
inline at::Tensor some_tokens(std::int64_t N, std::int64_t T) {
  return random_tokens({N, T}, 60, 11) + 3;
}

}  // namespace sinkwise::test
