#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "sinkwise/finetune/config.h"
#include "sinkwise/finetune/tuned_model.h"
#include "sinkwise/pretrained/model.h"
#include "sinkwise/train/listener.h"
#include "sinkwise/train/trainer.h"

namespace sinkwise::finetune {

// Opens the model as the configuration says: converted, where it asks for another mechanism.
pretrained::Model open_model(const FinetuneConfig& config);

// The model in memory with what is to be trained: corrections of low rank, or every parameter; and
// the sinks or gates of a conversion.
std::shared_ptr<TunedModel> prepare(const pretrained::Model& model, const FinetuneConfig& config);

// What the trainer trains: the documents of config.data.files, and `tuned`. Reads the files; errors
// as read_documents() and PackedDocuments. What a person should know is told to `listener`; the
// calibration goes to calibration.json in the run directory. All arguments must outlive it.
train::Experiment experiment_of(const FinetuneConfig& config, std::shared_ptr<TunedModel> tuned,
                                train::Listener& listener);

// BadConfig when a run would replace the model that it starts from, or folders that no run wrote.
void check_outcome(const FinetuneConfig& config);

// Writes what a finished run leaves: <run>/model, a Hugging Face folder, and with Method::lora
// <run>/adapter in PEFT's layout (not of a converted model, whose sinks or gates no adapter
// holds). A folder that is there is replaced once the new one is complete. Returns the model's.
std::filesystem::path write_outcome(const FinetuneConfig& config, const TunedModel& tuned);

}  // namespace sinkwise::finetune
