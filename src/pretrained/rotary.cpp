#include "rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

constexpr std::int64_t kMostChannels = std::int64_t{1} << 16;

// Zero stands for none here.
double number_or(const ConfigReader& p, const char* name, double otherwise) {
  const double number = p.number(name, otherwise);
  return number == 0.0 ? otherwise : number;
}

double yarn_factor(const ConfigReader& p, const RotaryContext& context) {
  return p.number("factor",
                  static_cast<double>(context.now) / static_cast<double>(context.original));
}

// arXiv 2309.00071: channels that turn often within the original context keep their frequency,
// those that turn less than once are slowed down by `factor`, and a ramp lies between.
at::Tensor yarn_frequencies(const ConfigReader& p, const at::Tensor& frequency, double base,
                            const RotaryContext& context) {
  const auto pairs = frequency.size(0);
  const double R = 2.0 * static_cast<double>(pairs), factor = yarn_factor(p, context);
  const auto original = static_cast<double>(context.original);
  // The pair that makes `turns` turns over the original context.
  auto pair_of = [&](double turns) {
    return R * std::log(original / (turns * 2.0 * std::numbers::pi)) / (2.0 * std::log(base));
  };
  double low = pair_of(number_or(p, "beta_fast", 32.0)),
         high = pair_of(number_or(p, "beta_slow", 1.0));
  if (p.flag("truncate", true)) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0), high = std::min(high, R - 1.0);
  if (low == high) high += 0.001;
  const at::Tensor ramp =
      ((at::arange(pairs, at::kDouble) - low) / (high - low)).clamp(0.0, 1.0);  // 1: slowed down
  return frequency / factor * ramp + frequency * (1.0 - ramp);
}

double yarn_scale(const ConfigReader& p, const RotaryContext& context) {
  const double factor = yarn_factor(p, context);
  auto mscale = [&](double weight) {
    return factor <= 1.0 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
  };
  double otherwise = mscale(1.0);
  const double one = p.number("mscale", 0.0), all = p.number("mscale_all_dim", 0.0);
  if (one != 0.0 && all != 0.0) otherwise = mscale(one) / mscale(all);
  return p.number("attention_factor", otherwise);
}

// Llama 3.1: long waves are slowed down by `factor`, short ones kept, and those between blended.
at::Tensor llama3_frequencies(const ConfigReader& p, const at::Tensor& frequency,
                              const RotaryContext& context) {
  const double factor = p.number("factor", 8.0), low = p.number("low_freq_factor", 1.0),
               high = p.number("high_freq_factor", 4.0);
  const auto original = static_cast<double>(context.original);
  if (high == low) p.refuse("high_freq_factor", "another number than low_freq_factor");
  const at::Tensor turns = frequency * (original / (2.0 * std::numbers::pi));
  const at::Tensor kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
  return frequency * kept + frequency / factor * (1.0 - kept);
}

RotaryConfig scaled(const ConfigReader& p, const at::Tensor& frequency, double base,
                    const RotaryContext& context) {
  const std::string type = p.text("rope_type", p.text("type", "default"));
  if (type == "default") return {frequency, 1.0};
  if (type == "linear") return {frequency / p.number("factor", 1.0), 1.0};
  if (type == "llama3") return {llama3_frequencies(p, frequency, context), 1.0};
  if (type == "yarn") {
    return {yarn_frequencies(p, frequency, base, context), yarn_scale(p, context)};
  }
  p.unsupported(p.has("rope_type") ? "rope_type" : "type", "default, linear, llama3 or yarn");
}

}  // namespace

RotaryContext rotary_context(const ConfigReader& config, const ConfigReader& parameters) {
  constexpr const char* kOriginal = "original_max_position_embeddings";
  const std::int64_t now = config.size("max_position_embeddings", 2048);
  return {now, config.size(kOriginal, parameters.size(kOriginal, now))};
}

RotaryConfig rotary_config(const ConfigReader& p, std::int64_t rotary_size, double base,
                           const RotaryContext& context) {
  if (rotary_size < 2 || rotary_size % 2 != 0 || rotary_size > kMostChannels) {
    p.refuse("partial_rotary_factor",
             concat("an even number of channels that turn, up to ", kMostChannels,
                    " (head_dim times this); here they are ", rotary_size));
  }
  if (!(base > 1.0)) p.refuse("rope_theta", "a number above 1");
  if (p.has("factor") && !(p.number("factor", 1.0) > 0.0)) p.refuse("factor", "a positive number");
  const at::Tensor frequency = nn::rotary_frequencies(rotary_size, base);
  RotaryConfig rotary = scaled(p, frequency, base, context);
  if (!at::isfinite(rotary.frequency.sum()).item<bool>() || !std::isfinite(rotary.scale)) {
    p.refuse("rope_type", "scaling by finite numbers; see the members beside it");
  }
  return rotary;
}

ConfigReader rotary_parameters(const ConfigReader& config) {
  const ConfigReader scaling = config.object("rope_scaling");
  return scaling.json().empty() ? config.object("rope_parameters") : scaling;
}

RotaryConfig rotary_of(const ConfigReader& config, std::int64_t rotary_size, double base,
                       const char* name_of_base) {
  const ConfigReader parameters = rotary_parameters(config);
  const double theta = parameters.number("rope_theta", config.number(name_of_base, base));
  return rotary_config(parameters, rotary_size, theta, rotary_context(config, parameters));
}

std::int64_t rotary_size_of(const ConfigReader& config, std::int64_t head_size,
                            const char* name_of_share, double otherwise) {
  constexpr const char* kShare = "partial_rotary_factor";
  const ConfigReader parameters = rotary_parameters(config);
  const double share = parameters.number(kShare, config.number(name_of_share, otherwise));
  if (!(share > 0.0) || share > 1.0) {
    const bool inside = parameters.has(kShare);
    (inside ? parameters : config).refuse(inside ? kShare : name_of_share, "above 0, at most 1");
  }
  return static_cast<std::int64_t>(static_cast<double>(head_size) * share);
}

}  // namespace sinkwise::pretrained
