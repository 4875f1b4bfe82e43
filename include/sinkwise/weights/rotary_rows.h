#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sinkwise::weights {

// How the rows of a query or key projection stand within a head of D rows, which decides what the
// rotary embedding turns together.
enum class RotaryRows {
  half_split,   // rows i and i + D/2, as Hugging Face stores them
  interleaved,  // rows 2i and 2i + 1: llama.cpp's converter has moved them
};

// The order in a GGUF file of this `general.architecture`, as read in llama.cpp's converter
// (conversion/*.py): interleaved for llama (Mistral and Mixtral as well), llama-embed, mistral3,
// arcee, smollm3, granite, granitemoe, olmo and minicpm; half-split, untouched, for gpt2, gptneox,
// gpt-oss, gemma, gemma2, gemma3, olmo2, phi3, qwen2, qwen2moe, qwen3 and qwen3moe. None for
// others: nobody has looked, so whoever loads such a model must.
std::optional<RotaryRows> rotary_rows(std::string_view architecture);

// Puts interleaved rows back to half-split ones: row i + s D/2 of a head becomes what was row 2 i +
// s (s = 0, 1). `rows` is [heads, D, columns], row-major; a bias has one column. Keys of grouped
// heads count their own heads. BadArgument unless D is even and the sizes fit.
void undo_interleaved_rows(std::span<float> rows, std::int64_t heads, std::int64_t columns);

}  // namespace sinkwise::weights
