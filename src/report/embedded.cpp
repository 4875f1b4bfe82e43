#include "embedded.h"

// The assembler copies a file of any size in no time; a string literal of 5 MB costs the compiler
// seconds and much memory.
#define SINKWISE_EMBED(symbol, path)        \
  __asm__(                                  \
      ".pushsection .rodata\n"              \
      ".balign 16\n"                        \
      ".global " #symbol "_begin\n" #symbol \
      "_begin:\n"                           \
      ".incbin \"" path                     \
      "\"\n"                                \
      ".global " #symbol "_end\n" #symbol   \
      "_end:\n"                             \
      ".popsection\n");                     \
  extern "C" const char symbol##_begin[];   \
  extern "C" const char symbol##_end[]

SINKWISE_EMBED(sinkwise_plotly, SINKWISE_PLOTLY_BUNDLE);
SINKWISE_EMBED(sinkwise_page_css, SINKWISE_PAGE_CSS);
SINKWISE_EMBED(sinkwise_page_js, SINKWISE_PAGE_JS);

namespace sinkwise::report {

std::string_view plotly_bundle() { return {sinkwise_plotly_begin, sinkwise_plotly_end}; }
std::string_view page_style() { return {sinkwise_page_css_begin, sinkwise_page_css_end}; }
std::string_view page_script() { return {sinkwise_page_js_begin, sinkwise_page_js_end}; }

}  // namespace sinkwise::report
