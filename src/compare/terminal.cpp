#include "phrases.h"
#include "sinkwise/compare/output.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"
#include "terminal_text.h"

namespace sinkwise::compare {
namespace {

// The columns of figures, the most important first: those that do not fit are left out.
struct Shown {
  const char* key;
  const char* title;
  int width;
};
constexpr Shown kShown[] = {{"", "loss", 15},
                            {"cv", "CV", 13},
                            {"mean_gate", "gate", 5},
                            {"first_token_weight", "first", 5},
                            {"effective_heads_ablation", "abl.", 4},
                            {"step_ms", "ms", 6}};

const char* loss_key(const Arm& arm) {
  return measured(arm.figures.at("excess")) > 0 ? "excess" : "loss";
}

std::string cell(const Arm& arm, const Shown& column) {
  const char* key = *column.key == '\0' ? loss_key(arm) : column.key;
  const Figure& figure = arm.figures.at(key);
  const int decimals = figure_info(key).decimals;
  return column.width < 10 ? report::fixed(figure.mean, decimals)
                           : report::plus_minus(figure.mean, figure.spread, decimals);
}

constexpr int kNameWidth = 18, kBalanceWidth = 22, kSeedsWidth = 2;

template <typename Text>
std::string figure_columns(int width, Text text) {
  std::string line;
  int used = kNameWidth + 1 + kBalanceWidth + 1 + kSeedsWidth;
  for (const Shown& column : kShown) {
    used += 1 + column.width;
    if (used > width) break;
    line += " " + right(text(column), column.width);
  }
  return line + "\n";
}

std::string arm_line(const Arm& arm, int width) {
  return left(printable(variant_name(arm)), kNameWidth) + " " +
         left(printable(balance_name(arm.balance)), kBalanceWidth) + " " +
         right(std::to_string(arm.runs.size()), kSeedsWidth) +
         figure_columns(width, [&](const Shown& column) { return cell(arm, column); });
}

std::string task_table(const Comparison& comparison, const std::string& task, int width) {
  std::string text, loss;
  for (const Arm& arm : comparison.arms) {
    if (arm.task != task) continue;
    loss = loss_key(arm);
    text += arm_line(arm, width);
  }
  const auto title = [&](const Shown& column) {
    return *column.key == '\0' ? std::string(figure_info(loss).title) : std::string(column.title);
  };
  return cut(printable(task), width) + "\n" + left("mechanism", kNameWidth) + " " +
         left("balance", kBalanceWidth) + " " + right("n", kSeedsWidth) +
         figure_columns(width, title) + text + "\n";
}

std::string status_word(report::Status status) {
  switch (status) {
    case report::Status::holds:
      return "holds";
    case report::Status::does_not_hold:
      return "does not hold";
    case report::Status::null:
      return "none found";
    case report::Status::undecided:
      break;
  }
  return "undecided";
}

// The status, the subject and the first of the figures behind it.
std::string verdict_lines(const report::Verdict& verdict, int width) {
  constexpr int kStatusWidth = 16;
  const std::string first = verdict.evidence.substr(0, verdict.evidence.find(';'));
  return wrapped(left("  " + status_word(verdict.status), kStatusWidth + 1),
                 printable(verdict.subject + ": " + first), width);
}

std::string question_lines(const Question& question, int width) {
  std::string text = wrapped("", question.verdicts.question + " " + question.verdicts.claim, width);
  for (const report::Verdict& verdict : question.verdicts.items)
    text += verdict_lines(verdict, width);
  return text + "\n";
}

}  // namespace

std::string to_terminal(const Comparison& comparison, int width) {
  require_width(width);
  std::string text;
  for (const std::string& task : tasks_of(comparison)) text += task_table(comparison, task, width);
  text += wrapped("",
                  "loss and CV: mean \u00b1 spread over n seeds; gate: mean gate; first: "
                  "first-token weight; abl.: effective heads by ablation; ms: time of a step",
                  width) +
          "\n";
  for (const Question& question : comparison.questions) text += question_lines(question, width);
  for (const std::string& caution : comparison.cautions)
    text += wrapped("Caution: ", printable(caution), width);
  return text;
}

}  // namespace sinkwise::compare
