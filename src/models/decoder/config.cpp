#include "sinkwise/models/decoder/config.h"

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::models {
namespace {

void at_least_one(std::int64_t value, const char* key) {
  if (value >= 1) return;
  throw BadArgument({"decoder: a size is not positive", key, "at least 1", concat(value), ""});
}

}  // namespace

void check(const DecoderConfig& c) {
  at_least_one(c.layers, "model.layers");
  at_least_one(c.context_length, "model.context_length");
  at_least_one(c.mlp_hidden, "model.mlp_hidden");
  at_least_one(c.attention.width, "model.width");
  at_least_one(std::max(c.vocabulary, c.feature_size), "vocabulary");
  if (c.vocabulary > 0 && c.feature_size > 0) {
    throw BadArgument({"decoder: it reads either tokens or features", "vocabulary, feature_size",
                       "one of them 0", concat(c.vocabulary, " and ", c.feature_size), ""});
  }
  if (c.positions == Positions::rotary && c.attention.head_size % 2 != 0) {
    throw BadArgument({"decoder: rotary positions need an even head size", "model.head_size",
                       "even", concat(c.attention.head_size),
                       "choose model.positions = \"learned\""});
  }
  if (c.tied_embedding && c.vocabulary == 0) {
    throw BadArgument({"decoder: features have no embedding to tie", "model.tied_embedding",
                       "false", "true", ""});
  }
  for (std::int64_t layer : c.windowed_layers) {
    if (layer >= 0 && layer < c.layers) continue;
    throw BadArgument({"decoder: no such layer", "model.windowed_layers",
                       concat("0 to ", c.layers - 1), concat(layer), ""});
  }
}

ModelCost cost(const DecoderConfig& c) {
  const auto& a = c.attention;
  const std::int64_t inner = a.heads * a.head_size, key_inner = a.key_heads * a.head_size;
  std::int64_t attention =
      a.width * (2 * inner + 2 * key_inner);  // weights of one layer's matrices
  if (a.mechanism == nn::Mechanism::gated_headwise) attention += a.width * a.heads;
  if (a.mechanism == nn::Mechanism::gated_elementwise) attention += a.width * inner;
  const std::int64_t mlp = c.mlp_hidden * a.width * (c.mlp == nn::MlpKind::swiglu ? 3 : 2);
  std::int64_t small = 2 * a.width;  // norms of one layer
  if (a.qk_norm) small += 2 * a.head_size;
  if (a.mechanism == nn::Mechanism::sink) small += a.heads;

  const std::int64_t symbols = std::max(c.vocabulary, c.feature_size);
  const std::int64_t matrices =
      c.layers * (attention + mlp) + symbols * a.width;  // output included
  // Tokens are looked up; features go through a matrix.
  const std::int64_t embedding = c.vocabulary > 0 ? 0 : c.feature_size * a.width;
  ModelCost result;
  result.parameters = matrices + c.layers * small + a.width;
  if (!c.tied_embedding) result.parameters += symbols * a.width;
  if (c.positions == Positions::learned) result.parameters += c.context_length * a.width;
  // Scores and weighted values: 2 products of T / 2 keys of inner channels for each token.
  const double mixing =
      2.0 * static_cast<double>(c.layers * inner) * static_cast<double>(c.context_length);
  result.forward_flops_per_token = 2.0 * static_cast<double>(matrices + embedding) + mixing;
  return result;
}

}  // namespace sinkwise::models
