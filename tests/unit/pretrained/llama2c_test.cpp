// Checkpoints of llama2.c, written here byte by byte.
#include <cstring>
#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/pretrained/loaded_model.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/model_folder.h"

namespace sinkwise::pretrained {
namespace {

namespace fs = std::filesystem;

struct Sizes {
  std::int32_t width = 16, hidden = 12, layers = 2, heads = 4, key_heads = 2, vocabulary = 10,
               positions = 8;

  std::int64_t key_width() const { return width / heads * key_heads; }
};

// The tensors as llama2.c orders them, one entry a kind: [L, ...] for those of the layers.
struct Kind {
  const char* name;  // of Hugging Face, within its layer
  std::vector<std::int64_t> shape;
  bool of_layers = true;
};

std::vector<Kind> kinds(const Sizes& s) {
  const std::int64_t W = s.width, K = s.key_width(), M = s.hidden;
  return {{"model.embed_tokens", {std::abs(s.vocabulary), W}, false},
          {"input_layernorm", {W}},
          {"self_attn.q_proj", {W, W}},
          {"self_attn.k_proj", {K, W}},
          {"self_attn.v_proj", {K, W}},
          {"self_attn.o_proj", {W, W}},
          {"post_attention_layernorm", {W}},
          {"mlp.gate_proj", {M, W}},
          {"mlp.down_proj", {W, M}},
          {"mlp.up_proj", {M, W}},
          {"model.norm", {W}, false}};
}

// Rows 2i and 2i + 1 of a head, which llama2.c turns together, as rows i and i + D/2.
at::Tensor half_split(const at::Tensor& rows, std::int64_t heads) {
  const auto D = rows.size(0) / heads;
  return rows.view({heads, D / 2, 2, rows.size(1)}).transpose(1, 2).reshape(rows.sizes());
}

struct Written {
  std::string bytes;        // of llama2.c
  test::ModelFolder model;  // the same model for Hugging Face
};

Written write(const Sizes& s) {
  Written written;
  const auto append = [&](const at::Tensor& tensor) {
    const at::Tensor flat = tensor.contiguous();
    written.bytes.append(static_cast<const char*>(flat.const_data_ptr()), flat.nbytes());
  };
  written.bytes.assign(reinterpret_cast<const char*>(&s), sizeof s);
  std::uint64_t seed = 1;
  for (const Kind& kind : kinds(s)) {
    for (std::int64_t layer = 0; layer < (kind.of_layers ? s.layers : 1); ++layer) {
      at::Tensor values = test::random_tensor(kind.shape, seed++).to(at::kFloat) * 0.5;
      append(values);
      const std::string name = kind.name;
      if (name == "self_attn.q_proj") values = half_split(values, s.heads);
      if (name == "self_attn.k_proj") values = half_split(values, s.key_heads);
      const std::string prefix = kind.of_layers ? concat("model.layers.", layer, ".") : "";
      written.model.tensors[prefix + name + ".weight"] = values;
    }
  }
  append(at::full({s.positions, s.width / s.heads}, 1e9F));  // cosines and sines that nobody reads
  if (s.vocabulary < 0) {
    const at::Tensor output = test::random_tensor({-s.vocabulary, s.width}, seed).to(at::kFloat);
    append(output);
    written.model.tensors["lm_head.weight"] = output;
  }
  written.model.config = {{"model_type", "llama"},
                          {"vocab_size", std::abs(s.vocabulary)},
                          {"hidden_size", s.width},
                          {"intermediate_size", s.hidden},
                          {"num_hidden_layers", s.layers},
                          {"num_attention_heads", s.heads},
                          {"num_key_value_heads", s.key_heads},
                          {"max_position_embeddings", s.positions},
                          {"tie_word_embeddings", s.vocabulary > 0},
                          {"rms_norm_eps", 1e-5}};
  return written;
}

class Llama2c : public testing::Test {
 protected:
  fs::path put(const std::string& bytes, const char* name = "model.bin") {
    const fs::path path = directory_.path() / name;
    fs::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  sinkwise::test::TemporaryDirectory directory_;
};

// llama2.c turns neighbouring rows together and Hugging Face the halves: the same model in both
// layouts gives the same logits.
TEST_F(Llama2c, IsTheModelThatHuggingFaceWouldStore) {
  const torch::NoGradGuard no_grad;
  const at::Tensor tokens = at::arange(8, at::kLong).view({1, 8});
  for (const std::int32_t vocabulary : {10, -10}) {
    Sizes sizes;
    sizes.vocabulary = vocabulary;
    const Written written = write(sizes);
    const fs::path folder = directory_.path() / concat("folder", vocabulary);
    written.model.write(folder);
    const Model ours = Model::open(put(written.bytes)), theirs = Model::open(folder);
    EXPECT_EQ(ours.config().family, "llama");
    EXPECT_TRUE(
        test::same_bits(LoadedModel(ours).forward(tokens), LoadedModel(theirs).forward(tokens)));
  }
}

TEST_F(Llama2c, AFileOfAnotherLengthIsRefused) {
  const std::string bytes = write({}).bytes;
  const std::string cut = bytes.substr(0, bytes.size() - 4);
  for (const std::string& other : {cut, bytes + std::string(4, '\0'), bytes.substr(0, 28)}) {
    try {
      Model::open(put(other));
      FAIL();
    } catch (const BadFile& error) {
      EXPECT_NE(std::string(error.what()).find(concat(bytes.size(), " bytes")), std::string::npos)
          << error.what();
    }
  }
}

// A header of sizes that no file of this length could have, or that make no heads.
TEST_F(Llama2c, HeadersThatLieAreRefused) {
  const std::string bytes = write({}).bytes;
  for (std::size_t field = 0; field < 7; ++field) {
    for (const std::int32_t value : {0, -1, 3, 1 << 16, 1 << 24, INT32_MAX, INT32_MIN}) {
      std::string changed = bytes;
      std::memcpy(changed.data() + 4 * field, &value, sizeof value);
      if (changed == bytes) continue;
      const fs::path path = put(changed);
      EXPECT_THROW(Model::open(path), Error) << field << " = " << value;
    }
  }
  for (std::size_t length = 0; length < 28; ++length) {
    EXPECT_THROW(Model::open(put(bytes.substr(0, length))), Error) << length;
  }
}

TEST_F(Llama2c, NeedsATokenizerBesideIt) {
  const Model model = Model::open(put(write({}).bytes));
  try {
    model.load_tokenizer();
    FAIL();
  } catch (const BadFile& error) {
    EXPECT_NE(std::string(error.what()).find("tok10.bin"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace sinkwise::pretrained
