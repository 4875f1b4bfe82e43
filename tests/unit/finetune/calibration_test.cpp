#include "sinkwise/finetune/calibration.h"

#include <gtest/gtest.h>

#include <torch/torch.h>

#include "sinkwise/core/error.h"

namespace sinkwise::finetune {
namespace {

using Mask = std::vector<std::vector<bool>>;

FinetuneConfig config() {
  FinetuneConfig result = FinetuneConfig::defaults(4, Method::lora);
  return result;
}

// Layer 3 is open and even, layer 5 is not.
const at::Tensor kImportance =
    at::tensor({0.95, 0.95, 0.94, 0.96, 0.9, 0.1, 0.4, 0.01}).view({2, 4});

TEST(Calibration, LeavesOutTheMostImportantHeadAndLayersWithNothingToBalance) {
  const Calibration found = calibrate(kImportance, {3, 5}, config(), false);
  EXPECT_EQ(config().balance.shared_heads, 1);
  EXPECT_EQ(found.left_out, (std::vector<std::int64_t>{3}));
  EXPECT_EQ(found.routed, (Mask{{false, false, false, false}, {false, true, true, true}}));
}

TEST(Calibration, SaysWhatAPersonShouldKnow) {
  Calibration found = calibrate(kImportance, {3, 5}, config(), false);
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
  const Calibration found = calibrate(kImportance, {3, 5}, config(), false);
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

// A conversion begins with open gates everywhere, and a choice that is made anew is of every layer.
TEST(Calibration, LeavesNoLayerOutWhereTheStartSaysNothing) {
  FinetuneConfig anew = config();
  anew.balance.shared_choice = objectives::SharedChoice::recomputed;
  for (const Calibration& found : {calibrate(kImportance, {3, 5}, config(), /*converted=*/true),
                                   calibrate(kImportance, {3, 5}, anew, /*converted=*/false)}) {
    EXPECT_TRUE(found.left_out.empty());
    EXPECT_EQ(found.routed[0], (std::vector<bool>{true, true, true, false}));
  }
}

TEST(Calibration, SaysWhatCannotHappen) {
  const auto said = [&](const Calibration& found, const FinetuneConfig& of, const char* text) {
    std::string all;
    for (const std::string& line : messages(found, of)) all += line + "\n";
    return all.find(text) != std::string::npos;
  };
  const Calibration open = calibrate(at::full({2, 4}, 0.95), {3, 5}, config(), false);
  EXPECT_TRUE(said(open, config(), "no layer is left to balance"));
  EXPECT_FALSE(said(calibrate(kImportance, {3, 5}, config(), false), config(), "no layer is left"));
  FinetuneConfig converted = config();
  converted.mechanism = nn::Mechanism::sink;
  EXPECT_TRUE(said(calibrate(kImportance, {3, 5}, converted, true), converted, "all but shut"));
  converted.mechanism_start = -0.05;
  EXPECT_FALSE(said(calibrate(kImportance, {3, 5}, converted, true), converted, "all but shut"));
}

TEST(Calibration, SurvivesItsFile) {
  const Calibration found = calibrate(kImportance, {3, 5}, config(), false);
  const Calibration read = calibration_of(to_json(found), "here");
  EXPECT_EQ(read.importance, found.importance);
  EXPECT_EQ(read.routed, found.routed);
  EXPECT_EQ(read.left_out, found.left_out);
  EXPECT_THROW(calibration_of(nlohmann::json::object(), "here"), BadFile);
}

// Heads of a layer that is left out are neither routed nor shared.
TEST(Watch, LooksAtTheLayersThatAreBalanced) {
  const std::vector<std::vector<double>> gates{{0.9, 0.5}, {0.97, 0.96}};
  const Watch seen = watch(gates, gates, {{false, true}, {false, false}}, 1);
  EXPECT_NEAR(seen.shared_mean, 0.9, 1e-12);
  EXPECT_NEAR(seen.routed_mean, 0.5, 1e-12);
  EXPECT_NEAR(seen.share_open, 0.5, 1e-12);  // of all
}

TEST(Watch, ComparesGatesWithTheStart) {
  const std::vector<std::vector<double>> start{{0.9, 0.1, 0.4, 0.2}}, now{{0.5, 0.95, 0.7, 0.3}};
  const Mask routed{{false, true, true, true}};
  const Watch seen = watch(now, start, routed, 1);
  EXPECT_NEAR(seen.routed_mean, (0.95 + 0.7 + 0.3) / 3, 1e-12);
  EXPECT_NEAR(seen.shared_mean, 0.5, 1e-12);
  EXPECT_NEAR(seen.minimum, 0.3, 1e-12);
  EXPECT_NEAR(seen.share_open, 0.25, 1e-12);
  EXPECT_NEAR(seen.overlap, 0.0, 1e-12);
  EXPECT_NEAR(seen.routed_rise, (0.95 + 0.7 + 0.3) / 3 - 0.7 / 3, 1e-12);
  ASSERT_EQ(seen.warnings(true).size(), 1u);
  EXPECT_NE(seen.warnings(true)[0].find("drift open"), std::string::npos);
  EXPECT_TRUE(watch(start, start, routed, 1).warnings(true).empty());
}

TEST(Watch, WarnsOfGatesThatTrainingOpened) {
  const Mask routed{{true, true}};
  const std::vector<std::vector<double>> open{{0.95, 0.95}}, nearly{{0.85, 0.9}};
  const auto pinned = watch(open, nearly, routed, 0).warnings(true);
  ASSERT_EQ(pinned.size(), 1u);
  EXPECT_NE(pinned[0].find("pinned open"), std::string::npos);
  EXPECT_TRUE(watch(open, open, routed, 0).warnings(true).empty());
}

}  // namespace
}  // namespace sinkwise::finetune
