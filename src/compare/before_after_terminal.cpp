#include <cmath>

#include "before_after_parts.h"
#include "sinkwise/compare/output.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"
#include "terminal_text.h"

namespace sinkwise::compare {
namespace {

constexpr std::size_t kMostMetrics = 8;
constexpr int kNumberWidth = 10;

std::string row(const std::string& name, const std::string& before, const std::string& after,
                const std::string& difference, const std::string& word, int width) {
  constexpr int kWordWidth = 12;
  const int rest = width - 3 * (kNumberWidth + 1) - kWordWidth - 2;
  return left(printable(name), rest) + " " + right(before, kNumberWidth) + " " +
         right(after, kNumberWidth) + " " + right(difference, kNumberWidth) +
         (word.empty() ? "" : "  ") + word + "\n";
}

std::string figure_rows(const BeforeAfter& change, int width) {
  std::string text = row("", "before", "after", "difference", "", width);
  for (const ChangedFigure& figure : change.figures)
    text +=
        row(figure.title, report::fixed(figure.value.before, figure.decimals),
            report::fixed(figure.value.after, figure.decimals),
            report::with_sign(figure.value.difference(), figure.decimals),
            std::isfinite(figure.value.difference()) && figure.is_null() ? "no change" : "", width);
  return text;
}

std::string metric_rows(const BeforeAfter& change, int width) {
  std::string text;
  for (const ChangedMetric& metric : change.metrics) {
    if (&metric - change.metrics.data() == static_cast<std::ptrdiff_t>(kMostMetrics))
      return text +
             concat("... and ", change.metrics.size() - kMostMetrics, " more in report.html\n");
    text +=
        row(concat(metric.task, ", ", metric.name, " (\u00b1 ",
                   report::fixed(metric.standard_error, 4), ")"),
            report::fixed(metric.value.before, 4), report::fixed(metric.value.after, 4),
            report::with_sign(metric.value.difference(), 4), outcome_word(metric.outcome), width);
  }
  return text;
}

}  // namespace

std::string to_terminal(const BeforeAfter& change, int width) {
  require_width(width);
  std::string text = wrapped("", concat("before: ", printable(change.before.path)), width) +
                     wrapped("", concat("after:  ", printable(change.after.path)), width);
  for (const std::string& caution : change.cautions)
    text += wrapped("Caution: ", printable(caution), width);
  for (const BeforeAfterWarning& warning : change.warnings)
    text += wrapped("Warning: ", warning.text + " " + warning.advice, width);
  text += "\n" + figure_rows(change, width) + metric_rows(change, width) + "\n";
  for (const std::string& sentence : summary(change)) text += wrapped("- ", sentence, width);
  return text;
}

}  // namespace sinkwise::compare
