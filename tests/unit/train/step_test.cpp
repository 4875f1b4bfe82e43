#include "sinkwise/train/step.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "unit/train/small_model.h"

namespace sinkwise::train {
namespace {

using nn::Mechanism;
using objectives::BalanceForm;
using objectives::BalanceScope;
using objectives::SharedChoice;
using test::cut;
using test::largest_difference;
using test::same_bits;
using test::small_config;
using test::Trainee;

const std::vector<Mechanism> kMechanisms = {Mechanism::vanilla, Mechanism::sink,
                                            Mechanism::gated_headwise};

StepOptions options_for(BalanceForm form, double lambda = 1.0) {
  StepOptions options;
  options.balance.form = form;
  options.balance.lambda = lambda;
  options.clip = 0.0;
  options.compute_type = at::kDouble;
  return options;
}

struct Outcome {
  StepReport report;
  std::vector<at::Tensor> gradients;
};

// One step of a fresh model; the learning rate 0 leaves the weights where they are.
Outcome step(Mechanism mechanism, const std::vector<TensorBatch>& batches, const at::Tensor& routed,
             const StepOptions& options) {
  Trainee trainee(small_config(mechanism));
  Outcome outcome;
  outcome.report = train_step(*trainee.model, trainee.optimizer, batches, routed, 0.0, options);
  for (const auto& [name, parameter] : test::named_parameters(*trainee.model)) {
    outcome.gradients.push_back(parameter.grad());
  }
  return outcome;
}

// Largest difference of any gradient, in units of its own largest entry.
double relative_difference(const Outcome& a, const Outcome& b) {
  double worst = 0.0;
  for (std::size_t n = 0; n < a.gradients.size(); ++n) {
    const double size = std::max(a.gradients[n].abs().max().item<double>(), 1e-12);
    const double difference = largest_difference(a.gradients[n], b.gradients[n]) / size;
    worst = std::isnan(difference) ? difference : std::max(worst, difference);
  }
  return worst;
}

// Gradients, not parameters, are compared: AdamW's first step is close to the sign of the gradient
// and blows the rounding of an entry near 0 up to the whole learning rate. Activations are float64,
// so what is left is that each of n <= 8 contributions and each of their partial sums is rounded to
// float32, by 2^-24 = 6e-8 of its size, which is that of the sum's largest entry: 2 n 6e-8 in all
// (the worst seen is a third of it). A term formed over the wrong batch differs by more than 1e-3.
constexpr double kRounding = 2 * 8 * 6e-8;

// The objective alone, on the gates of one batch, with a graph for autograd.
at::Tensor balance_by_autograd(Trainee& trainee, const TensorBatch& batch, BalanceForm form) {
  models::ForwardOptions forward;
  forward.observe.gate = true;
  forward.compute_type = at::kDouble;
  const auto records = trainee.model->forward(batch.input, forward).records;
  const at::Tensor importance = objectives::GateSums::of(records).importance();
  return objectives::balance_loss(importance, at::ones_like(importance, at::kBool), form);
}

// What balance added to a step's gradients is lambda times those that `trainee` has.
void expect_added_gradients(const Outcome& with, const Outcome& without, double lambda,
                            Trainee& trainee) {
  std::size_t n = 0;
  for (const auto& [name, parameter] : test::named_parameters(*trainee.model)) {
    const at::Tensor added = with.gradients[n] - without.gradients[n];
    const double size = with.gradients[n].abs().max().item<double>();
    at::Tensor expected = at::zeros_like(added);
    if (parameter.grad().defined()) expected = lambda * parameter.grad();
    EXPECT_LT(largest_difference(added, expected), kRounding * std::max(size, 1e-3)) << name;
    ++n;
  }
}

TEST(TrainStep, DoesNotDependOnHowTheStepIsCut) {
  for (const Mechanism mechanism : kMechanisms) {
    for (const BalanceForm form :
         {BalanceForm::none, BalanceForm::cv, BalanceForm::switch_form, BalanceForm::open}) {
      StepOptions options = options_for(form);
      options.observe = form != BalanceForm::none;
      const Outcome whole = step(mechanism, cut(8, 8), {}, options);
      ASSERT_FALSE(whole.report.skipped);
      for (const std::int64_t micro : {4, 3, 1}) {
        SCOPED_TRACE(nn::name(mechanism) + " " + objectives::name(form) + std::to_string(micro));
        const Outcome parts = step(mechanism, cut(8, micro), {}, options);
        EXPECT_NEAR(parts.report.loss, whole.report.loss, 1e-6);
        EXPECT_NEAR(parts.report.balance, whole.report.balance, 1e-6);
        EXPECT_NEAR(parts.report.gradient_norm, whole.report.gradient_norm,
                    kRounding * whole.report.gradient_norm);
        EXPECT_LT(relative_difference(whole, parts), kRounding);
        if (form == BalanceForm::none) continue;
        EXPECT_LT(largest_difference(whole.report.importance, parts.report.importance), 1e-6);
      }
    }
  }
}

TEST(TrainStep, SharedHeadsAreThoseOfTheWholeStepHoweverItIsCut) {
  const at::Tensor frozen = torch::tensor({{0, 1, 1, 1}, {1, 1, 0, 1}}).to(at::kBool);
  for (const Mechanism mechanism : kMechanisms) {
    SCOPED_TRACE(nn::name(mechanism));
    StepOptions options = options_for(BalanceForm::cv);
    options.balance.shared_heads = 1;
    const Outcome all = step(mechanism, cut(8, 8), {}, options_for(BalanceForm::cv));
    for (const at::Tensor& routed : {at::Tensor(), frozen}) {
      const Outcome whole = step(mechanism, cut(8, 8), routed, options);
      EXPECT_LT(relative_difference(whole, step(mechanism, cut(8, 1), routed, options)), kRounding);
      EXPECT_GT(relative_difference(whole, all), 1e-3);
    }
  }
}

TEST(TrainStep, FloatActivationsAreCutAlikeUpToTheirRounding) {
  for (const Mechanism mechanism : kMechanisms) {
    StepOptions options = options_for(BalanceForm::cv);
    options.compute_type = at::kFloat;
    const Outcome whole = step(mechanism, cut(8, 8), {}, options);
    const Outcome parts = step(mechanism, cut(8, 2), {}, options);
    EXPECT_NEAR(parts.report.loss, whole.report.loss, 1e-5);
    EXPECT_NEAR(parts.report.balance, whole.report.balance, 1e-4);
    EXPECT_LT(relative_difference(whole, parts), 1e-4);
  }
}

TEST(TrainStep, MicroBatchScopeIsTheWeightedMeanOfEachMicroBatch) {
  for (const Mechanism mechanism : kMechanisms) {
    SCOPED_TRACE(nn::name(mechanism));
    StepOptions options = options_for(BalanceForm::cv);
    options.balance.scope = BalanceScope::micro_batch;
    const auto batches = cut(8, 3);  // 3, 3 and 2 rows
    const Outcome parts = step(mechanism, batches, {}, options);
    Trainee trainee(small_config(mechanism));
    at::Tensor expected = at::zeros({}, at::kDouble);
    for (const TensorBatch& batch : batches) {
      const double share = static_cast<double>(batch.input.tokens.size(0)) / 8.0;
      expected = expected + share * balance_by_autograd(trainee, batch, BalanceForm::cv);
    }
    expected.backward();
    EXPECT_NEAR(parts.report.balance, expected.item<double>(), 1e-6);
    const Outcome without = step(mechanism, batches, {}, options_for(BalanceForm::none));
    expect_added_gradients(parts, without, options.balance.lambda, trainee);
    // CV^2 is not linear in the batch, so the two scopes are two objectives.
    options.balance.scope = BalanceScope::step;
    const Outcome exact = step(mechanism, batches, {}, options);
    EXPECT_GT(std::abs(parts.report.balance - exact.report.balance), 1e-4);
    EXPECT_GT(relative_difference(exact, parts), 1e-3);
    // With one micro-batch they are the same.
    const Outcome one = step(mechanism, cut(8, 8), {}, options);
    options.balance.scope = BalanceScope::micro_batch;
    EXPECT_EQ(relative_difference(one, step(mechanism, cut(8, 8), {}, options)), 0.0);
  }
}

TEST(TrainStep, TheLoggedBalanceIsTheOneThatWasAdded) {
  for (const Mechanism mechanism : kMechanisms) {
    for (const BalanceForm form : {BalanceForm::cv, BalanceForm::switch_form, BalanceForm::open}) {
      SCOPED_TRACE(nn::name(mechanism) + " " + objectives::name(form));
      const double lambda = 0.5;
      const Outcome with = step(mechanism, cut(8, 2), {}, options_for(form, lambda));
      const Outcome without = step(mechanism, cut(8, 2), {}, options_for(BalanceForm::none));
      // The objective alone, by autograd through all eight rows at once.
      Trainee trainee(small_config(mechanism));
      const at::Tensor balance = balance_by_autograd(trainee, test::batch_rows(0, 8), form);
      balance.backward();
      EXPECT_NEAR(with.report.balance, balance.item<double>(), 1e-6);
      EXPECT_NEAR(with.report.loss, without.report.loss, 1e-6);  // cross entropy alone
      expect_added_gradients(with, without, lambda, trainee);
    }
  }
}

TEST(TrainStep, GatesAreReportedWhenAskedForOnly) {
  StepOptions options = options_for(BalanceForm::none);
  EXPECT_FALSE(step(Mechanism::sink, cut(4, 4), {}, options).report.importance.defined());
  options.observe = true;
  const Outcome seen = step(Mechanism::sink, cut(4, 2), {}, options);
  EXPECT_EQ(seen.report.importance.sizes(), (at::IntArrayRef{2, 4}));
  EXPECT_FALSE(seen.report.importance.requires_grad());
  EXPECT_EQ(seen.report.balance, 0.0);
}

TEST(TrainStep, TheLossIsAMeanOverAskedPositions) {
  const Outcome found = step(Mechanism::vanilla, cut(8, 3), {}, options_for(BalanceForm::none));
  Trainee trainee(small_config(Mechanism::vanilla));
  models::ForwardOptions forward;
  forward.compute_type = at::kDouble;
  const TensorBatch batch = test::batch_rows(0, 8);
  const at::Tensor log_p = trainee.model->forward(batch.input, forward).logits.log_softmax(-1);
  const at::Tensor asked = batch.targets != data::Batch::kIgnore;
  const at::Tensor picked =
      log_p.gather(-1, batch.targets.clamp_min(0).unsqueeze(-1)).squeeze(-1).masked_select(asked);
  EXPECT_LT(asked.sum().item<long>(), 8 * test::kLength);
  EXPECT_NEAR(found.report.loss, -picked.mean().item<double>(), 1e-6);
}

models::DecoderConfig feature_config(Mechanism mechanism) {
  models::DecoderConfig config = small_config(mechanism);
  config.vocabulary = 0;
  config.feature_size = 3;
  config.attention.gate_bias = true;
  return config;
}

TensorBatch feature_batch(std::uint64_t seed) {
  TensorBatch batch;
  batch.input.features = test::random_tensor({4, test::kLength, 3}, seed);
  batch.regression = test::random_tensor({4, test::kLength, 3}, seed + 1);
  batch.asked = 4 * test::kLength;
  return batch;
}

TEST(TrainStep, ANonFiniteStepTouchesNothingAndTheNextIsClean) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    for (const BalanceForm form : {BalanceForm::none, BalanceForm::cv, BalanceForm::loss_free}) {
      SCOPED_TRACE(objectives::name(form));
      StepOptions options;
      options.balance.form = form;
      Trainee trainee(feature_config(Mechanism::sink)), twin(feature_config(Mechanism::sink));
      auto good_step = [&options](Trainee& t, std::uint64_t seed) {
        const auto report =
            train_step(*t.model, t.optimizer, {feature_batch(seed), feature_batch(seed + 50)}, {},
                       1e-2, options);
        EXPECT_FALSE(report.skipped);
      };
      good_step(trainee, 1);
      good_step(twin, 1);
      const auto before = trainee.state();
      TensorBatch spoilt = feature_batch(2);
      spoilt.input.features[3][5][1] = bad;
      const auto report = train_step(*trainee.model, trainee.optimizer, {feature_batch(9), spoilt},
                                     {}, 1e-2, options);
      EXPECT_TRUE(report.skipped);
      EXPECT_TRUE(same_bits(before, trainee.state()));
      good_step(trainee, 3);
      good_step(twin, 3);  // never saw the bad batch
      EXPECT_TRUE(same_bits(twin.state(), trainee.state()));
      EXPECT_FALSE(same_bits(before, trainee.state()));
    }
  }
}

TEST(TrainStep, AnInfiniteLossIsSkippedThoughItsGradientsAreFinite) {
  Trainee trainee(feature_config(Mechanism::sink));
  const auto before = trainee.state();
  TensorBatch batch = feature_batch(4);
  batch.regression[1][2][0] = 2e19f;  // its square is beyond float32, its slope is not
  const auto report =
      train_step(*trainee.model, trainee.optimizer, {batch}, {}, 1e-2, StepOptions());
  EXPECT_FALSE(std::isfinite(report.loss));
  EXPECT_TRUE(std::isfinite(report.gradient_norm));
  EXPECT_TRUE(report.skipped);
  EXPECT_TRUE(same_bits(before, trainee.state()));
}

double joint_norm(const std::vector<at::Tensor>& gradients) {
  double sum = 0.0;
  for (const at::Tensor& g : gradients) sum += g.to(at::kDouble).square().sum().item<double>();
  return std::sqrt(sum);
}

TEST(TrainStep, ClipsTheJointNormAndReportsItUnclipped) {
  StepOptions options = options_for(BalanceForm::cv);
  const Outcome whole = step(Mechanism::vanilla, cut(8, 4), {}, options);
  const double norm = joint_norm(whole.gradients);
  EXPECT_NEAR(whole.report.gradient_norm, norm, 1e-5 * norm);
  options.clip = norm / 4;
  const Outcome clipped = step(Mechanism::vanilla, cut(8, 4), {}, options);
  EXPECT_NEAR(clipped.report.gradient_norm, norm, 1e-5 * norm);
  EXPECT_NEAR(joint_norm(clipped.gradients), norm / 4, 1e-5 * norm);
  for (std::size_t n = 0; n < whole.gradients.size(); ++n) {  // the direction stays
    EXPECT_LT(largest_difference(clipped.gradients[n] * 4, whole.gradients[n]), 1e-5 * norm);
  }
  options.clip = 2 * norm;
  EXPECT_EQ(relative_difference(whole, step(Mechanism::vanilla, cut(8, 4), {}, options)), 0.0);
}

TEST(TrainStep, BFloat16TrainsFloat32Parameters) {
  for (const Mechanism mechanism : kMechanisms) {
    SCOPED_TRACE(nn::name(mechanism));
    Trainee trainee(small_config(mechanism));
    StepOptions options;
    options.balance.form = BalanceForm::cv;
    options.balance.lambda = 1e-2;
    options.compute_type = at::kBFloat16;
    double first = 0.0, last = 0.0;
    for (int n = 0; n < 40; ++n) {
      const auto report =
          train_step(*trainee.model, trainee.optimizer, cut(8, 8), {}, 1e-2, options);
      ASSERT_FALSE(report.skipped);
      (n == 0 ? first : last) = report.loss;
    }
    EXPECT_LT(last, 0.5 * first);  // eight rows to learn by heart
    for (const at::Tensor& tensor : trainee.state()) {
      EXPECT_TRUE(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kLong);
    }
  }
}

TEST(TrainStep, LossFreeBiasesMoveByTheSignOfTheImbalance) {
  for (const Mechanism mechanism : kMechanisms) {
    SCOPED_TRACE(nn::name(mechanism));
    models::DecoderConfig config = small_config(mechanism);
    config.attention.gate_bias = true;
    Trainee trainee(config);
    StepOptions options;
    options.balance.form = BalanceForm::loss_free;
    options.balance.loss_free_rate = 0.1;
    // The learning rate 0 leaves the biases as the only thing that moves.
    StepReport report = train_step(*trainee.model, trainee.optimizer, cut(8, 4), {}, 0.0, options);
    const at::Tensor& importance = report.importance;
    for (std::int64_t layer = 0; layer < 2; ++layer) {
      const at::Tensor expected = 0.1 * (importance[layer].mean() - importance[layer]).sign();
      const auto& bias =
          trainee.model->blocks()[static_cast<std::size_t>(layer)]->attention->gate_bias;
      EXPECT_LT(largest_difference(bias, expected), 1e-7);
    }
    const double before = objectives::statistics(importance).mean_cv;
    for (int n = 0; n < 25; ++n) {
      report = train_step(*trainee.model, trainee.optimizer, cut(8, 4), {}, 0.0, options);
    }
    EXPECT_LT(objectives::statistics(report.importance).mean_cv, 0.5 * before);
    EXPECT_EQ(report.balance, 0.0);
  }
}

TEST(TrainStep, TheBalanceLossBalances) {
  for (const Mechanism mechanism : kMechanisms) {
    SCOPED_TRACE(nn::name(mechanism));
    Trainee trainee(small_config(mechanism));
    StepOptions options;
    options.balance.form = BalanceForm::cv;
    options.balance.lambda = 1.0;
    double first = 0.0, last = 0.0;
    for (int n = 0; n < 30; ++n) {
      const auto report =
          train_step(*trainee.model, trainee.optimizer, cut(8, 4), {}, 1e-2, options);
      (n == 0 ? first : last) = report.balance;
    }
    EXPECT_LT(last, 0.1 * first);
  }
}

}  // namespace
}  // namespace sinkwise::train
