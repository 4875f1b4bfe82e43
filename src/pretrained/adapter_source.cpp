#include "adapter_source.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "config_reader.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "weights_source.h"

namespace sinkwise::pretrained {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kA = ".lora_A.weight", kB = ".lora_B.weight";

struct Correction {
  at::Tensor a, b;  // [rank, in], [out, rank]
  double scale = 1.0;
};

bool is_plain(const std::string& name) {
  return std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
  });
}

// alpha_pattern names modules by the ends of their names. PEFT takes the names for regular
// expressions, and the first that fits: what only those would tell is refused.
double alpha_of(const ConfigReader& config, const std::string& module) {
  constexpr const char* kPattern = "alpha_pattern";
  const nlohmann::json values = config.object(kPattern).json();
  std::optional<double> alpha;
  for (const auto& [name, value] : values.items()) {
    if (!is_plain(name)) config.unsupported(kPattern, "names without regular expressions");
    if (module != name && !module.ends_with("." + name)) continue;
    if (!value.is_number()) config.refuse(kPattern, "numbers");
    if (alpha && *alpha != value.get<double>()) {
      config.unsupported(kPattern, "one value for each module");
    }
    alpha = value.get<double>();
  }
  return alpha ? *alpha : config.number("lora_alpha", 8.0);
}

class AdapterSource : public TensorSource {
 public:
  AdapterSource(std::unique_ptr<TensorSource> base, const std::filesystem::path& folder,
                const Family& family)
      : base_(std::move(base)), config_(read_config(folder)), family_(family) {
    check_kind();
    const auto path = file_of(folder);
    const weights::Weights file = weights::Weights::open(path);
    const std::string where = printable(path.string());
    for (const weights::Tensor& tensor : file.tensors()) add(file, tensor, where);
    for (const auto& [name, correction] : corrections_) check_fits(name, correction, where);
  }

  bool has(const std::string& name) const override { return base_->has(name); }
  std::vector<std::int64_t> shape(const std::string& name) const override {
    return base_->shape(name);
  }
  std::uint64_t elements() const override { return base_->elements(); }
  std::vector<std::string> names() const override { return base_->names(); }

  at::Tensor read(const std::string& name) const override {
    const at::Tensor weight = base_->read(name);
    const Correction* correction = correction_of(name);
    return correction == nullptr ? weight : weight + product(name, *correction);
  }

  at::Tensor rows(const std::string& name, std::int64_t first, std::int64_t count) const override {
    const at::Tensor rows = base_->rows(name, first, count);
    const Correction* correction = correction_of(name);
    return correction == nullptr ? rows : rows + product(name, *correction).narrow(0, first, count);
  }

  std::optional<Stored> stored(const std::string& name) const override {
    return correction_of(name) == nullptr ? base_->stored(name) : std::nullopt;
  }
  std::optional<checkpoint::Dtype> stored_type(const std::string& name) const override {
    return base_->stored_type(name);
  }
  std::string name_in_folder(const std::string& name) const override {
    return base_->name_in_folder(name);
  }

 private:
  const Correction* correction_of(const std::string& name) const {
    const auto found = corrections_.find(base_->name_in_folder(name));
    return found == corrections_.end() ? nullptr : &found->second;
  }

  static ConfigReader read_config(const std::filesystem::path& folder) {
    const auto path = folder / "adapter_config.json";
    const std::string where = printable(path.string());
    return {parse_json(read_file(path, kMaxConfigBytes), where, kMaxConfigBytes), where};
  }

  // A pickle is named only to be refused as one.
  static std::filesystem::path file_of(const std::filesystem::path& folder) {
    const auto file = folder / "adapter_model.safetensors", pickle = folder / "adapter_model.bin";
    return !std::filesystem::exists(file) && std::filesystem::exists(pickle) ? pickle : file;
  }

  void check_kind() const {
    if (config_.text("peft_type", "") != "LORA") config_.unsupported("peft_type", "LORA");
    if (config_.text("bias", "none") != "none") config_.unsupported("bias", "none");
    for (const char* variant : {"use_dora", "use_qalora"}) {
      if (config_.flag(variant, false)) config_.unsupported(variant, "false");
    }
    if (config_.has("alora_invocation_tokens")) {
      config_.unsupported("alora_invocation_tokens", "none: an adapter that is always on");
    }
    for (const char* other : {"layer_replication", "target_parameters"}) {
      // PEFT writes an empty list for some models.
      if (config_.has(other) && !config_.json().at(other).empty()) {
        config_.unsupported(other, "none");
      }
    }
    refuse_changed_base();
  }

  // These ways to begin take their start out of the base model's weights when PEFT loads it.
  void refuse_changed_base() const {
    constexpr const char* kName = "init_lora_weights";
    const auto found = config_.json().find(kName);
    if (found == config_.json().end() || !found->is_string()) return;
    const std::string start = found->get<std::string>();
    for (const char* changing : {"pissa", "olora", "corda", "loftq"}) {
      if (start.starts_with(changing)) {
        config_.unsupported(kName, "a start that leaves the base model as it is");
      }
    }
  }

  // The base model's tensor that a module's weight is, as its files spell it: "h.0.attn.c_attn" in
  // the first GPT-2 files.
  std::string weight_name(const std::string& name, std::string_view ending) const {
    return base_->name_in_folder(concat(
        name.substr(kPrefix.size(), name.size() - kPrefix.size() - ending.size()), ".weight"));
  }

  void add(const weights::Weights& file, const weights::Tensor& tensor, const std::string& where) {
    const bool is_a = tensor.name.ends_with(kA), is_b = tensor.name.ends_with(kB);
    if (!tensor.name.starts_with(kPrefix) || !(is_a || is_b) || tensor.shape.size() != 2) {
      throw Unsupported({"an adapter has a tensor that is no part of a LoRA matrix", where,
                         "base_model.model.<module>.lora_A.weight or lora_B.weight",
                         printable(tensor.name), "use an adapter of rank corrections alone"});
    }
    const at::Tensor values = at::empty(tensor.shape, at::kFloat);
    file.to_float32(tensor.name, span_of(values));
    Correction& correction = corrections_[weight_name(tensor.name, is_a ? kA : kB)];
    (is_a ? correction.a : correction.b) = values;
  }

  void check_fits(const std::string& name, const Correction& c, const std::string& where) {
    auto refuse = [&](const std::string& what, const std::string& expected,
                      const std::string& found) {
      throw BadFile({what, concat(where, ", ", printable(name)), expected, found,
                     "name the model that the adapter was trained on"});
    };
    if (!c.a.defined() || !c.b.defined()) {
      refuse("an adapter has one half of a correction only", "lora_A and lora_B", "one of them");
    }
    if (!base_->has(name)) {
      refuse("an adapter belongs to another model", "a tensor that the model has", "none");
    }
    std::vector<std::int64_t> product{c.b.size(0), c.a.size(1)};
    if (is_turned(name)) std::swap(product[0], product[1]);
    if (base_->shape(name) != product || c.a.size(0) != c.b.size(1)) {
      refuse("an adapter has another shape than the model",
             concat(at::IntArrayRef(base_->shape(name))),
             concat("lora_B ", c.b.sizes(), " times lora_A ", c.a.sizes()));
    }
    if (!at::isfinite(c.a.sum() + c.b.sum()).item<bool>()) {
      refuse("an adapter holds numbers that are not finite", "finite numbers", "NaN or infinity");
    }
    const std::string module = name.substr(0, name.size() - std::string(".weight").size());
    const double rank = static_cast<double>(c.a.size(0));
    const double alpha = alpha_of(config_, module);
    const bool root = config_.flag("use_rslora", false);
    corrections_[name].scale = alpha / (root ? std::sqrt(rank) : rank);
  }

  // Whether a file has a matrix as [in, out]. That is the family's, whatever fan_in_fan_out says:
  // PEFT corrects it as well.
  bool is_turned(const std::string& name) const {
    return family_.turned_matrices && name != base_->name_in_folder(family_.output);
  }

  at::Tensor product(const std::string& name, const Correction& c) const {
    const at::Tensor whole = at::matmul(c.b, c.a) * c.scale;
    return is_turned(name) ? whole.t() : whole;
  }

  std::unique_ptr<TensorSource> base_;
  ConfigReader config_;
  const Family& family_;
  std::map<std::string, Correction> corrections_;  // by weight_name()
};

}  // namespace

std::unique_ptr<TensorSource> with_adapter(std::unique_ptr<TensorSource> base,
                                           const std::filesystem::path& folder,
                                           const Family& family) {
  return std::make_unique<AdapterSource>(std::move(base), folder, family);
}

}  // namespace sinkwise::pretrained
