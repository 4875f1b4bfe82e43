#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "regular_expression.h"

namespace sinkwise::tokenizer {

// Canonical (C, D) and compatibility (KC, KD) normal forms; see is_left_alone() for their Unicode.
struct NormalForm {
  bool compose = true;
  bool compatible = false;
};

// Puts `text` in front of a text that is not empty.
struct Prepend {
  std::string text;
};

// Every occurrence of a literal, or every match of a pattern.
struct Replace {
  std::variant<std::string, Regex> what;
  std::string with;
};

using NormalizerStep = std::variant<NormalForm, Prepend, Replace>;

// The steps, one after the other. `text` is well-formed UTF-8, and so is the result.
std::string normalize(const std::vector<NormalizerStep>& steps, std::string_view text);

// Every occurrence of `what`, which is not empty, becomes `with`.
std::string replace_all(std::string_view text, std::string_view what, std::string_view with);

}  // namespace sinkwise::tokenizer
