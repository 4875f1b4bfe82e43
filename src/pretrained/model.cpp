#include "sinkwise/pretrained/model.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "adapter_source.h"
#include "convert.h"
#include "family.h"
#include "open.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "tensor_source.h"

namespace sinkwise::pretrained {
namespace {

// Logits are formed a tile at a time: so many rows of the output matrix, so many tokens.
constexpr std::int64_t kOutputRows = 8192, kTokensAtOnce = 2048;

[[noreturn]] void wrong_shape(const std::string& name, const at::Tensor& expected,
                              const at::Tensor& found) {
  throw BadFile({"a tensor has another shape than the configuration says", printable(name),
                 concat(expected.sizes()), concat(found.sizes()),
                 "check that config.json belongs to these weights"});
}

void check_finite(const at::Tensor& tensor, const std::string& name) {
  if (at::isfinite(tensor.sum()).item<bool>()) return;
  throw BadFile({"a tensor holds numbers that are not finite", printable(name), "finite numbers",
                 "NaN or infinity", "the file may be damaged"});
}

// Every parameter gets its tensor, and every tensor its parameter.
void assign(torch::nn::Module& module, Tensors tensors, const std::string& prefix) {
  torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    const auto at = tensors.find(item.key());
    if (at == tensors.end()) {
      throw BadFile({"a layer lacks a parameter that its configuration asks for",
                     concat(printable(prefix), item.key()), "a tensor", "none",
                     "check that config.json belongs to these weights"});
    }
    if (at->second.sizes() != item.value().sizes()) {
      wrong_shape(prefix + item.key(), item.value(), at->second);
    }
    check_finite(at->second, prefix + item.key());
    item.value().set_data(at->second.contiguous());
    tensors.erase(at);
  }
  if (tensors.empty()) return;
  throw BadFile({"a layer has a parameter that its configuration does not know",
                 concat(printable(prefix), tensors.begin()->first), "none", "a tensor",
                 "check that config.json belongs to these weights"});
}

// A hostile configuration must not ask for more memory than its weights explain: no matrix of a
// layer has more numbers than all tensors of the file together.
void check_sizes(const ModelConfig& config, std::uint64_t elements, const std::string& where) {
  auto check = [&](std::int64_t a, std::int64_t b, std::int64_t c, const char* what) {
    const double product = static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
    if (product <= static_cast<double>(elements)) return;
    throw BadFile({"a model's configuration does not fit its weights", concat(where, ", ", what),
                   concat("at most ", elements, " numbers"), concat(a, " x ", b, " x ", c), ""});
  };
  for (const LayerConfig& layer : config.layers) {
    if (const auto* a = layer.attention()) {
      check(a->width, a->heads, a->head_size, "attention");
      check(a->width, a->key_heads, a->head_size, "attention");
    } else {
      const auto& d = std::get<nn::GatedDeltaConfig>(layer.mixer);
      check(d.width, d.value_heads, d.value_size, "linear attention");
      check(d.width, d.key_heads, d.key_size, "linear attention");
      check(d.value_heads, d.value_size, d.kernel, "linear attention");
    }
    if (const auto* mlp = std::get_if<MlpConfig>(&layer.mlp)) {
      check(config.width, mlp->hidden, 1, "MLP");
    } else {
      const auto& e = std::get<nn::ExpertsConfig>(layer.mlp);
      check(e.width, e.hidden, e.experts, "experts");
      check(e.width, e.shared_hidden, 1, "shared expert");
    }
  }
}

void check_matrix(const TensorSource& source, const std::string& name, std::int64_t rows,
                  std::int64_t columns) {
  const auto shape = source.shape(name);
  if (shape == std::vector<std::int64_t>{rows, columns}) return;
  throw BadFile({"a tensor has another shape than the configuration says", printable(name),
                 concat("[", rows, ", ", columns, "]"), concat(at::IntArrayRef(shape)),
                 "check that config.json belongs to these weights"});
}

// The tensors of a layer. A family cuts and turns them before their shapes are compared with those
// of the parameters, which Torch refuses where they do not even have the dimensions for it.
Tensors tensors_of(const Family& family, const TensorSource& source, const std::string& prefix,
                   const ModelConfig& model, const LayerConfig& layer) {
  try {
    return family.block(source, prefix, model, layer);
  } catch (const c10::Error& error) {
    throw BadFile({"a tensor has another shape than the configuration says", printable(prefix),
                   concat("the tensors of ", family.name), error.what_without_backtrace(),
                   "check that config.json belongs to these weights"});
  }
}

}  // namespace

Model::~Model() = default;
Model::Model(Model&&) noexcept = default;

Model Model::open(const std::filesystem::path& path, const OpenOptions& options) {
  Opened opened = open_model(path);
  const std::string where = opened.config.where();
  const ConfigReader config = as_its_family_says(opened.config);
  Model model;
  model.path_ = path;
  model.options_ = options;
  model.config_json_ = json_text(opened.config.json(), 2);
  model.family_ = &family_of(config.text("model_type", ""), where);
  model.config_ = model.family_->config(config);
  model.config_.family = model.family_->name;
  if (opened.rotary_factors.defined()) {
    at::Tensor& frequency = model.config_.rotary.at(0).frequency;
    frequency = frequency / reshaped(opened.rotary_factors.to(at::kDouble), frequency.sizes().vec(),
                                     "rope_freqs.weight");
    check_finite(frequency, "rope_freqs.weight");
  }
  model.source_ = std::move(opened.source);
  if (!options.adapter.empty()) {
    model.source_ = with_adapter(std::move(model.source_), options.adapter, *model.family_);
  }
  model.apply_conversion(converted_mechanism(config));
  check_sizes(model.config_, model.source_->elements(), where);
  model.check_ends();
  return model;
}

// Whether a file has an output matrix that is not the embedding, though its configuration says so:
// transformers does not tie them then.
bool Model::has_other_output() const {
  if (!source_->has(family_->output)) return false;
  if (source_->shape(family_->output) != source_->shape(family_->embedding)) return true;
  const std::int64_t rows = source_->shape(family_->output).front();
  for (std::int64_t from = 0; from < rows; from += kOutputRows) {
    const std::int64_t count = std::min(kOutputRows, rows - from);
    const at::Tensor output = source_->rows(family_->output, from, count);
    if (!at::equal(output, source_->rows(family_->embedding, from, count))) return true;
  }
  return false;
}

// Finds the output matrix, and compares the shapes of both ends with the configuration.
void Model::check_ends() {
  check_matrix(*source_, family_->embedding, config_.vocabulary, config_.width);
  config_.tied_embedding = config_.tied_embedding && !has_other_output();
  const bool own_output = !config_.tied_embedding;
  if (own_output && !source_->has(family_->output)) {
    throw BadFile(
        {"a model has no output matrix, and its configuration says that it is not the "
         "embedding",
         concat(printable(path_.string()), ", ", family_->output), "a tensor", "none",
         "use a folder with it; or say \"tie_word_embeddings\": true in config.json to "
         "take the embedding"});
  }
  output_name_ = own_output ? family_->output : family_->embedding;
  check_matrix(*source_, output_name_, config_.vocabulary, config_.width);
  if (config_.learned_positions) {
    check_matrix(*source_, family_->positions, config_.context_length, config_.width);
  }
}

// A file that is converted already says so; what a caller asks for comes on top of a plain one.
void Model::apply_conversion(nn::Mechanism of_file) {
  if (of_file != nn::Mechanism::vanilla) convert(config_, of_file);
  if (options_.conversion.mechanism != nn::Mechanism::vanilla) {
    convert(config_, options_.conversion.mechanism);
  } else {
    options_.conversion.mechanism = of_file;
  }
}

tokenizer::Tokenizer Model::load_tokenizer(bool wants_beginning) const {
  tokenizer::Tokenizer tokenizer = open_tokenizer(path_);
  if (!wants_beginning || tokenizer.begin_of_text()) return tokenizer;
  constexpr const char* kName = "bos_token_id";
  const ConfigReader config(nlohmann::json::parse(config_json_), path_.string());
  const ConfigReader text = config.object("text_config");
  const nlohmann::json said =
      (config.has(kName) ? config : text).json().value(kName, nlohmann::json());
  if (!said.is_number_integer()) return tokenizer;
  const auto id = said.get<std::int64_t>();
  if (id < 0 || id >= tokenizer.vocabulary_size()) return tokenizer;
  return tokenizer.beginning_with(static_cast<tokenizer::TokenId>(id));
}

std::vector<tokenizer::TokenId> Model::end_tokens() const {
  return pretrained::end_tokens(path_, {nlohmann::json::parse(config_json_), path_.string()});
}
std::string Model::chat_template() const { return open_chat_template(path_); }

at::Tensor Model::embed(const at::Tensor& tokens, std::int64_t from) const {
  const auto T = tokens.size(1);
  if (config_.learned_positions && from + T > config_.context_length) {
    throw BadArgument({"the text is longer than the model's context", "tokens [B, T]",
                       concat("at most ", config_.context_length, " positions"), concat(from + T),
                       "use a shorter context"});
  }
  at::Tensor x = rows_of_tokens(family_->embedding, tokens).view({-1, T, config_.width});
  if (config_.embedding_scale != 1.0) x = x * config_.embedding_scale;
  if (config_.learned_positions) {
    const at::Tensor positions = source_->rows(family_->positions, from, T);
    check_finite(positions, family_->positions);
    x = x + positions;
  }
  return x;
}

// [N, width]: the row of each token [N or B, T]. Each row is read once.
at::Tensor Model::rows_of_tokens(const std::string& matrix, const at::Tensor& tokens) const {
  const auto [ids, places, counts] = at::_unique2(tokens, /*sorted=*/true, /*return_inverse=*/true);
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < ids.size(0); ++i) {
    const auto id = ids[i].item<std::int64_t>();
    if (id < 0 || id >= config_.vocabulary) {
      throw BadArgument({"a token is not in the model's vocabulary", "tokens",
                         concat("0 to ", config_.vocabulary - 1), concat(id),
                         "check that the tokenizer belongs to the model"});
    }
    rows.push_back(source_->rows(matrix, id, 1));
  }
  const at::Tensor all = at::cat(rows);
  check_finite(all, matrix);
  return all.index_select(0, places.view(-1));
}

std::shared_ptr<Block> Model::load_block(std::int64_t layer) const {
  const LayerConfig& config = config_.layers.at(static_cast<std::size_t>(layer));
  const std::string prefix = layer_prefix(*family_, layer);
  auto block = std::make_shared<Block>(config_, config);
  Tensors tensors = tensors_of(*family_, *source_, prefix, config_, config);
  if (options_.conversion.mechanism != nn::Mechanism::vanilla && config.attention() != nullptr) {
    add_converted(tensors, *source_, prefix, *config.attention(), options_.conversion);
  }
  assign(*block, std::move(tensors), prefix);
  return block;
}

std::vector<nn::RotaryTable> Model::rotary_tables(std::int64_t length) const {
  std::vector<nn::RotaryTable> tables;
  for (const RotaryConfig& rotary : config_.rotary) {
    tables.push_back(nn::RotaryTable::make(length, rotary.frequency, rotary.scale));
  }
  return tables;
}

const nn::RotaryTable* Model::rotary_of(std::int64_t layer,
                                        const std::vector<nn::RotaryTable>& tables) const {
  const auto& rotary = config_.layers.at(static_cast<std::size_t>(layer)).rotary;
  return rotary ? &tables.at(*rotary) : nullptr;
}

std::shared_ptr<nn::Norm> Model::load_final_norm() const {
  auto norm = std::make_shared<nn::Norm>(config_.width, config_.norm, config_.norm_epsilon);
  Tensors tensors;
  take_linear(tensors, *source_, "", {{"norm", family_->final_norm.c_str()}});
  Tensors own;
  for (auto& [name, tensor] : tensors) own[name.substr(5)] = tensor;  // without "norm."
  own["weight"] = own["weight"] + family_->norm_offset;
  assign(*norm, own, family_->final_norm + ".");
  return norm;
}

at::Tensor Model::load_matrix(const std::string& name) const {
  at::Tensor matrix = source_->read(name);
  check_finite(matrix, name);
  return matrix;
}

at::Tensor Model::load_embedding() const { return load_matrix(family_->embedding); }
at::Tensor Model::load_positions() const { return load_matrix(family_->positions); }
at::Tensor Model::load_output() const { return load_matrix(output_name_); }

// use(W, n, count) for each slice W [rows, width] of the output matrix, read once, and each run of
// `count` tokens from n on.
void Model::for_each_slice(
    std::int64_t tokens,
    const std::function<void(const at::Tensor&, std::int64_t, std::int64_t)>& use) const {
  for (std::int64_t row = 0; row < config_.vocabulary; row += kOutputRows) {
    const at::Tensor slice =
        source_->rows(output_name_, row, std::min(kOutputRows, config_.vocabulary - row));
    for (std::int64_t n = 0; n < tokens; n += kTokensAtOnce) {
      use(slice, n, std::min(kTokensAtOnce, tokens - n));
    }
  }
}

// [N]: log of the sum of exp(logit) over the vocabulary, for x [N, width] after the final norm.
at::Tensor Model::log_normaliser(const at::Tensor& x) const {
  at::Tensor total = at::full({x.size(0)}, -INFINITY, x.options());
  for_each_slice(x.size(0), [&](const at::Tensor& slice, std::int64_t n, std::int64_t count) {
    at::Tensor part = total.narrow(0, n, count);
    const at::Tensor logits = at::matmul(x.narrow(0, n, count), slice.t());
    part.copy_(at::logaddexp(part, logits.logsumexp(-1)));
  });
  return total;
}

at::Tensor Model::losses(const at::Tensor& hidden, const at::Tensor& targets) const {
  torch::NoGradGuard no_grad;
  const at::Tensor x = load_final_norm()->forward(hidden);
  return log_normaliser(x) - (x * rows_of_tokens(output_name_, targets)).sum(-1);
}

at::Tensor Model::loss_gradient(const at::Tensor& hidden, const at::Tensor& targets) const {
  at::AutoGradMode with_gradients(true);  // whatever the caller has switched off
  const at::Tensor leaf = hidden.detach().requires_grad_();
  const at::Tensor x = load_final_norm()->forward(leaf);
  at::Tensor gradient;  // of the sum by x: the expected row of the output matrix minus the target's
  {
    torch::NoGradGuard no_grad;
    const at::Tensor total = log_normaliser(x).unsqueeze(-1);
    gradient = -rows_of_tokens(output_name_, targets);
    for_each_slice(x.size(0), [&](const at::Tensor& slice, std::int64_t n, std::int64_t count) {
      const at::Tensor logits = at::matmul(x.narrow(0, n, count), slice.t());
      gradient.narrow(0, n, count).addmm_((logits - total.narrow(0, n, count)).exp(), slice);
    });
    gradient.div_(static_cast<double>(targets.numel()));
  }
  return torch::autograd::grad({x}, {leaf}, {gradient}).front();
}

}  // namespace sinkwise::pretrained
