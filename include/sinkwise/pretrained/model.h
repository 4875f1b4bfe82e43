#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "sinkwise/pretrained/block.h"
#include "sinkwise/pretrained/config.h"
#include "sinkwise/pretrained/conversion.h"
#include "sinkwise/tokenizer/tokenizer.h"

namespace sinkwise::pretrained {

class TensorSource;
struct Family;

struct OpenOptions {
  std::filesystem::path adapter;  // a folder with a LoRA adapter in PEFT's layout; empty: none
  Conversion conversion;          // vanilla: none
};

// A model of somebody else's, on disk. Opening reads the configuration and the headers of the
// weights; every layer is read when it is asked for and belongs to whoever asked, so a model larger
// than memory can be walked through layer by layer. Everything is float32 on the CPU.
class Model {
 public:
  // A folder with config.json and safetensors, a folder with a GGUF file, a GGUF file, or a
  // checkpoint of llama2.c (*.bin). BadFile or Unsupported, saying which file, member or tensor,
  // what was found and what is expected.
  static Model open(const std::filesystem::path& path, const OpenOptions& options = {});
  ~Model();
  Model(Model&&) noexcept;

  const ModelConfig& config() const { return config_; }
  const std::filesystem::path& path() const { return path_; }
  const OpenOptions& options() const { return options_; }

  // The tokenizer in the folder, the one that the GGUF file carries, or tokenizer.bin beside a
  // checkpoint of llama2.c. For a caller that wants a beginning token, and where the tokenizer's
  // files name none, bos_token_id of config.json does (GPT-2). Errors as its own.
  tokenizer::Tokenizer load_tokenizer(bool wants_beginning = false) const;

  // The tokens that end a text by config.json and generation_config.json (eos_token_id, one id or
  // several); the tokenizer may know another. BadFile when they are no ids.
  std::vector<tokenizer::TokenId> end_tokens() const;

  // The source of the chat template that the folder or the GGUF file brings; empty: none.
  std::string chat_template() const;

  // [B, T] int64 to [B, T, width]: the rows of the embedding, scaled, with the learned positions
  // `from` and up added where the model has them. Only the rows asked for are read. BadArgument for
  // an id or a position outside the model; BadFile when a row is not finite.
  at::Tensor embed(const at::Tensor& tokens, std::int64_t from = 0) const;

  // BadFile when a tensor is missing, has another shape than the configuration says, or is not
  // finite.
  std::shared_ptr<Block> load_block(std::int64_t layer) const;

  // Tables for `length` positions, one an entry of config().rotary.
  std::vector<nn::RotaryTable> rotary_tables(std::int64_t length) const;
  // Of one layer; null where the layer does not rotate.
  const nn::RotaryTable* rotary_of(std::int64_t layer,
                                   const std::vector<nn::RotaryTable>& tables) const;

  std::shared_ptr<nn::Norm> load_final_norm() const;
  at::Tensor load_embedding() const;  // [V, width]; errors as load_block()
  at::Tensor load_positions() const;  // [context, width] of a model with learned positions
  at::Tensor load_output() const;     // [V, width], the embedding itself where that is tied

  // [N]: -log p of each target [N] int64 after hidden [N, width], which the final norm has not seen
  // yet. The output matrix is read once, in slices, so the memory beside [N, width] is that of one
  // slice and of its logits for some tokens, whatever N.
  at::Tensor losses(const at::Tensor& hidden, const at::Tensor& targets) const;

  // For those who write what was read (export.h, adapter.h).
  const TensorSource& source() const { return *source_; }
  const Family& family() const { return *family_; }
  const std::string& config_json() const { return config_json_; }  // as read, or made up for GGUF

  // [N, width]: d of the mean of those losses / d hidden, by slices as well.
  at::Tensor loss_gradient(const at::Tensor& hidden, const at::Tensor& targets) const;

 private:
  Model() = default;
  bool has_other_output() const;
  void check_ends();
  void apply_conversion(nn::Mechanism of_file);
  at::Tensor load_matrix(const std::string& name) const;
  at::Tensor rows_of_tokens(const std::string& matrix, const at::Tensor& tokens) const;
  at::Tensor log_normaliser(const at::Tensor& x) const;
  void for_each_slice(
      std::int64_t tokens,
      const std::function<void(const at::Tensor&, std::int64_t, std::int64_t)>& use) const;

  std::filesystem::path path_;
  OpenOptions options_;
  std::string config_json_;
  const Family* family_ = nullptr;
  ModelConfig config_;
  std::unique_ptr<TensorSource> source_;
  std::string output_name_;
};

}  // namespace sinkwise::pretrained
