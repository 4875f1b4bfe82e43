#include "sinkwise/finetune/calibration.h"

#include <gtest/gtest.h>

#include <torch/torch.h>

#include "sinkwise/core/error.h"

namespace sinkwise::finetune {
namespace {

using Mask = std::vector<std::vector<bool>>;

FinetuneConfig config() {
  FinetuneConfig result = FinetuneConfig::defaults(4);
  return result;
}

// Layer 3 is open and even, layer 5 is not.
const at::Tensor kImportance =
    at::tensor({0.95, 0.95, 0.94, 0.96, 0.9, 0.1, 0.4, 0.01}).view({2, 4});

TEST(Calibration, LeavesOutTheMostImportantHeadAndLayersWithNothingToBalance) {
  const Calibration found = calibrate(kImportance, {3, 5}, config());
  EXPECT_EQ(config().balance.shared_heads, 1);
  EXPECT_EQ(found.left_out, (std::vector<std::int64_t>{3}));
  EXPECT_EQ(found.routed, (Mask{{false, false, false, false}, {false, true, true, true}}));
}

TEST(Calibration, SaysWhatAPersonShouldKnow) {
  Calibration found = calibrate(kImportance, {3, 5}, config());
  found.loss_gradient = 0.5;
  found.balance_gradient = 2.5;
  std::string all;
  for (const std::string& line : messages(found, config())) all += line + "\n";
  EXPECT_NE(all.find("nothing to balance in layers 3"), std::string::npos) << all;
  EXPECT_NE(all.find("1 closed heads"), std::string::npos) << all;
  EXPECT_NE(all.find("(5, 3)"), std::string::npos) << all;
  EXPECT_NE(all.find("= 5"), std::string::npos) << all;
  EXPECT_NE(all.find("outweighs"), std::string::npos) << all;
  found.balance_gradient = 0.25;
  EXPECT_EQ(messages(found, config()).back().find("outweighs"), std::string::npos);
}

TEST(Calibration, SaysWhenAStepIsReadTwice) {
  const Calibration found = calibrate(kImportance, {3, 5}, config());
  const auto said = [&](const FinetuneConfig& changed) {
    return messages(found, changed).back().find("twice") != std::string::npos;
  };
  EXPECT_FALSE(said(config()));  // the default is one pass
  FinetuneConfig cut = config();
  cut.train.micro_rows = 1;
  EXPECT_TRUE(said(cut));
  cut.balance.scope = objectives::BalanceScope::micro_batch;
  EXPECT_FALSE(said(cut));
}

TEST(Calibration, SurvivesItsFile) {
  const Calibration found = calibrate(kImportance, {3, 5}, config());
  const Calibration read = calibration_of(to_json(found), "here");
  EXPECT_EQ(read.importance, found.importance);
  EXPECT_EQ(read.routed, found.routed);
  EXPECT_EQ(read.left_out, found.left_out);
  EXPECT_THROW(calibration_of(nlohmann::json::object(), "here"), BadFile);
}

TEST(Watch, ComparesGatesWithTheStart) {
  const std::vector<std::vector<double>> start{{0.9, 0.1, 0.4, 0.2}}, now{{0.5, 0.95, 0.7, 0.3}};
  const Mask routed{{false, true, true, true}};
  const Watch seen = watch(now, start, routed);
  EXPECT_NEAR(seen.routed_mean, (0.95 + 0.7 + 0.3) / 3, 1e-12);
  EXPECT_NEAR(seen.shared_mean, 0.5, 1e-12);
  EXPECT_NEAR(seen.minimum, 0.3, 1e-12);
  EXPECT_NEAR(seen.share_open, 0.25, 1e-12);
  EXPECT_NEAR(seen.overlap, 0.0, 1e-12);
  EXPECT_NEAR(seen.routed_rise, (0.95 + 0.7 + 0.3) / 3 - 0.7 / 3, 1e-12);
  ASSERT_EQ(seen.warnings().size(), 1u);
  EXPECT_NE(seen.warnings()[0].find("drift open"), std::string::npos);
  EXPECT_TRUE(watch(start, start, routed).warnings().empty());
  EXPECT_EQ(watch({{0.95, 0.95, 0.95, 0.95}}, {{0.95, 0.95, 0.95, 0.95}}, routed).warnings().size(),
            1u);
}

}  // namespace
}  // namespace sinkwise::finetune
