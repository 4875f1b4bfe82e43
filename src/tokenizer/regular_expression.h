#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct pcre2_real_code_8;

namespace sinkwise::tokenizer {

// A regular expression of a tokenizer file, matched as the `tokenizers` library does (Oniguruma's
// syntax, characters and classes of Unicode). May be used from many threads.
class Regex {
 public:
  // Unsupported for a pattern that PCRE2 would read differently or not at all. `where` names file
  // and member; also for later errors.
  Regex(std::string_view pattern, std::string where);

  using Range = std::pair<std::size_t, std::size_t>;  // [begin, end), bytes

  // Every match, from left to right, without overlap; empty ones too, but not where another match
  // ended. `text` is well-formed UTF-8. BadFile when that takes more steps than any sane pattern
  // needs (known patterns of published models are exempt) or more than 64 MiB of memory.
  std::vector<Range> find_all(std::string_view text) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::string where_;
  bool counted_;  // whether every step is counted against a budget
  std::shared_ptr<pcre2_real_code_8> code_;
};

}  // namespace sinkwise::tokenizer
