#include "sinkwise/pretrained/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

[[noreturn]] void refuse(const char* member, const char* expected, double found) {
  throw BadArgument({"an option of sampling is out of range", member, expected, concat(found), ""});
}

void check_finite(std::span<const float> logits) {
  for (const float logit : logits) {
    if (std::isfinite(logit)) continue;
    throw BadFile({"the model's output is not finite", "logits", "finite numbers", concat(logit),
                   "its files may be damaged"});
  }
}

// The indices of the `count` largest, largest first, of equals the first.
std::vector<std::size_t> largest(std::span<const float> logits, std::size_t count) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto before = [&](std::size_t a, std::size_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::partial_sort(order.begin(), end, order.end(), before);
  order.erase(end, order.end());
  return order;
}

}  // namespace

void check(const SamplingOptions& options) {
  if (!(options.temperature >= 0.0) || !std::isfinite(options.temperature)) {
    refuse("temperature", "0 or a positive number", options.temperature);
  }
  if (options.top_k < 0) {
    refuse("top_k", "0 or a positive integer", static_cast<double>(options.top_k));
  }
  if (!(options.top_p > 0.0) || options.top_p > 1.0) {
    refuse("top_p", "above 0, at most 1", options.top_p);
  }
}

std::size_t sample(std::span<const float> logits, const SamplingOptions& options,
                   RandomStream& random) {
  check(options);
  check_finite(logits);
  if (options.temperature == 0.0) return largest(logits, 1).front();
  const auto k = options.top_k > 0 ? static_cast<std::size_t>(options.top_k) : logits.size();
  const std::vector<std::size_t> order = largest(logits, k);
  std::vector<double> weights;  // of `order`, falling from 1
  for (const std::size_t index : order) {
    const double below = static_cast<double>(logits[index]) - logits[order.front()];
    weights.push_back(std::exp(below / options.temperature));
  }
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (options.top_p < 1.0) {
    double held = 0.0;
    std::size_t kept = 0;
    while (kept < weights.size() && held < options.top_p * total) held += weights[kept++];
    weights.resize(std::max<std::size_t>(kept, 1));
    total = std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  double left = random.uniform() * total;
  for (std::size_t n = 0; n < weights.size(); ++n) {
    left -= weights[n];
    if (left < 0.0) return order[n];
  }
  return order[weights.size() - 1];  // rounding only
}

}  // namespace sinkwise::pretrained
