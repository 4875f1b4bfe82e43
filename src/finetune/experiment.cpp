#include <limits>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "sinkwise/finetune/calibration.h"
#include "sinkwise/finetune/documents.h"
#include "sinkwise/finetune/finetune.h"
#include "sinkwise/pretrained/fingerprint.h"
#include "sinkwise/train/batch.h"
#include "sinkwise/train/routed.h"

namespace sinkwise::finetune {
namespace {

constexpr std::size_t kMostJsonBytes = std::size_t{64} << 20;

std::optional<std::int32_t> beginning(const tokenizer::Tokenizer& tokenizer,
                                      FinetuneConfig::Begin begin) {
  if (begin == FinetuneConfig::Begin::never) return std::nullopt;
  if (!tokenizer.prefix().empty()) return tokenizer.prefix().front();
  return begin == FinetuneConfig::Begin::always ? tokenizer.begin_of_text() : std::nullopt;
}

// Packing puts the beginning token in front; a template may have done so already.
void drop_beginning(std::vector<data::Document>& documents, std::optional<std::int32_t> token) {
  for (data::Document& document : documents) {
    if (!token || document.tokens.front() != *token) continue;
    document.tokens.erase(document.tokens.begin());
    document.bytes.erase(document.bytes.begin());
    if (!document.asked.empty()) document.asked.erase(document.asked.begin());
  }
}

std::shared_ptr<const data::Task> make_task(const FinetuneConfig& config,
                                            const pretrained::Model& model) {
  const bool begins = config.data.begin == FinetuneConfig::Begin::always;
  const tokenizer::Tokenizer tokenizer = model.load_tokenizer(begins);
  // Recognised at the first dialogue, and once: texts alone need no template.
  const auto dialogue = [&, known = std::optional<DialogueTemplate>()]() mutable {
    if (!known) {
      known = DialogueTemplate::recognise(model.chat_template(), special_texts(tokenizer),
                                          printable(config.model));
    }
    return *known;
  };
  const auto first = beginning(tokenizer, config.data.begin);
  auto read = [&](const std::vector<std::string>& files) {
    auto documents = read_documents(files, tokenizer, dialogue);
    drop_beginning(documents, first);
    return documents;
  };
  data::PackedDocumentsOptions options;
  options.length = config.data.length;
  options.beginning = first;
  options.vocabulary = model.config().vocabulary;
  options.validation_fraction = config.data.validation_fraction;
  options.validation_rows = config.data.validation_rows;
  options.batch_rows = config.train.batch_rows;
  options.seed = config.run.seed;
  return std::make_shared<data::PackedDocuments>(read(config.data.files),
                                                 read(config.data.validation_files), options);
}

// Starts the sinks of a conversion a little below the smallest log-sum-exp that their head has on
// the calibration rows: nothing changes that a float32 would show much of, and they have a
// gradient.
void start_sinks(const FinetuneConfig& config, TunedModel& tuned, const data::Task& task) {
  const torch::NoGradGuard no_grad;
  at::Tensor smallest =
      at::full({tuned.layers(), tuned.heads()}, std::numeric_limits<float>::infinity());
  models::ForwardOptions forward;
  forward.observe.gate = true;
  for (std::int64_t row = 0; row < config.calibration_rows; ++row) {
    const auto batch = train::to_tensors(
        task.train_batch(1 + row / config.train.batch_rows, row % config.train.batch_rows, 1), 0,
        at::kCPU);
    forward.targets = batch.targets;
    const auto records = tuned.forward(batch.input, forward).records;
    for (std::int64_t layer = 0; layer < tuned.layers(); ++layer) {
      at::Tensor of_layer = smallest[layer];
      const at::Tensor lse = records[static_cast<std::size_t>(layer)].lse;  // [1, H, T]
      of_layer.copy_(at::minimum(of_layer, lse.amin({0, 2}).to(at::kFloat)));
    }
  }
  for (std::int64_t layer = 0; layer < tuned.layers(); ++layer) {
    const auto number = static_cast<std::size_t>(tuned.layer_numbers()[layer]);
    tuned.loaded().blocks()[number]->named_parameters()["attention.sinks"].copy_(
        smallest[layer] + config.sink_margin());
  }
}

// The calibration of one run: made before its first step, read again when it goes on.
class Calibrated {
 public:
  Calibrated(const FinetuneConfig& config, std::shared_ptr<TunedModel> tuned,
             train::Listener& listener)
      : config_(config), tuned_(std::move(tuned)), listener_(listener) {}

  at::Tensor choose(const at::Tensor& importance) {
    const auto& conversion = tuned_->loaded().model().options().conversion;
    calibration_ = calibrate(importance, tuned_->layer_numbers(), config_,
                             conversion.mechanism != nn::Mechanism::vanilla);
    known_ = true;
    return train::to_tensor(calibration_.routed);
  }

  void measure(train::AdamW& optimizer, const std::vector<train::TensorBatch>& batches,
               const train::StepOptions& options) {
    const bool frozen = config_.balance.shared_choice == objectives::SharedChoice::frozen;
    const at::Tensor routed = frozen ? train::to_tensor(calibration_.routed) : at::Tensor();
    const auto norms = train::gradient_norms(*tuned_, optimizer, batches, routed, options);
    calibration_.loss_gradient = norms.loss;
    calibration_.balance_gradient = norms.balance;
    for (const std::string& line : messages(calibration_, config_)) listener_.said(line);
    save();
  }

  nlohmann::json describe(const train::Evaluation& evaluation) {
    if (!known_) {
      calibration_ = calibration_of(
          parse_json(read_file(path(), kMostJsonBytes), printable(path().string()), kMostJsonBytes),
          printable(path().string()));
      known_ = true;
    }
    std::vector<std::vector<double>> importance;
    for (const auto& layer : evaluation.layers) importance.push_back(layer.importance);
    if (calibration_.held_out.empty()) {  // the evaluation before the first step
      calibration_.held_out = importance;
      save();
    }
    const Watch seen =
        watch(importance, calibration_.held_out, calibration_.routed, config_.balance.shared_heads);
    const bool balanced = config_.balance.form != objectives::BalanceForm::none;
    for (const std::string& line : seen.warnings(balanced)) listener_.said(line);
    return to_json(seen);
  }

 private:
  void save() const { write_file_atomically(path(), json_text(to_json(calibration_), 1) + "\n"); }

  std::filesystem::path path() const {
    return std::filesystem::path(config_.run.directory) / "calibration.json";
  }

  const FinetuneConfig& config_;
  std::shared_ptr<TunedModel> tuned_;
  train::Listener& listener_;
  Calibration calibration_;
  bool known_ = false;
};

void check_length(const FinetuneConfig& config, const pretrained::Model& model) {
  const std::int64_t most = model.config().context_length;
  if (config.data.length <= most) return;
  throw BadConfig({"the rows are longer than the model's context", "data.length",
                   concat("at most ", most, ", of ", printable(config.model)),
                   concat(config.data.length), "lower it"});
}

// What only the model can say.
void check_heads(const FinetuneConfig& config, const TunedModel& tuned) {
  if (tuned.layers() == 0) {
    throw Unsupported({"a model has no head with a gate", printable(config.model),
                       "at least one layer of softmax attention", "none", ""});
  }
  const std::int64_t routed = tuned.heads() - config.balance.shared_heads;
  if (config.balance.form == objectives::BalanceForm::none || routed >= 2) return;
  throw BadConfig({"a balance is between two heads of a layer at least", "balance.shared_heads",
                   concat("at most ", std::max<std::int64_t>(tuned.heads() - 2, 0), ", of ",
                          tuned.heads(), " heads"),
                   concat(config.balance.shared_heads),
                   tuned.heads() < 2 ? "balance.form=none trains without balance"
                                     : "lower it, or leave it out"});
}

std::int64_t count_parameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace

train::Experiment experiment_of(const FinetuneConfig& config, std::shared_ptr<TunedModel> tuned,
                                train::Listener& listener) {
  const pretrained::Model& model = tuned->loaded().model();
  check_heads(config, *tuned);
  check_length(config, model);
  train::Experiment experiment;
  experiment.task = make_task(config, model);
  experiment.parameters = count_parameters(*tuned);
  experiment.identity = pretrained::fingerprint(model);
  const nn::AttentionConfig* attention =
      model.config().layers[static_cast<std::size_t>(tuned->layer_numbers().at(0))].attention();
  experiment.mechanism = nn::name(attention->mechanism);
  auto calibrated = std::make_shared<Calibrated>(config, tuned, listener);
  if (config.mechanism == nn::Mechanism::sink) {
    experiment.start = [&config, tuned, task = experiment.task] {
      start_sinks(config, *tuned, *task);
    };
  }
  experiment.choose_routed = [calibrated](const at::Tensor& i) { return calibrated->choose(i); };
  experiment.before_training = [calibrated](train::AdamW& optimizer,
                                            const std::vector<train::TensorBatch>& batches,
                                            const train::StepOptions& options) {
    calibrated->measure(optimizer, batches, options);
  };
  experiment.extra = [calibrated](const train::Evaluation& e) { return calibrated->describe(e); };
  experiment.model = std::move(tuned);
  return experiment;
}

}  // namespace sinkwise::finetune
