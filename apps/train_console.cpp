#include "train_console.h"

#include <cmath>

#include "sinkwise/core/text.h"

namespace sinkwise::apps {

void TrainConsole::stepped(const train::Progress& p) {
  const double percent = 100.0 * static_cast<double>(p.step) / static_cast<double>(p.total);
  // What matters most comes first: a narrow terminal cuts the end off.
  console_.progress(concat("step ", p.step, "/", p.total, " ", fixed(percent, 0), "%  left ",
                           duration_text(p.seconds_left), "  loss ", fixed(p.loss, 4), "  CV ",
                           fixed(p.cv, 3), "  gate ", fixed(p.mean_gate, 3), "  ",
                           count_text(p.tokens_per_second), " tok/s  balance ",
                           significant(p.balance, 3), "  |g| ", significant(p.gradient_norm, 3)));
}

void TrainConsole::validated(const train::Validation& v) {
  std::string line = concat("validation at ", v.step, ": loss ", fixed(v.loss, 4));
  if (std::isfinite(v.bits_per_byte)) line += concat("  bits/byte ", fixed(v.bits_per_byte, 4));
  if (std::isfinite(v.excess)) line += concat("  excess ", fixed(v.excess, 4));
  console_.say(concat(line, "  CV ", fixed(v.cv, 3), "  gate ", fixed(v.mean_gate, 3)));
}

bool TrainConsole::tell(train::Outcome outcome, const std::string& directory) {
  if (outcome == train::Outcome::interrupted) {
    said("stopped and saved; the same command goes on: " + directory);
  } else if (outcome == train::Outcome::already_finished) {
    said("this run had finished before: " + directory);
  }
  return outcome != train::Outcome::interrupted;
}

}  // namespace sinkwise::apps
