#pragma once

#include <string>

namespace sinkwise::apps {

// `text` as one word of a shell's command line, quoted where it would be more than one.
std::string shell_word(const std::string& text);

}  // namespace sinkwise::apps
