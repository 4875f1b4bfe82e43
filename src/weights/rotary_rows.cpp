#include "sinkwise/weights/rotary_rows.h"

#include <algorithm>
#include <array>
#include <vector>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::weights {
namespace {

constexpr std::array<std::string_view, 9> kInterleaved = {"arcee",    "granite",     "granitemoe",
                                                          "llama",    "llama-embed", "minicpm",
                                                          "mistral3", "olmo",        "smollm3"};
constexpr std::array<std::string_view, 12> kHalfSplit = {"gemma", "gemma2",   "gemma3", "gpt-oss",
                                                         "gpt2",  "gptneox",  "olmo2",  "phi3",
                                                         "qwen2", "qwen2moe", "qwen3",  "qwen3moe"};

}  // namespace

std::optional<RotaryRows> rotary_rows(std::string_view architecture) {
  const auto listed = [&](const auto& list) {
    return std::find(list.begin(), list.end(), architecture) != list.end();
  };
  if (listed(kInterleaved)) return RotaryRows::interleaved;
  if (listed(kHalfSplit)) return RotaryRows::half_split;
  return std::nullopt;
}

void undo_interleaved_rows(std::span<float> rows, std::int64_t heads, std::int64_t columns) {
  const auto size = static_cast<std::int64_t>(rows.size());
  const bool fits = heads > 0 && columns > 0 && size % heads == 0 && size / heads % columns == 0 &&
                    size / heads / columns % 2 == 0;
  if (!fits) {
    throw BadArgument({.what = "a projection cannot be cut into heads of an even number of rows",
                       .where = "undo_interleaved_rows",
                       .expected = concat(heads, " heads of rows of ", columns, " columns"),
                       .found = concat(size, " elements"),
                       .next = {}});
  }
  const std::int64_t per_head = size / heads, half = per_head / columns / 2;
  std::vector<float> head(static_cast<std::size_t>(per_head));
  for (auto at = rows.begin(); at != rows.end(); at += per_head) {
    std::copy(at, at + per_head, head.begin());
    for (std::int64_t row = 0; row < 2 * half; ++row) {
      const auto from = head.begin() + row * columns;
      std::copy(from, from + columns, at + (row / 2 + row % 2 * half) * columns);
    }
  }
}

}  // namespace sinkwise::weights
