#include "sinkwise/nn/attention.h"

#include <cmath>
#include <gtest/gtest.h>
#include <set>

#include "sinkwise/core/error.h"
#include "unit/nn/tensors.h"

namespace sinkwise::nn {
namespace {

using test::largest_difference;
using test::random_tensor;
using test::same_bits;

const std::vector<Mechanism> kAll = {
    Mechanism::vanilla,
    Mechanism::sink,
    Mechanism::gated_headwise,
    Mechanism::gated_elementwise,
    Mechanism::softmax_plus_one,
    Mechanism::sigmoid,
    Mechanism::relu,
};
const std::vector<Mechanism> kSoftmax(kAll.begin(), kAll.begin() + 5);

AttentionConfig small(Mechanism mechanism) {
  AttentionConfig config;
  config.width = 12;
  config.heads = 4;
  config.key_heads = 2;
  config.head_size = 6;
  config.mechanism = mechanism;
  return config;
}

std::shared_ptr<Attention> make(const AttentionConfig& config, std::uint64_t seed = 5) {
  auto layer = std::make_shared<Attention>(config);
  test::randomise(*layer, seed);
  return layer;
}

AttentionInput input_of(const at::Tensor& x) {
  AttentionInput input;
  input.x = x;
  return input;
}

// Two rows of packed documents of lengths 3, 1, 5 and 9.
at::Tensor documents() {
  return at::tensor({0, 0, 0, 3, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}, at::kLong).view({2, 9});
}

// The weight of each row's first key, out of the whole matrix of weights.
at::Tensor first_weight(const at::Tensor& weights, const at::Tensor& document_start) {
  const auto T = weights.size(2);
  const at::Tensor start =
      document_start.defined() ? document_start : at::zeros({weights.size(0), T}, at::kLong);
  const at::Tensor index = start.view({-1, 1, T, 1}).expand({-1, weights.size(1), T, 1});
  return weights.gather(-1, index).squeeze(-1);
}

TEST(Attention, TheImplicitGateIsOneMinusAWeight) {
  torch::NoGradGuard no_grad;
  for (const Mechanism mechanism :
       {Mechanism::vanilla, Mechanism::sink, Mechanism::softmax_plus_one, Mechanism::sigmoid,
        Mechanism::relu}) {
    for (const bool packed : {false, true}) {
      for (const std::int64_t window : {0, 4}) {
        SCOPED_TRACE(name(mechanism) + (packed ? " packed" : "") + std::to_string(window));
        AttentionConfig config = small(mechanism);
        if (window > 0) config.window = window;
        const auto layer = make(config);
        AttentionInput input = input_of(random_tensor({2, 9, 12}, 1));
        if (packed) input.document_start = documents();
        input.observe.gate = true;
        const AttentionRecord fast = layer->forward(input).record;
        input.observe.weights = true;
        const at::Tensor weights = layer->forward(input).record.weights;
        const at::Tensor total = weights.sum(-1);
        const at::Tensor first = first_weight(weights, input.document_start);
        at::Tensor expected = total;  // all that the sink, which has no column, leaves
        if (mechanism == Mechanism::vanilla) expected = 1.0 - first;
        if (mechanism == Mechanism::sigmoid || mechanism == Mechanism::relu) {
          expected = at::where(total > 0, 1.0 - first / total.clamp_min(1e-20), 0.0 * total);
        }
        EXPECT_LT(largest_difference(fast.gate, expected), 1e-6);
        EXPECT_GT(expected.std().item<double>(), 0.05);  // a constant would prove little
      }
    }
  }
}

TEST(Attention, TheFusedLayerEqualsTheOneThatShowsItsWeights) {
  torch::NoGradGuard no_grad;
  for (const Mechanism mechanism : kSoftmax) {
    SCOPED_TRACE(name(mechanism));
    const auto layer = make(small(mechanism));
    AttentionInput input = input_of(random_tensor({2, 9, 12}, 2));
    input.document_start = documents();
    input.observe = {.gate = true, .first_key_weight = true};
    const AttentionOutput fast = layer->forward(input);
    input.observe.weights = true;
    const AttentionOutput plain = layer->forward(input);
    EXPECT_LT(largest_difference(fast.y, plain.y), 1e-5);
    EXPECT_LT(largest_difference(fast.record.gate, plain.record.gate), 1e-6);
    const at::Tensor first = first_weight(plain.record.weights, input.document_start);
    EXPECT_LT(largest_difference(fast.record.first_key_weight, first), 1e-6);
    EXPECT_LT(largest_difference(plain.record.first_key_weight, first), 1e-6);
  }
}

// The layer written out a second time, in float64, from its parameters' names.
at::Tensor by_hand(const Attention& layer, const at::Tensor& x) {
  const AttentionConfig& c = layer.config();
  const auto parameters = layer.named_parameters();
  auto apply = [&](const char* name) {
    return x.matmul(parameters[std::string(name) + ".weight"].to(at::kDouble).t());
  };
  auto normed = [&](const at::Tensor& head, const char* name) {
    if (!c.qk_norm) return head;
    const at::Tensor weight = parameters[std::string(name) + ".weight"].to(at::kDouble);
    return head / (head.square().mean(-1, true) + 1e-6).sqrt() * weight;
  };
  const at::Tensor query = apply("q_proj"), key = apply("k_proj"), value = apply("v_proj");
  const at::Tensor future = at::ones({x.size(1), x.size(1)}, at::kBool).triu(1);
  std::vector<at::Tensor> heads;
  for (std::int64_t h = 0; h < c.heads; ++h) {
    const auto D = c.head_size, k = h / (c.heads / c.key_heads);
    const at::Tensor q = normed(query.narrow(-1, h * D, D), "q_norm");
    const at::Tensor kk = normed(key.narrow(-1, k * D, D), "k_norm");
    at::Tensor weights = (q.matmul(kk.transpose(1, 2)) / std::sqrt(static_cast<double>(D)))
                             .masked_fill(future, -std::numeric_limits<double>::infinity())
                             .exp();
    at::Tensor total = weights.sum(-1, true);
    if (c.mechanism == Mechanism::sink) {
      total = total + parameters["sinks"][h].to(at::kDouble).exp();
    }
    if (c.mechanism == Mechanism::softmax_plus_one) total = total + 1.0;
    at::Tensor out = (weights / total).matmul(value.narrow(-1, k * D, D));
    if (c.mechanism == Mechanism::gated_headwise) {
      out = out * apply("gate_proj").narrow(-1, h, 1).sigmoid();
    }
    if (c.mechanism == Mechanism::gated_elementwise) {
      out = out * apply("gate_proj").narrow(-1, h * D, D).sigmoid();
    }
    heads.push_back(out);
  }
  return at::cat(heads, -1).matmul(parameters["o_proj.weight"].to(at::kDouble).t());
}

TEST(Attention, EqualsTheLayerWrittenByHand) {
  torch::NoGradGuard no_grad;
  for (const Mechanism mechanism : kSoftmax) {
    for (const bool qk_norm : {false, true}) {
      SCOPED_TRACE(name(mechanism) + (qk_norm ? " qk_norm" : ""));
      AttentionConfig config = small(mechanism);
      config.qk_norm = qk_norm;
      const auto layer = make(config);
      const at::Tensor x = random_tensor({2, 7, 12}, 3, at::kDouble);
      // An explicit gate is formed in float32, whatever the activations are.
      const double bound = is_gated(mechanism) ? 1e-6 : 1e-12;
      EXPECT_LT(largest_difference(layer->forward(input_of(x)).y, by_hand(*layer, x)), bound);
    }
  }
}

TEST(Attention, ExplicitGatesAreTheSigmoidOfTheirProjection) {
  torch::NoGradGuard no_grad;
  const at::Tensor x = random_tensor({2, 5, 12}, 4);
  AttentionInput input = input_of(x);
  input.observe.gate = true;
  for (const Mechanism mechanism : {Mechanism::gated_headwise, Mechanism::gated_elementwise}) {
    const auto layer = make(small(mechanism));
    const at::Tensor weight = layer->named_parameters()["gate_proj.weight"];
    const at::Tensor gates = x.matmul(weight.t()).sigmoid().view({2, 5, 4, -1}).mean(-1);
    const AttentionRecord record = layer->forward(input).record;
    EXPECT_LT(largest_difference(record.gate, gates.transpose(1, 2)), 1e-6);
    EXPECT_TRUE(record.informative.all().item<bool>());  // never fixed by construction
  }
}

TEST(Attention, SinkLogitsCloseTheGate) {
  torch::NoGradGuard no_grad;
  const auto layer = make(small(Mechanism::sink));
  at::Tensor sinks = layer->named_parameters()["sinks"];
  AttentionInput input = input_of(random_tensor({1, 6, 12}, 6));
  input.observe.gate = true;
  at::Tensor last = at::ones({1, 4, 6});
  for (const double logit : {-4.0, -1.0, 0.0, 2.0, 5.0}) {
    sinks.fill_(logit);
    const at::Tensor gate = layer->forward(input).record.gate;
    EXPECT_TRUE((gate < last).all().item<bool>()) << logit;
    last = gate;
  }
  sinks.fill_(80.0);
  EXPECT_LT(layer->forward(input).y.abs().max().item<double>(), 1e-20);
  sinks.fill_(-80.0);
  const auto plain = std::make_shared<Attention>(small(Mechanism::vanilla));
  for (auto& item : plain->named_parameters()) {
    item.value().copy_(layer->named_parameters()[item.key()]);
  }
  EXPECT_LT(largest_difference(layer->forward(input).y, plain->forward(input).y), 1e-6);
}

TEST(Attention, SoftmaxPlusOneIsASinkThatStaysAtZero) {
  torch::NoGradGuard no_grad;
  const auto control = make(small(Mechanism::softmax_plus_one));
  const auto sink = std::make_shared<Attention>(small(Mechanism::sink));  // sink_init is 0
  EXPECT_EQ(control->named_parameters().find("sinks"), nullptr);
  for (auto& item : control->named_parameters()) {
    sink->named_parameters()[item.key()].copy_(item.value());
  }
  AttentionInput input = input_of(random_tensor({2, 6, 12}, 7));
  input.observe.gate = true;
  const AttentionOutput a = control->forward(input), b = sink->forward(input);
  EXPECT_TRUE(same_bits(a.y, b.y));
  EXPECT_TRUE(same_bits(a.record.gate, b.record.gate));
}

TEST(Attention, SinksStartWhereTheConfigurationSays) {
  AttentionConfig config = small(Mechanism::sink);
  config.sink_init = 3.0;
  const Attention layer(config);
  EXPECT_TRUE(same_bits(layer.named_parameters()["sinks"], at::full({4}, 3.0f)));
}

// Runs of each path that one forward pass of this layer causes.
std::pair<std::int64_t, std::int64_t> runs(const Attention& layer, const AttentionInput& input) {
  const auto kernel = ops::path_runs(ops::Path::kernel);
  const auto reference = ops::path_runs(ops::Path::reference);
  layer.forward(input);
  return {ops::path_runs(ops::Path::kernel) - kernel,
          ops::path_runs(ops::Path::reference) - reference};
}

TEST(Attention, TakesTheFusedPathUnlessItCannot) {
  torch::NoGradGuard no_grad;
  AttentionInput input = input_of(random_tensor({1, 6, 12}, 8));
  using Runs = std::pair<std::int64_t, std::int64_t>;
  for (const Mechanism mechanism : kAll) {
    SCOPED_TRACE(name(mechanism));
    const bool control = mechanism == Mechanism::sigmoid || mechanism == Mechanism::relu;
    const auto layer = make(small(mechanism));
    input.observe = {.gate = true, .first_key_weight = true, .value_norm = true};
    EXPECT_EQ(runs(*layer, input).first, control ? 0 : 1);
    input.observe.weights = true;
    EXPECT_EQ(runs(*layer, input).first, 0);
    input.observe.weights = false;
    input.paths = ops::PathSet::only(ops::Path::reference);
    if (!control) {
      EXPECT_EQ(runs(*layer, input), (Runs{0, 1}));
    }
    input.paths = {};
  }
  // A bias on the first key's score is something only the readable path knows.
  AttentionConfig biased = small(Mechanism::vanilla);
  biased.gate_bias = true;
  EXPECT_EQ(runs(*make(biased), input).first, 0);
}

// Rows of y that change when the token at `position` of the first batch row does.
std::vector<bool> changed_rows(const Attention& layer, AttentionInput input,
                               std::int64_t position) {
  const at::Tensor before = layer.forward(input).y;
  input.x = input.x.clone();
  input.x[0][position].add_(1.0);
  const at::Tensor after = layer.forward(input).y;
  EXPECT_TRUE(same_bits(before[1], after[1]));
  std::vector<bool> changed;
  for (std::int64_t t = 0; t < input.x.size(1); ++t) {
    changed.push_back(!same_bits(before[0][t], after[0][t]));
  }
  return changed;
}

TEST(Attention, WindowsAndDocumentsIsolateBitForBit) {
  torch::NoGradGuard no_grad;
  using Rows = std::vector<bool>;
  for (const Mechanism mechanism : kAll) {
    for (const bool plain : {false, true}) {
      SCOPED_TRACE(name(mechanism) + (plain ? " reference" : ""));
      AttentionInput input = input_of(random_tensor({2, 9, 12}, 9));
      if (plain) input.paths = ops::PathSet::only(ops::Path::reference);
      AttentionConfig config = small(mechanism);
      // Gates above 0 everywhere, so that every row that may see the token does: relu would not.
      const bool sees_all = mechanism != Mechanism::relu;
      const Rows causal = changed_rows(*make(config), input, 5);
      for (int t = 0; t < 5; ++t) EXPECT_FALSE(causal[t]);
      if (sees_all) {
        EXPECT_EQ(causal, (Rows{0, 0, 0, 0, 0, 1, 1, 1, 1}));
      }
      config.window = 3;
      const Rows windowed = changed_rows(*make(config), input, 2);
      for (const int t : {0, 1, 5, 6, 7, 8}) EXPECT_FALSE(windowed[t]);
      if (sees_all) {
        EXPECT_EQ(windowed, (Rows{0, 0, 1, 1, 1, 0, 0, 0, 0}));
      }
      config.window.reset();
      input.document_start = documents();
      const Rows packed = changed_rows(*make(config), input, 1);
      for (const int t : {0, 3, 4, 5, 6, 7, 8}) EXPECT_FALSE(packed[t]);
      if (sees_all) {
        EXPECT_EQ(packed, (Rows{0, 1, 1, 0, 0, 0, 0, 0, 0}));
      }
    }
  }
}

TEST(Attention, GroupedHeadsEqualRepeatedKeyHeads) {
  torch::NoGradGuard no_grad;
  const AttentionInput input = input_of(random_tensor({2, 9, 12}, 10));
  for (const Mechanism mechanism : kAll) {
    SCOPED_TRACE(name(mechanism));
    const auto grouped = make(small(mechanism));
    AttentionConfig config = small(mechanism);
    config.key_heads = 4;
    const Attention full(config);
    for (auto& item : grouped->named_parameters()) {
      at::Tensor value = item.value();
      if (item.key() == "k_proj.weight" || item.key() == "v_proj.weight") {
        value = value.view({2, 6, 12}).repeat_interleave(2, 0).reshape({24, 12});
      }
      full.named_parameters()[item.key()].copy_(value);
    }
    EXPECT_LT(largest_difference(grouped->forward(input).y, full.forward(input).y), 1e-5);
  }
}

TEST(Attention, AHeadScaleOfZeroRemovesExactlyOneHead) {
  torch::NoGradGuard no_grad;
  for (const Mechanism mechanism : kAll) {
    SCOPED_TRACE(name(mechanism));
    const auto layer = make(small(mechanism));
    AttentionInput input = input_of(random_tensor({2, 5, 12}, 11));
    const at::Tensor whole = layer->forward(input).y;
    input.head_scale = at::ones({4});
    EXPECT_TRUE(same_bits(layer->forward(input).y, whole));
    input.head_scale[2] = 0.0;
    input.observe.output_norm = true;
    const AttentionOutput without = layer->forward(input);
    for (std::int64_t h = 0; h < 4; ++h) {
      EXPECT_EQ(without.record.output_norm[0][h].max().item<double>() > 0.0, h != 2);
    }
    // The same layer without that head's columns of the output projection.
    input.head_scale = at::Tensor();
    layer->named_parameters()["o_proj.weight"].narrow(1, 2 * 6, 6).zero_();
    EXPECT_LT(largest_difference(without.y, layer->forward(input).y), 1e-5);
    EXPECT_GT(largest_difference(without.y, whole), 1e-3);
  }
}

TEST(Attention, AHigherGateBiasOpensItsHeadAndNoOther) {
  torch::NoGradGuard no_grad;
  for (const Mechanism mechanism : {Mechanism::vanilla, Mechanism::sink, Mechanism::gated_headwise,
                                    Mechanism::gated_elementwise}) {
    SCOPED_TRACE(name(mechanism));
    AttentionConfig config = small(mechanism);
    config.gate_bias = true;
    const auto layer = make(config);
    AttentionInput input = input_of(random_tensor({2, 6, 12}, 12));
    input.observe.gate = true;
    const AttentionRecord before = layer->forward(input).record;
    layer->gate_bias[1] = 1.5;
    const AttentionRecord after = layer->forward(input).record;
    const at::Tensor rows = before.informative.expand({2, 6});
    for (std::int64_t h = 0; h < 4; ++h) {
      const at::Tensor was = before.gate.select(1, h), is = after.gate.select(1, h);
      if (h != 1) {
        EXPECT_TRUE(same_bits(was, is));
        continue;
      }
      EXPECT_TRUE((is > was).masked_select(rows).all().item<bool>());
      if (mechanism == Mechanism::gated_elementwise) continue;  // a mean of sigmoids has no logit
      const at::Tensor moved = (at::logit(is) - at::logit(was)).masked_select(rows);
      EXPECT_LT(largest_difference(moved, at::full_like(moved, 1.5)), 1e-3);
    }
  }
  EXPECT_FALSE(make(small(Mechanism::sink))->gate_bias.defined());
}

TEST(Attention, GateBiasesHaveNoGradientAndAreSaved) {
  AttentionConfig config = small(Mechanism::gated_headwise);
  config.gate_bias = true;
  const auto layer = make(config);
  EXPECT_EQ(layer->named_parameters().find("gate_bias"), nullptr);
  EXPECT_TRUE(same_bits(layer->named_buffers()["gate_bias"], at::zeros({4})));
  layer->forward(input_of(random_tensor({1, 3, 12}, 13))).y.sum().backward();
  EXPECT_FALSE(layer->gate_bias.grad().defined());
}

TEST(Attention, RecordsHoldWhatWasAskedForAndNothingElse) {
  torch::NoGradGuard no_grad;
  for (const Mechanism mechanism : kAll) {
    SCOPED_TRACE(name(mechanism));
    const auto layer = make(small(mechanism));
    AttentionInput input = input_of(random_tensor({2, 5, 12}, 14));
    const AttentionOutput bare = layer->forward(input);
    EXPECT_FALSE(bare.record.gate.defined());
    EXPECT_FALSE(bare.record.informative.defined());
    EXPECT_FALSE(bare.record.first_key_weight.defined());
    EXPECT_FALSE(bare.record.weights.defined());
    EXPECT_FALSE(bare.record.value_norm.defined());
    EXPECT_FALSE(bare.record.output_norm.defined());
    input.observe = {
        .gate = true, .first_key_weight = true, .value_norm = true, .output_norm = true};
    const AttentionOutput seen = layer->forward(input);
    EXPECT_TRUE(same_bits(seen.y, bare.y));  // looking changes nothing
    EXPECT_EQ(seen.record.gate.sizes(), (at::IntArrayRef{2, 4, 5}));
    EXPECT_FALSE(seen.record.weights.defined());
    const at::Tensor value = input.x.matmul(layer->named_parameters()["v_proj.weight"].t());
    const at::Tensor norm = value.view({2, 5, 2, 6}).norm(2, -1).transpose(1, 2);
    EXPECT_LT(largest_difference(seen.record.value_norm, norm), 1e-5);
  }
}

TEST(Attention, KeepsNothingBetweenCalls) {
  torch::NoGradGuard no_grad;
  const AttentionInput first = input_of(random_tensor({2, 9, 12}, 15));
  AttentionInput second = input_of(random_tensor({1, 4, 12}, 16));
  second.observe = {.gate = true, .weights = true, .output_norm = true};
  for (const Mechanism mechanism : kAll) {
    SCOPED_TRACE(name(mechanism));
    const auto layer = make(small(mechanism));
    const auto parameters = test::snapshot(*layer);
    AttentionOutput fresh = make(small(mechanism))->forward(second);
    layer->forward(first);
    AttentionOutput output = layer->forward(second);
    EXPECT_TRUE(same_bits(output.y, fresh.y));
    EXPECT_TRUE(same_bits(output.record.gate, fresh.record.gate));
    EXPECT_TRUE(same_bits(parameters, test::snapshot(*layer)));
    EXPECT_EQ(output.record.weights.use_count(), 1u);  // nobody else holds the matrix
    EXPECT_EQ(output.record.output_norm.use_count(), 1u);
  }
}

TEST(Attention, BFloat16KeepsGatesAndGradientsInFloat32) {
  for (const Mechanism mechanism : kAll) {
    SCOPED_TRACE(name(mechanism));
    const auto layer = make(small(mechanism));
    const at::Tensor x = random_tensor({2, 9, 12}, 17);
    AttentionInput input = input_of(x.to(at::kBFloat16));
    input.observe.gate = true;
    const AttentionOutput low = layer->forward(input);
    EXPECT_EQ(low.y.scalar_type(), at::kBFloat16);
    EXPECT_EQ(low.record.gate.scalar_type(), at::kFloat);
    (low.y.to(at::kFloat).sum() + low.record.gate.sum()).backward();
    for (auto& item : layer->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << item.key();
      EXPECT_EQ(item.value().grad().scalar_type(), at::kFloat) << item.key();
    }
    input.x = x.to(at::kBFloat16).to(at::kFloat);
    const at::Tensor exact = layer->forward(input).y;
    const double size = exact.abs().max().item<double>();
    EXPECT_LT(largest_difference(low.y, exact), 0.03 * size);
  }
}

TEST(Attention, RefusesSizesThatDoNotFit) {
  auto broken = [](auto change) {
    AttentionConfig config = small(Mechanism::vanilla);
    change(config);
    EXPECT_THROW(Attention{config}, BadArgument);
  };
  broken([](AttentionConfig& c) { c.heads = 0; });
  broken([](AttentionConfig& c) { c.key_heads = 3; });
  broken([](AttentionConfig& c) { c.key_heads = 0; });
  broken([](AttentionConfig& c) { c.head_size = 0; });
}

TEST(Attention, EveryMechanismHasOneNameAndRecipesKnowIt) {
  ASSERT_EQ(mechanism_names().size(), kAll.size());
  for (const auto& [text, mechanism] : mechanism_names()) EXPECT_EQ(name(mechanism), text);
  EXPECT_EQ(name(Mechanism::gated_headwise), "gated_headwise");
  EXPECT_EQ(name(Mechanism::softmax_plus_one), "softmax_plus_one");
}

// Text by text through a cache, over several growths of its room, is the whole text at once.
TEST(KeyValueCache, ContinuesAcrossEveryGrowth) {
  const torch::NoGradGuard no_grad;
  for (const Mechanism mechanism : kAll) {
    SCOPED_TRACE(name(mechanism));
    const auto layer = make(small(mechanism));
    const at::Tensor x = random_tensor({2, 200, 12}, 31);
    const RotaryTable rotary = RotaryTable::make(200, 6, 1e4);
    AttentionInput whole;
    whole.x = x;
    whole.rotary = &rotary;
    KeyValueCache cache;
    std::vector<at::Tensor> parts;
    for (std::int64_t from = 0, count = 7; from < 200; from += count, count = from % 5 + 1) {
      AttentionInput part;
      part.x = x.narrow(1, from, std::min<std::int64_t>(count, 200 - from));
      part.rotary = &rotary;
      part.cache = &cache;
      parts.push_back(layer->forward(part).y);
    }
    EXPECT_EQ(cache.length(), 200);
    // Sums of at most 200 terms, in another order: so many roundings of 2^-24.
    const at::Tensor expected = layer->forward(whole).y;
    const double limit = 200 * std::ldexp(1.0, -24) * expected.abs().max().item<double>();
    EXPECT_LT(largest_difference(at::cat(parts, 1), expected), limit);
  }
}

// What a token costs is its own position: between growths, nothing else is written.
TEST(KeyValueCache, ATokenWritesItsOwnPositionAlone) {
  const torch::NoGradGuard no_grad;
  const auto layer = make(small(Mechanism::vanilla));
  KeyValueCache cache;
  std::set<const void*> rooms;
  for (std::int64_t t = 0; t < 500; ++t) {
    AttentionInput input;
    input.x = random_tensor({1, 1, 12}, 40);
    input.cache = &cache;
    layer->forward(input);
    rooms.insert(cache.key.const_data_ptr());
    EXPECT_EQ(cache.key.const_data_ptr(), cache.key_room.const_data_ptr());
  }
  EXPECT_LE(rooms.size(), 4U);  // of 64, 128, 256 and 512 positions
}

}  // namespace
}  // namespace sinkwise::nn
