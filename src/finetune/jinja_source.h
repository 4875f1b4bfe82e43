#pragma once

#include <string>
#include <string_view>

namespace sinkwise::finetune {

// Where a text in quotation marks begins and ends in a canonical source.
constexpr char kQuoteBegin = '\x02', kQuoteEnd = '\x03';

// The source of a Jinja template with everything removed that changes nothing of what it writes,
// as transformers has it read (trim_blocks, lstrip_blocks): white space inside of tags, white space
// that tags take away around them, the kind of quotation marks, how a line break is written in
// them. Two sources of one canonical form write the same. Empty where that cannot be said: a
// comment, a tag without end, control characters.
std::string canonical(std::string_view source);

}  // namespace sinkwise::finetune
