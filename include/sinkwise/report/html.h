#pragma once

#include <string>

#include "sinkwise/report/document.h"

namespace sinkwise::report {

// The document as one HTML page with the chart library inside, about 5 MB. The page asks for
// nothing from outside and its content policy forbids it: only the two scripts whose SHA-256 it
// names may run, connections are closed. Chart data travel as JSON, text is escaped, control and
// bidirectional characters become visible escapes.
//
// The result is a pure function of the document: the same document gives the same bytes.
//
// Throws BadArgument when the shapes in a block do not agree (a row of a table with a missing cell,
// a line with more x than y), or when two sections share an anchor.
std::string render_html(const Document& document);

}  // namespace sinkwise::report
