#include "sinkwise/probes/columns.h"

#include <cmath>
#include <gtest/gtest.h>

#include "sinkwise/ops/attention_reference.h"
#include "unit/nn/tensors.h"

namespace sinkwise::probes {
namespace {

using test::random_tensor;

// What the probe needs of a layer with these queries and keys, and the weights themselves.
struct Layer {
  nn::AttentionRecord record;
  at::Tensor weights;  // [B, H, T, T]
};

Layer layer_of(const at::Tensor& query, const at::Tensor& key, double scale,
               std::optional<std::int64_t> window) {
  ops::ReferenceOptions options;
  options.scale = scale;
  const auto T = query.size(2);
  const auto result =
      ops::reference_attention(query, key, key, {}, {T, T, true, window, {}}, options);
  Layer layer;
  layer.record.query = query, layer.record.key = key, layer.record.lse = result.lse;
  layer.weights = result.weights;
  return layer;
}

void expect_near(const std::vector<double>& found, const at::Tensor& expected, double tolerance) {
  ASSERT_EQ(static_cast<std::int64_t>(found.size()), expected.numel());
  EXPECT_LT(test::largest_difference(at::tensor(found, at::kDouble), expected.view(-1)), tolerance);
}

// 300 rows are three blocks of the probe; the window leaves the first column out of sight of most.
TEST(Columns, AreTheMeansOfTheWeights) {
  for (const std::optional<std::int64_t> window : {std::optional<std::int64_t>(), {7}}) {
    const std::int64_t T = 300;
    const Layer layer =
        layer_of(random_tensor({2, 4, T, 8}, 1), random_tensor({2, 2, T, 8}, 2), 0.7, window);
    ColumnProbe probe(0.7, window);
    at::Tensor marked = at::zeros({2, T}, at::kBool);
    marked[0][5] = true, marked[1][200] = true;
    probe.add(layer.record, marked);
    const ColumnHeads found = probe.result();
    const at::Tensor mass = layer.weights.to(at::kDouble).mean(2);  // [B, H, T]
    const at::Tensor on_marked = layer.weights.to(at::kDouble).sum(2);
    const double rows = window ? 7.0 + 7.0 : 295.0 + 100.0;  // that may see them
    expect_near(found.marked, (on_marked[0].select(1, 5) + on_marked[1].select(1, 200)) / rows,
                1e-6);
    expect_near(found.first, mass.select(2, 0).mean(0), 1e-6);
    expect_near(found.largest, std::get<0>(mass.max(2)).mean(0), 1e-6);
    expect_near(found.top4, std::get<0>(mass.topk(4)).sum(2).mean(0), 1e-6);
    expect_near(found.elsewhere,
                std::get<0>(mass.narrow(2, 1, T - 1).max(2)).mean(0) * (window ? 300.0 / 7.0 : 1.0),
                1e-5);
    expect_near(found.entropy,
                at::special_entr(layer.weights.to(at::kDouble)).sum(-1).mean(2).mean(0), 1e-5);
    expect_near(found.column_mean, mass.mean(at::IntArrayRef{0, 1}), 1e-6);
  }
}

// Every query is the first key times ten: all rows look there. Moved to column 3 the sink is no
// longer first, and is still found.
TEST(Columns, AMovedSinkIsNotMistakenForNone) {
  for (const std::int64_t sink : {0, 3}) {
    at::Tensor key = random_tensor({1, 1, 40, 8}, 3) * 0.1;
    key.select(2, sink).fill_(1.0);
    const at::Tensor query = at::full({1, 1, 40, 8}, 10.0);
    ColumnProbe probe(0.35, std::nullopt);
    probe.add(layer_of(query, key, 0.35, std::nullopt).record);
    const ColumnHeads found = probe.result();
    EXPECT_EQ(found.sink_rate[0], sink == 0 ? 1.0 : 0.0);
    EXPECT_GT(found.largest[0], 0.85);
    EXPECT_EQ(found.elsewhere[0] > 0.85, sink != 0);
  }
}

// Most rows of a layer with a window do not see the first column: they say nothing of a sink there.
TEST(Columns, AWindowDoesNotHideASink) {
  for (const std::int64_t sink : {0, 3}) {
    at::Tensor key = random_tensor({1, 1, 40, 8}, 3) * 0.1;
    key.select(2, sink).fill_(1.0);
    ColumnProbe probe(0.35, 4);
    probe.add(layer_of(at::full({1, 1, 40, 8}, 10.0), key, 0.35, 4).record);
    const ColumnHeads found = probe.result();
    EXPECT_EQ(found.sink_rate[0], sink == 0 ? 1.0 : 0.0);
    EXPECT_EQ(found.elsewhere[0] > 0.85, sink != 0);
  }
}

TEST(Columns, NothingMarkedIsNotMeasured) {
  ColumnProbe probe(1.0, std::nullopt);
  probe.add(
      layer_of(random_tensor({1, 2, 9, 4}, 1), random_tensor({1, 2, 9, 4}, 2), 1.0, {}).record,
      at::zeros({1, 9}, at::kBool));
  EXPECT_TRUE(std::isnan(probe.result().marked[1]));
}

// Keys out of sight may score so high that their weight would overflow.
TEST(Columns, HiddenKeysOfAnySizeDoNotMatter) {
  at::Tensor key = random_tensor({1, 1, 12, 4}, 4);
  key.select(2, 11).fill_(1e4);
  const Layer layer = layer_of(random_tensor({1, 1, 12, 4}, 5).abs(), key, 1.0, std::nullopt);
  ColumnProbe probe(1.0, std::nullopt);
  probe.add(layer.record);
  const ColumnHeads found = probe.result();
  EXPECT_TRUE(std::isfinite(found.entropy[0]));
  expect_near(found.first, layer.weights.to(at::kDouble).mean(2).select(2, 0), 1e-6);
}

}  // namespace
}  // namespace sinkwise::probes
