#include "sinkwise/probes/geometry.h"

#include <gtest/gtest.h>

#include "unit/nn/tensors.h"

namespace sinkwise::probes {
namespace {

using test::random_tensor;

double cosine(const at::Tensor& a, const at::Tensor& b) {
  return (a.dot(b) / (a.norm() * b.norm())).item<double>();
}

TEST(Geometry, FollowsItsDefinitions) {
  const std::int64_t B = 2, T = 9, D = 6;
  nn::AttentionRecord record;
  record.query = random_tensor({B, 4, T, D}, 1), record.key = random_tensor({B, 2, T, D}, 2);
  GeometryProbe probe;
  probe.add(record);
  const GeometryHeads found = probe.result();
  for (std::int64_t h = 0; h < 4; ++h) {
    double first = 0.0, others = 0.0, first_norm = 0.0, other_norm = 0.0;
    double norms_first = 0.0, norms_others = 0.0;
    for (std::int64_t b = 0; b < B; ++b) {
      const at::Tensor query = record.query[b][h], key = record.key[b][h / 2];
      first_norm += key[0].norm().item<double>();
      for (std::int64_t j = 1; j < T; ++j) other_norm += key[j].norm().item<double>() / (T - 1);
      for (std::int64_t i = 1; i < T; ++i) {
        first += cosine(query[i], key[0]);
        norms_first += (query[i].norm() * key[0].norm()).item<double>();
        for (std::int64_t j = 1; j < T; ++j) {
          others += cosine(query[i], key[j]) / (T - 1);
          norms_others += (query[i].norm() * key[j].norm()).item<double>() / (T - 1);
        }
      }
    }
    const auto at = static_cast<std::size_t>(h);
    EXPECT_NEAR(found.cosine_first[at], first / (B * (T - 1)), 1e-6);
    EXPECT_NEAR(found.cosine_others[at], others / (B * (T - 1)), 1e-6);
    EXPECT_NEAR(found.norms_first[at], norms_first / (B * (T - 1)), 1e-5);
    EXPECT_NEAR(found.norms_others[at], norms_others / (B * (T - 1)), 1e-5);
    EXPECT_NEAR(found.key_norm_ratio[at], first_norm / other_norm, 1e-6);
  }
}

// Keys along three orthogonal directions, equally often: three equal singular values. Along one: a
// rank of 1, whatever the lengths.
TEST(Geometry, EffectiveRankCountsDirections) {
  nn::AttentionRecord record;
  record.query = random_tensor({1, 1, 30, 8}, 1);
  record.key = at::zeros({1, 1, 30, 8});
  for (std::int64_t t = 0; t < 30; ++t) record.key[0][0][t][t % 3] = 2.0;
  GeometryProbe three;
  three.add(record);
  EXPECT_NEAR(three.result().key_rank[0], 3.0, 1e-6);
  record.key = (at::rand({1, 1, 30, 1}) + 0.1) * random_tensor({8}, 7);
  GeometryProbe one;
  one.add(record);
  EXPECT_NEAR(one.result().key_rank[0], 1.0, 0.01);
}

}  // namespace
}  // namespace sinkwise::probes
