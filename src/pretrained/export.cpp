#include "sinkwise/pretrained/export.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "convert.h"
#include "file_tensors.h"
#include "known_as.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "small_files.h"

namespace sinkwise::pretrained {
namespace {

using checkpoint::Dtype;
using checkpoint::TensorView;

bool is_float(Dtype dtype) {
  return dtype == Dtype::F32 || dtype == Dtype::F16 || dtype == Dtype::BF16;
}

// The tensors of a folder to be, and the memory behind those that are not copied.
class Folder {
 public:
  Folder(const Model& model, ExportType type)
      : source_(model.source()), type_(type), known_(known_as(model)) {}

  // As the source has it, where that can be; packed numbers always can.
  void copy(const std::string& name) {
    const auto stored = source_.stored(name);
    if (stored && (type_ == ExportType::stored || !is_float(stored->dtype))) {
      views_.push_back({name, stored->dtype, source_.shape(name), stored->bytes});
    } else {
      write(name, source_.read(name));
    }
  }

  void write(const std::string& name, const at::Tensor& values) {
    const Dtype dtype = dtype_for(name);
    const at::ScalarType type = dtype == Dtype::F16    ? at::kHalf
                                : dtype == Dtype::BF16 ? at::kBFloat16
                                                       : at::kFloat;
    const at::Tensor& kept = kept_.emplace_back(values.detach().to(type).contiguous());
    views_.push_back({name,
                      dtype,
                      kept.sizes().vec(),
                      {static_cast<const std::byte*>(kept.const_data_ptr()), kept.nbytes()}});
  }

  std::span<const TensorView> views() const { return views_; }

 private:
  Dtype dtype_for(const std::string& name) const {
    if (known_ != nullptr && known_->norms_around_0 && name.ends_with("norm.weight")) {
      return Dtype::F32;
    }
    if (type_ == ExportType::bfloat16) return Dtype::BF16;
    if (type_ == ExportType::float32 || !source_.has(name)) return Dtype::F32;
    const auto stored = source_.stored_type(name);
    return stored && is_float(*stored) ? *stored : Dtype::F32;
  }

  const TensorSource& source_;
  ExportType type_;
  const KnownAs* known_;
  std::vector<TensorView> views_;
  std::deque<at::Tensor> kept_;
};

// Our parameters of a module with what a correction of low rank adds.
Tensors merged(const torch::nn::Module& module) {
  Tensors values;
  for (const auto& item : module.named_parameters()) {
    if (item.key().find(".lora_") == std::string::npos) values[item.key()] = item.value().detach();
  }
  for (const auto& item : module.named_modules()) {
    const auto* linear = dynamic_cast<const nn::Linear*>(item.value().get());
    if (linear != nullptr && linear->has_low_rank()) {
      values[item.key() + ".weight"] = linear->merged_weight();
    }
  }
  return values;
}

// Those of `values` that the files do not give.
Tensors changed_from(const Tensors& files, const Tensors& values) {
  Tensors changed;
  for (const auto& [name, value] : values) {
    const auto before = files.find(name);
    if (before == files.end() || !at::equal(before->second, value)) changed[name] = value;
  }
  return changed;
}

// The tensors of one layer's file that are to be written again. One that holds several of our
// parameters is written whole when one of them changed.
Tensors changed_layer(const LoadedModel& loaded, std::int64_t layer) {
  const Model& model = loaded.model();
  const Family& family = model.family();
  const TensorSource& source = model.source();
  const LayerConfig& config = model.config().layers[static_cast<std::size_t>(layer)];
  const std::string prefix = layer_prefix(family, layer);
  const Tensors values = merged(*loaded.blocks()[static_cast<std::size_t>(layer)]);
  const Tensors changed =
      changed_from(family.block(source, prefix, model.config(), config), values);
  Tensors result;
  if (changed.empty()) return result;
  const Tensors touched = file_tensors(family, source, prefix, model.config(), config, changed);
  const Tensors all = file_tensors(family, source, prefix, model.config(), config, values);
  for (const auto& [name, unused] : touched) result[source.name_in_folder(name)] = all.at(name);
  for (const auto& [name, value] : changed) {
    if (is_converted_parameter(name, model.options().conversion)) {
      result[converted_name(prefix, name)] = value;
    }
  }
  if (const KnownAs* known = known_as(model)) {
    known->lay_out(result, values, source, prefix, *config.attention());
  }
  return result;
}

// The same for embedding, positions, final norm and output matrix.
Tensors changed_ends(const LoadedModel& loaded) {
  const Model& model = loaded.model();
  const Family& family = model.family();
  Tensors files{{"embedding.weight", model.load_embedding()}};
  if (model.config().learned_positions) files["positions.weight"] = model.load_positions();
  if (!model.config().tied_embedding) files["output.weight"] = model.load_output();
  for (const auto& item : model.load_final_norm()->named_parameters()) {
    files["norm." + item.key()] = item.value().detach();
  }
  const std::map<std::string, std::string> names = {{"embedding.weight", family.embedding},
                                                    {"positions.weight", family.positions},
                                                    {"output.weight", family.output},
                                                    {"norm.weight", family.final_norm + ".weight"},
                                                    {"norm.bias", family.final_norm + ".bias"}};
  Tensors values;
  for (const auto& item : loaded.named_parameters()) {
    if (names.contains(item.key())) values[item.key()] = item.value().detach();
  }
  const KnownAs* const known = known_as(model);
  const bool around_0 = known != nullptr && known->norms_around_0;
  Tensors changed = changed_from(files, values);
  if (around_0) changed["norm.weight"] = values.at("norm.weight");
  Tensors result;
  for (const auto& [name, value] : changed) {
    result[model.source().name_in_folder(names.at(name))] =
        name == "norm.weight" ? value - (around_0 ? 1.0 : family.norm_offset) : value;
  }
  return result;
}

// What config.json says of the type; empty: what the source's says. Numbers that the source has in
// a format of its own are written as float32.
std::string type_name(const TensorSource& source, ExportType type) {
  if (type == ExportType::bfloat16) return "bfloat16";
  const auto names = source.names();
  const bool widened = std::ranges::any_of(
      names, [&](const std::string& name) { return !source.stored_type(name).has_value(); });
  return type == ExportType::float32 || widened ? "float32" : "";
}

void write(const Model& model, const std::filesystem::path& folder, const Tensors& changed,
           ExportType type) {
  const TensorSource& source = model.source();
  Folder tensors(model, type);
  std::set<std::string> there;
  // A copy of the embedding would stay as it was, and part the two, when the embedding changes.
  const std::string tied =
      model.config().tied_embedding ? source.name_in_folder(model.family().output) : "";
  for (const std::string& name : source.names()) {
    if (name == tied) continue;
    there.insert(name);
    const auto found = changed.find(name);
    if (found != changed.end()) {
      tensors.write(name, found->second);
    } else {
      tensors.copy(name);
    }
  }
  for (const auto& [name, value] : changed) {
    if (!there.contains(name)) tensors.write(name, value);
  }
  weights::FolderOptions options;
  options.others = small_files(model, type_name(source, type));
  weights::write_folder(folder, tensors.views(), options);
}

}  // namespace

void check_export(const Model& model) { small_files(model, ""); }

void export_model(const Model& model, const std::filesystem::path& folder, ExportType type) {
  write(model, folder, {}, type);
}

void export_model(const LoadedModel& loaded, const std::filesystem::path& folder, ExportType type) {
  const Model& model = loaded.model();
  Tensors changed = changed_ends(loaded);
  for (std::size_t layer = 0; layer < loaded.blocks().size(); ++layer) {
    changed.merge(changed_layer(loaded, static_cast<std::int64_t>(layer)));
  }
  write(model, folder, changed, type);
}

}  // namespace sinkwise::pretrained
