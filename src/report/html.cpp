#include "sinkwise/report/html.h"

#include "blocks.h"
#include "check.h"
#include "embedded.h"
#include "escape.h"
#include "sha256.h"

namespace sinkwise::report {
namespace {

// Scripts by hash; styles inline, because the chart library writes its own rules; images only as
// data, which is how a chart is saved as a picture. Everything else, connections above all, is
// refused.
std::string content_policy() {
  static const std::string policy =
      "default-src 'none'; script-src 'sha256-" + sha256_base64(plotly_bundle()) + "' 'sha256-" +
      sha256_base64(page_script()) +
      "'; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'none'; base-uri 'none'; "
      "form-action 'none'; object-src 'none'";
  return policy;
}

std::string head_html(const Document& document) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         content_policy() +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" "
         "href=\"data:,\">\n<title>" +
         escaped(document.title) + "</title>\n<style>\n" + std::string(page_style()) +
         "</style>\n</head>\n";
}

std::string provenance_html(const Document& document) {
  if (document.provenance.empty()) return "";
  std::string html = "<dl class=\"provenance\">\n";
  for (const auto& [key, value] : document.provenance)
    html += "<div><dt>" + escaped(key) + "</dt><dd>" + escaped(value) + "</dd></div>\n";
  return html + "</dl>\n";
}

std::string contents_html(const Document& document) {
  std::string html = "<nav aria-label=\"Contents\"><ol>\n";
  for (const Section& section : document.sections)
    html += "<li><a href=\"#" + section.id + "\">" + escaped(section.title) + "</a></li>\n";
  return html + "</ol></nav>\n";
}

std::string section_html(const Section& section, int& charts) {
  std::string html = "<section id=\"" + section.id + "\" aria-labelledby=\"" + section.id +
                     "-title\">\n<h2 id=\"" + section.id + "-title\">" + escaped(section.title) +
                     "</h2>\n";
  for (const Block& block : section.blocks) html += block_html(block, charts);
  return html + "</section>\n";
}

std::string script_html(std::string_view script) {
  return "<script>" + std::string(script) + "</script>\n";
}

}  // namespace

std::string render_html(const Document& document) {
  check(document);
  std::string html = head_html(document);
  html += "<body>\n<a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header>\n<h1>" +
          escaped(document.title) + "</h1>\n<p class=\"subtitle\">" + escaped(document.subtitle) +
          "</p>\n" + provenance_html(document) +
          "<noscript><p>The charts need JavaScript; the table under each chart holds the same "
          "numbers.</p></noscript>\n</header>\n<div class=\"page\">\n" +
          contents_html(document) + "<main id=\"content\">\n";
  int charts = 0;
  for (const Section& section : document.sections) html += section_html(section, charts);
  html += "</main>\n</div>\n";
  html += script_html(plotly_bundle());
  html += script_html(page_script());
  return html + "</body>\n</html>\n";
}

}  // namespace sinkwise::report
