#include "sinkwise/train/run_config.h"

#include "sinkwise/core/text.h"

namespace sinkwise::train {
namespace {

using config::above;
using config::at_least;
using config::Table;
using config::within;

void bind_task(Table& table, data::TaskOptions& task) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const std::string& name : data::task_names()) names.emplace_back(name, name);
  table.choice("task.name", task.name, names, "what the model learns");
  table.add("task.length", task.length, "positions of one row, T",
            {.unit = "tokens", .range = within(2, 1 << 20)});
  table.add("task.validation_rows", task.validation_rows, "held-out rows of each evaluation",
            {.unit = "rows", .range = at_least(1)});
  table.add("task.symbols", task.symbols, "bigram_backcopy: symbols of the chain",
            {.range = within(2, 4096)});
  table.add("task.triggers", task.triggers, "bigram_backcopy: symbols after which a copy follows",
            {.range = at_least(0)});
  table.add("task.offsets", task.offsets,
            "bigram_backcopy: kinds of trigger, copying 1, 2, .. back", {.range = at_least(1)});
  table.add("task.chain_seed", task.chain_seed,
            "decides the chain and the held-out rows of generated tasks", {.range = at_least(0)});
  table.add("task.beginning_token", task.beginning_token,
            "bigram_backcopy: rows start with a token of their own");
  table.add("task.features", task.features, "trigger_average: channels of one position, F",
            {.range = at_least(3)});
  table.add("task.trigger_probability", task.trigger_probability,
            "trigger_average: share of trigger positions", {.range = within(0, 1)});
}

void bind_data(Table& table, data::TaskOptions& task) {
  table.add("data.files", task.files,
            "text or token files; empty with task text: the Python standard library's sources");
  table.add("data.validation_files", task.validation_files,
            "tokens: held-out files; empty: the last part of each of data.files");
  table.add("data.validation_fraction", task.validation_fraction, "share of the data held out",
            {.range = within(0, 1)});
  table.add("data.max_bytes", task.max_bytes, "text: what is read at most",
            {.unit = "bytes", .range = at_least(1)});
  table.add("data.pack", task.pack, "text: windows run on into the next file");
  table.add("data.standard_library", task.standard_library,
            "text: folder of the Python standard library; empty: searched for");
  table.add("data.vocabulary", task.vocabulary, "tokens: vocabulary size; 0: largest id plus one",
            {.range = at_least(0)});
  table.add("data.document_token", task.document_token,
            "tokens: id that opens a document; -1: none", {.range = at_least(-1)});
  table.add("data.bytes_per_token", task.bytes_per_token,
            "tokens: bytes of text behind one token, for bits per byte; 0: unknown",
            {.unit = "bytes", .range = at_least(0)});
}

void bind_model(Table& table, RunConfig::Model& model) {
  table.add("model.layers", model.layers, "blocks, L", {.range = within(1, 1024)});
  table.add("model.width", model.width, "size of the residual stream", {.range = at_least(1)});
  table.add("model.heads", model.heads, "query heads, H", {.range = at_least(1)});
  table.add("model.key_heads", model.key_heads, "key and value heads, K; 0: as many as query heads",
            {.range = at_least(0)});
  table.add("model.head_size", model.head_size, "channels of one head, D; 0: width / heads",
            {.range = at_least(0)});
  table.add("model.mlp_hidden", model.mlp_hidden, "hidden size of the MLP; 0: 4 * width",
            {.range = at_least(0)});
  table.choice("model.mlp", model.mlp,
               {{"swiglu", nn::MlpKind::swiglu}, {"gelu", nn::MlpKind::gelu}}, "kind of MLP");
  table.choice("model.positions", model.positions,
               {{"rotary", models::Positions::rotary},
                {"learned", models::Positions::learned},
                {"none", models::Positions::none}},
               "how positions enter");
  table.add("model.rotary_base", model.rotary_base, "base of the rotary angles",
            {.range = above(1)});
  table.add("model.tied_embedding", model.tied_embedding, "output matrix = embedding");
  table.add("model.qk_norm", model.qk_norm, "RMSNorm of each query and key head");
  table.add("model.window", model.window,
            "keys that a row sees, its own included; 0: all before it",
            {.unit = "tokens", .range = at_least(0)});
  table.add("model.windowed_layers", model.windowed_layers,
            "layers that use model.window; empty: all", {.range = at_least(0)});
  table.add("model.init_scale", model.init.matrix_scale,
            "matrices start with standard deviation init_scale / sqrt(width)", {.range = above(0)});
  table.add("model.embedding_std", model.init.embedding_std,
            "standard deviation of embedding, positions and output matrix", {.range = above(0)});
}

void bind_attention(Table& table, RunConfig::Attention& attention) {
  table.choice("attention.mechanism", attention.mechanism, nn::mechanism_names(),
               "how scores become a head's output");
  table.add("attention.sink_init", attention.sink_init,
            "starting value of the sink logits; near 0 the first token takes the sink's place",
            {.unit = "nats"});
  table.choice<std::string>(
      "attention.path", attention.path,
      {{"auto", "auto"}, {"reference", "reference"}, {"stock", "stock"}, {"kernel", "kernel"}},
      "implementation of the operator; auto takes the fastest that serves; "
      "sigmoid, relu and loss_free on vanilla have reference only");
}

// What the mechanism cannot do: the loss-free form without a gate's logit, the fused paths.
void check_mechanism(const RunConfig& config, std::vector<config::Problem>& problems) {
  const nn::Mechanism mechanism = config.attention.mechanism;
  const bool loss_free = config.balance.form == objectives::BalanceForm::loss_free;
  const bool is_control = mechanism == nn::Mechanism::sigmoid || mechanism == nn::Mechanism::relu ||
                          mechanism == nn::Mechanism::softmax_plus_one;
  if (loss_free && is_control) {
    problems.push_back(
        {"balance.form", "",
         concat("loss_free needs a gate logit to move, ", nn::name(mechanism), " has none"),
         "use cv, or another attention.mechanism"});
  }
  const std::string& path = config.attention.path;
  const bool fused = path == "stock" || path == "kernel";
  if (fused && nn::needs_reference(mechanism, loss_free)) {
    problems.push_back({"attention.path", "",
                        concat(path, " cannot serve attention.mechanism=", nn::name(mechanism),
                               loss_free ? " with balance.form=loss_free" : ""),
                        "use auto or reference"});
  }
}

}  // namespace

void bind(Table& table, RunConfig& config) {
  bind_run(table, config);
  bind_task(table, config.task);
  bind_data(table, config.task);
  bind_model(table, config.model);
  bind_attention(table, config.attention);
  bind_training(table, config);
  table.add("train.init_from", config.init_from,
            "run directory whose newest checkpoint gives the starting weights");
  bind_output(table, config);
}

void check(const RunConfig& config) {
  std::vector<config::Problem> problems;
  auto add = [&problems](const std::string& key, const std::string& message,
                         const std::string& next) {
    problems.push_back({key, "", message, next});
  };
  const RunConfig::Model& m = config.model;
  if (config.run.directory.empty()) {
    add("run.directory", "missing", "name a directory, for example --set run.directory=runs/first");
  }
  const std::int64_t key_heads = m.key_heads == 0 ? m.heads : m.key_heads;
  if (m.heads % key_heads != 0) {
    add("model.key_heads", concat(key_heads, " does not divide model.heads = ", m.heads), "");
  }
  if (m.head_size == 0 && m.width % m.heads != 0) {
    add("model.heads", concat(m.heads, " does not divide model.width = ", m.width),
        "choose other sizes, or give model.head_size");
  }
  const std::int64_t head_size = m.head_size == 0 ? m.width / m.heads : m.head_size;
  if (m.positions == models::Positions::rotary && head_size % 2 != 0) {
    add("model.head_size", concat("rotary positions need an even head size, found ", head_size),
        "or set model.positions=learned");
  }
  for (std::int64_t layer : m.windowed_layers) {
    if (layer >= m.layers) add("model.windowed_layers", concat("no layer ", layer), "");
  }
  if (config.balance.shared_heads > 0 && m.heads - config.balance.shared_heads < 2) {
    add("balance.shared_heads",
        concat("leaves fewer than two heads to balance, model.heads = ", m.heads), "");
  }
  check_mechanism(config, problems);
  if (config.schedule.warmup_steps > config.train.steps) {
    add("optim.warmup_steps", concat("longer than train.steps = ", config.train.steps), "");
  }
  if (m.tied_embedding && config.task.name == "trigger_average") {
    add("model.tied_embedding", "this task has no vocabulary, so no embedding to tie", "");
  }
  if (!problems.empty()) {
    throw config::ConfigProblems(std::move(problems), "all keys: sinkwise config show");
  }
}

models::DecoderConfig RunConfig::decoder(const data::Task& source) const {
  models::DecoderConfig result;
  result.vocabulary = source.vocabulary();
  result.feature_size = source.feature_size();
  result.context_length = source.length();
  result.layers = model.layers;
  result.mlp_hidden = model.mlp_hidden == 0 ? 4 * model.width : model.mlp_hidden;
  result.mlp = model.mlp;
  result.positions = model.positions;
  result.rotary_base = model.rotary_base;
  result.tied_embedding = model.tied_embedding;
  result.windowed_layers = model.windowed_layers;
  nn::AttentionConfig& layer = result.attention;
  layer.width = model.width;
  layer.heads = model.heads;
  layer.key_heads = model.key_heads == 0 ? model.heads : model.key_heads;
  layer.head_size = model.head_size == 0 ? model.width / model.heads : model.head_size;
  layer.mechanism = attention.mechanism;
  layer.sink_init = attention.sink_init;
  layer.qk_norm = model.qk_norm;
  layer.gate_bias = balance.form == objectives::BalanceForm::loss_free;
  if (model.window > 0) layer.window = model.window;
  return result;
}

ops::PathSet RunConfig::paths() const {
  if (attention.path == "reference") return ops::PathSet::only(ops::Path::reference);
  if (attention.path == "stock") return ops::PathSet::only(ops::Path::stock);
  if (attention.path == "kernel") return ops::PathSet::only(ops::Path::kernel);
  return {};
}

}  // namespace sinkwise::train
