#pragma once

#include "sinkwise/report/document.h"

namespace sinkwise::report {

// Throws BadArgument, naming the section and block, when the shapes in the document do not agree.
void check(const Document& document);

}  // namespace sinkwise::report
