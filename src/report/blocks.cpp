#include "blocks.h"

#include <cmath>
#include <fmt/format.h>
#include <sstream>

#include "escape.h"
#include "figure.h"
#include "map_list.h"

namespace sinkwise::report {
namespace {

std::string emphasised(const std::string& text, Emphasis emphasis) {
  switch (emphasis) {
    case Emphasis::strong:
      return "<strong>" + escaped(text) + "</strong>";
    case Emphasis::code:
      return "<code>" + escaped(text) + "</code>";
    case Emphasis::none:
      break;
  }
  return escaped(text);
}

std::string spans_html(const Paragraph& paragraph) {
  std::string html;
  for (const Span& span : paragraph.spans) html += emphasised(span.text, span.emphasis);
  return html;
}

std::string html_of(const Paragraph& paragraph, int&) {
  return "<p>" + spans_html(paragraph) + "</p>\n";
}

std::string html_of(const Heading& heading, int&) {
  return "<h3>" + escaped(heading.text) + "</h3>\n";
}

std::string html_of(const Bullets& bullets, int&) {
  std::string html = "<ul>\n";
  for (const Paragraph& item : bullets.items) html += "<li>" + spans_html(item) + "</li>\n";
  return html + "</ul>\n";
}

// Line by line: a line feed is the one control character that a command may hold.
std::string html_of(const Code& code, int&) {
  std::string html = "<pre tabindex=\"0\"><code>", line;
  std::istringstream lines(code.text);
  while (std::getline(lines, line)) html += escaped(line) + "\n";
  return html + "</code></pre>\n";
}

struct Badge {
  const char* css;
  const char* mark;
  const char* word;
};

Badge badge(Status status) {
  switch (status) {
    case Status::holds:
      return {"holds", "\u2713", "holds"};
    case Status::does_not_hold:
      return {"fails", "\u2717", "does not hold"};
    case Status::null:
      return {"null", "\u25cb", "none found"};
    case Status::undecided:
      break;
  }
  return {"open", "?", "undecided"};
}

std::string verdict_html(const Verdict& verdict) {
  const Badge shown = badge(verdict.status);
  return fmt::format(
      "<li class=\"{}\"><span class=\"badge\"><span aria-hidden=\"true\">{}</span> {}</span>"
      "<div><p class=\"subject\">{}</p><p class=\"evidence\">{}</p></div></li>\n",
      shown.css, shown.mark, shown.word, escaped(verdict.subject), escaped(verdict.evidence));
}

std::string html_of(const Verdicts& verdicts, int&) {
  std::string html = "<div class=\"verdicts\"><h3>" + escaped(verdicts.question) +
                     "</h3>\n<p class=\"claim\">Claim tested: " + escaped(verdicts.claim) +
                     "</p>\n<ul>\n";
  for (const Verdict& verdict : verdicts.items) html += verdict_html(verdict);
  html += "</ul>\n";
  if (!verdicts.rule.empty())
    html += "<p class=\"rule\">Rule: " + escaped(verdicts.rule) + "</p>\n";
  return html + "</div>\n";
}

const char* align_class(Align align) { return align == Align::right ? " class=\"number\"" : ""; }

std::string header_cell(const Column& column) {
  return fmt::format(
      "<th scope=\"col\" aria-sort=\"none\"{}><button type=\"button\" "
      "title=\"{}\">{}</button></th>",
      align_class(column.align), escaped(column.help.empty() ? "sort" : column.help),
      escaped(column.title));
}

std::string body_cell(const Cell& cell, const Column& column, bool first) {
  const bool keyed = cell.sort_key && std::isfinite(*cell.sort_key);
  return fmt::format("<{0}{1}{2}>{3}{4}</{5}>", first ? "th scope=\"row\"" : "td",
                     align_class(column.align),
                     keyed ? fmt::format(" data-key=\"{:.17g}\"", *cell.sort_key) : "",
                     emphasised(cell.text, cell.emphasis),
                     cell.note.empty() ? "" : "<br><small>" + escaped(cell.note) + "</small>",
                     first ? "th" : "td");
}

// The help texts again as a list: a title is out of reach without a mouse, and on paper.
std::string glossary_html(const Table& table) {
  std::string entries;
  for (const Column& column : table.columns)
    if (!column.help.empty())
      entries += "<dt>" + escaped(column.title) + "</dt><dd>" + escaped(column.help) + "</dd>";
  if (entries.empty()) return "";
  return "<details class=\"glossary\"><summary>What the columns mean</summary><dl>" + entries +
         "</dl></details>\n";
}

std::string html_of(const Table& table, int&) {
  std::string html = "<div class=\"scroll\" tabindex=\"0\"><table class=\"sortable\"><caption>" +
                     escaped(table.caption) + "</caption><thead><tr>";
  for (const Column& column : table.columns) html += header_cell(column);
  html += "</tr></thead><tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      html += body_cell(row[i], table.columns[i], /*first=*/i == 0);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n" + glossary_html(table);
}

std::string html_of(const Chart& chart, int& charts) {
  return figure_html(chart, /*legend=*/true, ++charts);
}

std::string html_of(const Grid& grid, int& charts) {
  std::string html = grid.shared_legend ? legend_html(grid) : "";
  html += fmt::format(
      "<div class=\"grid\" "
      "style=\"grid-template-columns:repeat(auto-fill,minmax(min({}px,100%),1fr))\">\n",
      grid.minimum_width);
  for (const Chart& chart : grid.charts)
    html += figure_html(chart, /*legend=*/!grid.shared_legend, ++charts);
  return html + "</div>\n";
}

std::string html_of(const MapList& list, int& charts) {
  const int number = ++charts;
  return map_list_html(list, number) + figure_html(list.first, /*legend=*/false, number);
}

}  // namespace

std::string block_html(const Block& block, int& charts) {
  return std::visit([&](const auto& content) { return html_of(content, charts); }, block);
}

}  // namespace sinkwise::report
