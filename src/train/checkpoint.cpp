#include "sinkwise/train/checkpoint.h"

#include <cstring>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::train {
namespace {

using checkpoint::CheckpointFile;
using checkpoint::SafetensorsFile;
using checkpoint::TensorView;
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

constexpr char kModelFile[] = "model.safetensors";
constexpr char kOptimizerFile[] = "optimizer.safetensors";

NamedTensors named_weights(const models::LanguageModel& model) {
  NamedTensors tensors;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) tensors.emplace_back(item.key(), item.value());
  }
  for (const auto& item : model.named_buffers()) tensors.emplace_back(item.key(), item.value());
  return tensors;
}

TensorView view_of(const std::string& name, const at::Tensor& tensor) {
  if (!tensor.is_cpu() || !tensor.is_contiguous() || tensor.scalar_type() != at::kFloat) {
    throw InternalError({"checkpoint: a tensor cannot be saved in place", name,
                         "contiguous float32 on the CPU",
                         concat(tensor.scalar_type(), " on ", tensor.device()), ""});
  }
  const std::size_t bytes = static_cast<std::size_t>(tensor.numel()) * sizeof(float);
  return {name,
          checkpoint::Dtype::F32,
          tensor.sizes().vec(),
          {static_cast<const std::byte*>(tensor.data_ptr()), bytes}};
}

std::vector<TensorView> views_of(const NamedTensors& tensors) {
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : tensors) views.push_back(view_of(name, tensor));
  return views;
}

const SafetensorsFile& file_of(const checkpoint::Checkpoint& checkpoint, const char* name) {
  const auto found = checkpoint.files.find(name);
  if (found != checkpoint.files.end()) return found->second;
  throw BadFile({"the checkpoint lacks a file", checkpoint.directory.string(), name, "no such file",
                 "remove that folder; the run then goes on from the checkpoint before"});
}

[[noreturn]] void refuse(const SafetensorsFile& file, const std::string& what,
                         const std::string& expected, const std::string& found) {
  throw BadFile({"the checkpoint does not fit this model: " + what, file.path().string(), expected,
                 found, "use the recipe that the run was started with"});
}

void check_fits(const SafetensorsFile& file, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    const TensorView* view = file.find(name);
    if (view == nullptr) refuse(file, "a tensor is missing", name, "no tensor of that name");
    const bool same = view->dtype == checkpoint::Dtype::F32 && tensor.sizes() == view->shape;
    if (!same) {
      refuse(file, "a tensor has another shape or type", concat(name, " F32 ", tensor.sizes()),
             concat(checkpoint::dtype_name(view->dtype), " ", at::IntArrayRef(view->shape)));
    }
  }
  if (file.tensors().size() != tensors.size()) {
    refuse(file, "it holds other tensors too", concat(tensors.size(), " tensors"),
           concat(file.tensors().size()));
  }
}

void copy_into(const at::Tensor& tensor, const TensorView& view) {
  std::memcpy(tensor.data_ptr(), view.data.data(), view.data.size());
}

void copy_all(const SafetensorsFile& file, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) copy_into(tensor, *file.find(name));
}

TrainState state_of(const checkpoint::Checkpoint& checkpoint) {
  try {
    const auto& json = checkpoint.state.at("train");
    return {checkpoint.step, json.at("optimizer_steps"), json.at("skipped"), json.at("bad_in_row"),
            json.at("routed")};
  } catch (const nlohmann::json::exception& problem) {
    throw BadFile({"the checkpoint's state is incomplete",
                   (checkpoint.directory / "manifest.json").string() + ", field state.train",
                   "optimizer_steps, skipped, bad_in_row, routed", problem.what(),
                   "remove that folder; the run then goes on from the checkpoint before"});
  }
}

}  // namespace

std::vector<CheckpointFile> checkpoint_files(const models::LanguageModel& model,
                                             const AdamW& optimizer) {
  return {{kModelFile, views_of(named_weights(model)), {{"format", "pt"}}},
          {kOptimizerFile, views_of(optimizer.named_state()), {}}};
}

nlohmann::json to_json(const TrainState& state) {
  return {{"optimizer_steps", state.optimizer_steps},
          {"skipped", state.skipped},
          {"bad_in_row", state.bad_in_row},
          {"routed", state.routed}};
}

TrainState restore(const checkpoint::Checkpoint& checkpoint, models::LanguageModel& model,
                   AdamW& optimizer) {
  const SafetensorsFile& weights = file_of(checkpoint, kModelFile);
  const SafetensorsFile& moments = file_of(checkpoint, kOptimizerFile);
  const NamedTensors parameters = named_weights(model), state = optimizer.named_state();
  TrainState result = state_of(checkpoint);
  check_fits(weights, parameters);
  check_fits(moments, state);
  copy_all(weights, parameters);
  copy_all(moments, state);
  optimizer.set_steps(result.optimizer_steps);
  return result;
}

void restore_weights(const checkpoint::Checkpoint& checkpoint, models::LanguageModel& model) {
  const SafetensorsFile& file = file_of(checkpoint, kModelFile);
  NamedTensors present;
  for (auto& [name, tensor] : named_weights(model)) {
    const bool optional = name.find("self_attn.gate_") != std::string::npos ||
                          name.find("sinks") != std::string::npos;
    if (file.find(name) != nullptr || !optional) present.emplace_back(name, tensor);
  }
  check_fits(file, present);
  copy_all(file, present);
}

}  // namespace sinkwise::train
