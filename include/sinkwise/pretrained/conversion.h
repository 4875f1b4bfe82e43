#pragma once

#include "sinkwise/nn/attention.h"

namespace sinkwise::pretrained {

// Another mechanism for the softmax layers of a model that has none, in such a way that the model
// computes what it did before. Ours; the paper converts nothing.
struct Conversion {
  nn::Mechanism mechanism = nn::Mechanism::vanilla;  // vanilla: none
  // sink: the logits' starting value. At -1e4 a sink takes exactly nothing of any row, and has no
  // gradient either: whoever trains it starts it a little below the log-sum-exps of a text.
  // gated: the bias that the gates start at, their projection being 0. What an output loses to
  // gates of sigmoid(start) the output projection is given back, so that nothing changes at all.
  double start = 0.0;

  static Conversion to(nn::Mechanism mechanism);  // with its usual start: -1e4, or 4 (gate 0.982)
};

}  // namespace sinkwise::pretrained
