#include <bit>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "open.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "weights_source.h"

// The checkpoints of llama2.c ("version 0"): a header of seven numbers, then float32 tensors in a
// fixed order, those of a kind for all layers together. As if they were a Hugging Face folder.

namespace sinkwise::pretrained {
namespace {

static_assert(std::endian::native == std::endian::little, "llama2.c files are little endian");

constexpr std::uint64_t kHeaderBytes = 7 * sizeof(std::int32_t);

struct Header {
  std::int64_t width, hidden, layers, heads, key_heads, vocabulary, positions;
  bool tied;  // stored as the sign of the vocabulary

  std::int64_t key_width() const { return width / heads * key_heads; }
};

// None where the numbers are no model's. Their bounds keep every product below 2^60.
std::optional<Header> read_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  std::int32_t n[7];
  std::memcpy(n, bytes.data(), sizeof n);
  const std::int64_t vocabulary = n[5];
  const Header h{n[0], n[1], n[2], n[3], n[4], std::abs(vocabulary), n[6], vocabulary > 0};
  const auto within = [](std::int64_t value, int bits) {
    return value >= 1 && value <= std::int64_t{1} << bits;
  };
  const bool sizes = within(h.width, 16) && within(h.hidden, 18) && within(h.layers, 12) &&
                     within(h.vocabulary, 24) && within(h.positions, 24);
  if (!sizes || !within(h.heads, 16) || !within(h.key_heads, 16)) return std::nullopt;
  const bool heads =
      h.width % h.heads == 0 && h.width / h.heads % 2 == 0 && h.heads % h.key_heads == 0;
  return heads ? std::optional(h) : std::nullopt;
}

// Where a tensor lies, counted in numbers after the header.
struct Place {
  std::uint64_t first;
  std::vector<std::int64_t> shape;
};

class Layout {
 public:
  explicit Layout(const Header& h) {
    const auto W = h.width, K = h.key_width(), M = h.hidden;
    add("model.embed_tokens.weight", {h.vocabulary, W});
    add_layers(h.layers, "input_layernorm", {W});
    add_layers(h.layers, "self_attn.q_proj", {W, W});
    add_layers(h.layers, "self_attn.k_proj", {K, W});
    add_layers(h.layers, "self_attn.v_proj", {K, W});
    add_layers(h.layers, "self_attn.o_proj", {W, W});
    add_layers(h.layers, "post_attention_layernorm", {W});
    add_layers(h.layers, "mlp.gate_proj", {M, W});
    add_layers(h.layers, "mlp.down_proj", {W, M});
    add_layers(h.layers, "mlp.up_proj", {M, W});
    add("model.norm.weight", {W});
    // Cosines and sines, which nobody needs.
    elements_ += static_cast<std::uint64_t>(h.positions * (W / h.heads));
    if (!h.tied) add("lm_head.weight", {h.vocabulary, W});
  }

  const std::map<std::string, Place>& places() const { return places_; }
  std::uint64_t elements() const { return elements_; }

 private:
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    const auto count = static_cast<std::uint64_t>(c10::multiply_integers(shape));
    places_[name] = {elements_, std::move(shape)};
    elements_ += count;
  }

  void add_layers(std::int64_t layers, const char* name, const std::vector<std::int64_t>& shape) {
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      add(concat("model.layers.", layer, ".", name, ".weight"), shape);
    }
  }

  std::map<std::string, Place> places_;
  std::uint64_t elements_ = 0;
};

class Llama2cSource : public TensorSource {
 public:
  Llama2cSource(MappedFile file, const Header& header)
      : file_(std::move(file)), header_(header), layout_(header) {}

  bool has(const std::string& name) const override { return layout_.places().contains(name); }

  std::vector<std::int64_t> shape(const std::string& name) const override { return at(name).shape; }

  at::Tensor read(const std::string& name) const override {
    const Place& place = at(name);
    const at::Tensor values = copy(place.first, place.shape);
    if (name.find("q_proj") != std::string::npos) undo_interleaved(values, header_.heads);
    if (name.find("k_proj") != std::string::npos) undo_interleaved(values, header_.key_heads);
    file_.release(bytes_of(place.first, values.nbytes()));
    return values;
  }

  at::Tensor rows(const std::string& name, std::int64_t first, std::int64_t count) const override {
    const Place& place = at(name);
    const std::int64_t width = place.shape.back();
    return copy(place.first + static_cast<std::uint64_t>(first * width), {count, width});
  }

  std::uint64_t elements() const override { return layout_.elements(); }

  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto& [name, place] : layout_.places()) result.push_back(name);
    return result;
  }

  std::optional<Stored> stored(const std::string& /*name*/) const override { return std::nullopt; }

 private:
  const Place& at(const std::string& name) const {
    const auto found = layout_.places().find(name);
    if (found != layout_.places().end()) return found->second;
    throw BadFile({"a tensor is missing", printable(file_.path().string()), printable(name), "none",
                   "a checkpoint of llama2.c has the tensors of a plain Llama only"});
  }

  std::span<const std::byte> bytes_of(std::uint64_t first, std::uint64_t bytes) const {
    return file_.bytes().subspan(kHeaderBytes + sizeof(float) * first, bytes);
  }

  at::Tensor copy(std::uint64_t first, at::IntArrayRef shape) const {
    file_.check_size();
    const at::Tensor values = at::empty(shape, at::kFloat);
    std::memcpy(values.mutable_data_ptr(), bytes_of(first, values.nbytes()).data(),
                values.nbytes());
    return values;
  }

  MappedFile file_;
  Header header_;
  Layout layout_;
};

// What llama2.c leaves unsaid are the constants of its program.
nlohmann::json config_of(const Header& h) {
  return {{"model_type", "llama"},
          {"vocab_size", h.vocabulary},
          {"hidden_size", h.width},
          {"intermediate_size", h.hidden},
          {"num_hidden_layers", h.layers},
          {"num_attention_heads", h.heads},
          {"num_key_value_heads", h.key_heads},
          {"max_position_embeddings", h.positions},
          {"tie_word_embeddings", h.tied},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0}};
}

// The size that the header asks for, compared with the file's before anything is allocated.
void check_size(const Header& h, std::uint64_t found, const std::string& where) {
  const auto W = h.width, D = W / h.heads;
  const auto layer = 2 * W + 2 * W * W + 2 * W * h.key_width() + 3 * W * h.hidden;
  const auto numbers = h.vocabulary * W * (h.tied ? 1 : 2) + h.layers * layer + W + h.positions * D;
  const auto expected = kHeaderBytes + sizeof(float) * static_cast<std::uint64_t>(numbers);
  if (found == expected) return;
  throw BadFile({"a checkpoint of llama2.c is not as long as its header says", where,
                 concat(expected, " bytes"), concat(found, " bytes"),
                 "check that the download is complete"});
}

}  // namespace

bool is_llama2c(const std::filesystem::path& path) {
  std::error_code error;
  if (path.extension() != ".bin" || !std::filesystem::is_regular_file(path, error)) return false;
  return read_header(MappedFile::open(path).bytes()).has_value();
}

Opened open_llama2c(const std::filesystem::path& path) {
  MappedFile file = MappedFile::open(path);
  const std::string where = printable(path.string());
  const auto header = read_header(file.bytes());
  if (!header) throw BadFile({"a file is no checkpoint of llama2.c", where, {}, {}, {}});
  check_size(*header, file.bytes().size(), where);
  return {ConfigReader(config_of(*header), where),
          std::make_unique<Llama2cSource>(std::move(file), *header),
          {}};
}

tokenizer::Tokenizer llama2c_tokenizer(const std::filesystem::path& path) {
  const auto header = read_header(MappedFile::open(path).bytes());
  const std::string sized = concat("tok", header ? header->vocabulary : 0, ".bin");
  for (const std::string& name : {std::string("tokenizer.bin"), sized}) {
    const std::filesystem::path beside = path.parent_path() / name;
    if (std::filesystem::exists(beside)) return tokenizer::Tokenizer::load(beside);
  }
  throw BadFile({"a checkpoint of llama2.c has no tokenizer beside it", printable(path.string()),
                 concat("tokenizer.bin or ", sized), "neither",
                 "put it there, or name it with --tokenizer"});
}

}  // namespace sinkwise::pretrained
