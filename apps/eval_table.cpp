#include "eval_table.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "console.h"
#include "sinkwise/core/text.h"

namespace sinkwise::apps {
namespace {

using eval::GroupResult;
using eval::Metric;

constexpr int kDecimals = 4;

std::string right(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

const char* verdict(const eval::Difference& difference) {
  if (std::isnan(difference.low)) return "  undecided";
  return difference.low > 0.0 || difference.high < 0.0 ? "" : "  none found";
}

// "+0.0123 [-0.0045, 0.0291]" of a metric; nothing where it was not compared.
std::string difference_text(const eval::Evaluation& evaluation, const std::string& task,
                            const std::string& metric) {
  if (!evaluation.against) return "";
  for (const eval::TaskComparison& one : evaluation.against->tasks) {
    for (const eval::Difference& found : one.differences) {
      if (one.name != task || found.name != metric) continue;
      const double value = found.ours - found.theirs;
      return concat("  ", right((value > 0.0 ? "+" : "") + fixed(value, kDecimals), 9), " [",
                    fixed(found.low, kDecimals), ", ", fixed(found.high, kDecimals), "]",
                    verdict(found));
    }
  }
  return "";
}

std::string numbers(const Metric& metric) {
  return padded(metric.name, 14) + right(fixed(metric.value, kDecimals), 11) + " ± " +
         right(fixed(metric.standard_error, kDecimals), 8);
}

// Remarks on what was done to the items of a task.
std::string remarks(const eval::TaskResult& task) {
  std::string text;
  if (task.truncated > 0) {
    text += concat("  ", task.truncated, " of ", task.all.count,
                   " items lost context on the left: the model's is too short\n");
  }
  if (!task.lossless) {
    text += "  the tokenizer changes this text: each window has its share of the file's bytes\n";
  }
  return text;
}

std::size_t width_of_names(const std::vector<eval::TaskResult>& tasks) {
  std::size_t width = 5;
  for (const eval::TaskResult& task : tasks) {
    width = std::max(width, task.name.size());
    for (const GroupResult& group : task.groups) {
      width = std::max(width, printable(group.name).size() + 2);
    }
  }
  return width;
}

}  // namespace

std::string evaluation_table(const eval::Evaluation& evaluation) {
  const std::size_t width = width_of_names(evaluation.tasks) + 2;
  std::ostringstream out;
  out << padded("task", width) << right("items", 7) << "  " << padded("metric", 14)
      << right("value", 11) << "   " << right("s.e.", 8)
      << (evaluation.against ? "  difference [95 % interval]" : "") << '\n';
  for (const eval::TaskResult& task : evaluation.tasks) {
    for (const Metric& metric : task.all.metrics) {
      out << padded(task.name, width) << right(concat(task.all.count), 7) << "  " << numbers(metric)
          << difference_text(evaluation, task.name, metric.name) << '\n';
    }
    out << remarks(task);
  }
  for (const eval::TaskResult& task : evaluation.tasks) {
    if (!task.groups.empty()) out << '\n' << task.name << ", group by group\n";
    for (const GroupResult& group : task.groups) {
      for (const Metric& metric : group.metrics) {
        out << padded("  " + printable(group.name), width) << right(concat(group.count), 7) << "  "
            << numbers(metric) << '\n';
      }
    }
  }
  const eval::WindowOptions& windows = evaluation.settings.windows;
  if (windows.length > 0) {
    out << "\ntexts: windows of " << windows.length << " tokens, each scoring " << windows.stride
        << " that no window before it did\n";
  }
  if (evaluation.against) {
    out << "\ndifference: this model minus " << printable(evaluation.against->model)
        << ", paired over items; none found: the interval holds 0; undecided: one item\n";
  }
  return out.str();
}

}  // namespace sinkwise::apps
