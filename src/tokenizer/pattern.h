#pragma once

#include <string>
#include <string_view>

namespace sinkwise::tokenizer {

// tokenizer.json writes regular expressions in Oniguruma's syntax, PCRE2 reads Perl's. The PCRE2
// form of a pattern that both read alike but for spelling. Unsupported, with the offset, for a
// construct that they read differently (`\w`, `\h`, `\b`, set operations, a possessive `{n,m}+`,
// ...), that could run away (back references, recursion, counts over 1000), or for more than 10,000
// bytes. `where` names file and member. The pattern is well-formed UTF-8.
std::string perl_pattern(std::string_view pattern, std::string_view where);

}  // namespace sinkwise::tokenizer
