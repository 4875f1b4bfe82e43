#pragma once

#include <cstdint>
#include <string>

namespace sinkwise::train {

// One logged step as a person watches it. Figures that this run does not have are NaN.
struct Progress {
  std::int64_t step = 0, total = 0;
  double loss = 0.0;
  double balance = 0.0;  // unweighted
  double cv = 0.0, mean_gate = 0.0;
  double gradient_norm = 0.0;
  double tokens_per_second = 0.0;
  double seconds_left = 0.0;
};

struct Validation {
  std::int64_t step = 0;
  double loss = 0.0, bits_per_byte = 0.0, excess = 0.0;
  double cv = 0.0, mean_gate = 0.0;
};

// What the trainer tells whoever watches: the room itself never prints. Every call comes from the
// training thread.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void stepped(const Progress&) {}
  virtual void validated(const Validation&) {}
  virtual void said(const std::string& /*message*/) {}  // resumed from, skipped a step, saved
};

}  // namespace sinkwise::train
