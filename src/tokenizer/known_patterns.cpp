#include "known_patterns.h"

#include <algorithm>
#include <iterator>

namespace sinkwise::tokenizer {

bool is_known_pattern(std::string_view pattern) {
  using namespace known_pattern;
  constexpr std::string_view kKnown[] = {kGpt2, kLlama3, kQwen2, kO200k, kTekken, kDigit};
  return std::find(std::begin(kKnown), std::end(kKnown), pattern) != std::end(kKnown);
}

}  // namespace sinkwise::tokenizer
