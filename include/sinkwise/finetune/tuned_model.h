#pragma once

#include <memory>
#include <vector>

#include "sinkwise/models/language_model.h"
#include "sinkwise/pretrained/loaded_model.h"

namespace sinkwise::finetune {

// A pretrained decoder as the trainer and the probes see one. Its layers are those with gates:
// layers of linear attention are run and counted nowhere. Given targets it answers with losses, so
// that the logits of a large vocabulary are never held at once. Borrows the model behind `loaded`.
class TunedModel : public models::LanguageModel {
 public:
  // BadArgument when layers differ in their number of heads.
  TunedModel(std::shared_ptr<pretrained::LoadedModel> loaded, bool recompute);

  models::DecoderOutput forward(const models::DecoderInput& input,
                                const models::ForwardOptions& options = {}) const override;
  std::int64_t layers() const override { return static_cast<std::int64_t>(with_heads_.size()); }
  std::int64_t heads() const override { return heads_; }

  pretrained::LoadedModel& loaded() { return *loaded_; }
  const pretrained::LoadedModel& loaded() const { return *loaded_; }

  // The number in the model of each layer with gates.
  const std::vector<std::int64_t>& layer_numbers() const { return with_heads_; }

 private:
  at::Tensor spread(const at::Tensor& head_scale) const;

  std::shared_ptr<pretrained::LoadedModel> loaded_;
  std::vector<std::int64_t> with_heads_;
  std::int64_t heads_ = 0;
  bool recompute_;
};

}  // namespace sinkwise::finetune
