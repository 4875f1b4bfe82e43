#include "sinkwise/pretrained/adapter.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include <ATen/CPUGeneratorImpl.h>

#include "file_tensors.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/random.h"
#include "sinkwise/core/text.h"
#include "sinkwise/weights/write_folder.h"

namespace sinkwise::pretrained {
namespace {

using checkpoint::TensorView;

// The linear layers of a block by name.
std::map<std::string, std::shared_ptr<nn::Linear>> linear_layers(const Block& block) {
  std::map<std::string, std::shared_ptr<nn::Linear>> layers;
  for (const auto& item : block.named_modules()) {
    auto linear = std::dynamic_pointer_cast<nn::Linear>(item.value());
    if (linear) layers[item.key()] = std::move(linear);
  }
  return layers;
}

bool is_target(const std::string& name, const std::string& target) {
  return name == target || name.ends_with("." + target);
}

// A correction of one matrix of the file: several of ours side by side.
struct FileCorrection {
  std::vector<at::Tensor> a, b;  // [rank, in] and [rows of the file, rank] each
  bool transposed = false;       // the file has [in, out]
};

// Which row of our matrix (from 1) each row of the file's is; 0: none of them. Numbers below 2^24
// are exact in float32.
at::Tensor row_numbers(const at::Tensor& weight) {
  return at::arange(1, weight.size(0) + 1, at::kFloat).unsqueeze(1).expand(weight.sizes());
}

// The corrections of one layer by the names of the matrices that they belong to in the file.
std::map<std::string, FileCorrection> file_corrections(const LoadedModel& loaded,
                                                       std::size_t layer) {
  const Model& model = loaded.model();
  const std::string prefix = layer_prefix(model.family(), static_cast<std::int64_t>(layer));
  std::map<std::string, FileCorrection> result;
  for (const auto& [name, linear] : linear_layers(*loaded.blocks()[layer])) {
    if (!linear->has_low_rank()) continue;
    const Tensors numbers = file_tensors(model.family(), model.source(), prefix, model.config(),
                                         model.config().layers[layer],
                                         {{name + ".weight", row_numbers(linear->weight)}});
    for (const auto& [file_name, where] : numbers) {
      if (where.dim() != 2) continue;
      FileCorrection& correction = result[file_name];
      // Along a row of [out, in] the number is the same.
      correction.transposed = !at::equal(where, where.narrow(1, 0, 1).expand(where.sizes()));
      const at::Tensor rows = correction.transposed ? where[0] : where.select(1, 0);
      const at::Tensor known = at::cat({at::zeros({1, linear->lora_b.size(1)}), linear->lora_b});
      correction.a.push_back(linear->lora_a);
      correction.b.push_back(known.index_select(0, rows.to(at::kLong)));
    }
  }
  return result;
}

// "self_attn.q_proj" of "model.layers.3.self_attn.q_proj.weight".
std::string target_name(const std::string& weight) {
  const std::string module = weight.substr(0, weight.rfind('.'));
  const auto last = module.rfind('.');
  return module.substr(module.rfind('.', last - 1) + 1);
}

nlohmann::json config_json(const AdapterConfig& config, const std::string& base) {
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", base},
          {"r", config.rank},
          {"lora_alpha", config.alpha},
          {"lora_dropout", 0.0},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"target_modules", nlohmann::json::array()},
          {"rank_pattern", nlohmann::json::object()},
          {"alpha_pattern", nlohmann::json::object()}};
}

TensorView view_of(const std::string& name, const at::Tensor& tensor) {
  return {name,
          checkpoint::Dtype::F32,
          tensor.sizes().vec(),
          {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}};
}

// PEFT 0.21 passes over corrections of a shared expert, with a warning, and refuses a router.
[[noreturn]] void refuse_experts(const std::string& name, const std::string& target) {
  throw Unsupported({"a layer of experts is no target of an adapter", "lora.targets",
                     "layers that PEFT can load corrections of",
                     concat(printable(target), ", ", name),
                     "name other layers, such as attention.q_proj, or take method=full"});
}

}  // namespace

void add_adapter(LoadedModel& model, const AdapterConfig& config, std::uint64_t seed) {
  std::set<std::string> known;
  std::map<std::string, bool> used;
  for (const std::string& target : config.targets) used[target] = false;
  for (std::size_t layer = 0; layer < model.blocks().size(); ++layer) {
    for (const auto& [name, linear] : linear_layers(*model.blocks()[layer])) {
      known.insert(name);
      for (const std::string& target : config.targets) {
        if (!is_target(name, target) || linear->has_low_rank()) continue;
        if (name.starts_with("experts.")) refuse_experts(name, target);
        const std::string key = concat("layers.", layer, ".", name);
        linear->add_low_rank(
            config.rank, config.alpha / static_cast<double>(config.rank),
            at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, key.c_str())));
        used[target] = true;
      }
    }
  }
  for (const auto& [target, found] : used) {
    if (found) continue;
    throw BadConfig({"no layer has a target of the adapter", "lora.targets",
                     join({known.begin(), known.end()}), printable(target),
                     "name layers by the ends of these names, such as q_proj or mlp.up_proj"});
  }
}

void write_adapter(const LoadedModel& model, const AdapterConfig& config,
                   const std::filesystem::path& folder, const std::string& base) {
  const torch::NoGradGuard no_grad;
  nlohmann::json json = config_json(config, base);
  std::map<std::string, at::Tensor> tensors;
  std::set<std::string> targets;
  for (std::size_t layer = 0; layer < model.blocks().size(); ++layer) {
    for (const auto& [name, correction] : file_corrections(model, layer)) {
      const std::string module = concat("base_model.model.", name.substr(0, name.rfind('.')));
      const at::Tensor a = at::cat(correction.a, 0), b = at::cat(correction.b, 1);
      tensors[module + ".lora_A.weight"] = a.contiguous();
      tensors[module + ".lora_B.weight"] = b.contiguous();
      const std::string target = target_name(name);
      targets.insert(target);
      if (correction.transposed) json["fan_in_fan_out"] = true;
      if (a.size(0) == config.rank) continue;
      json["rank_pattern"][target] = a.size(0);
      json["alpha_pattern"][target] =
          config.alpha * static_cast<double>(a.size(0)) / static_cast<double>(config.rank);
    }
  }
  json["target_modules"] = targets;
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : tensors) views.push_back(view_of(name, tensor));
  weights::FolderOptions options;
  options.stem = "adapter_model";
  options.others = {{"adapter_config.json", json_text(json, 2) + "\n"}};
  weights::write_folder(folder, views, options);
}

}  // namespace sinkwise::pretrained
