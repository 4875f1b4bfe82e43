#include <array>

#include "weights_source.h"

namespace sinkwise::pretrained {
namespace {

// Where a file may put the text model: a family asks for "model.layers...", and a file that also
// sees pictures has it under "model.language_model.layers...". The first GPT-2 files have no
// prefix at all.
struct Prefix {
  const char *asked, *found;
};
constexpr std::array kPrefixes = {
    Prefix{"model.", "model.language_model."}, Prefix{"model.", "language_model.model."},
    Prefix{"lm_head.", "language_model.lm_head."}, Prefix{"transformer.", ""}};

class HuggingFaceSource : public WeightsSource {
 public:
  using WeightsSource::WeightsSource;
  std::string name_in_folder(const std::string& name) const override { return spelled(name); }

 private:
  std::string spelled(const std::string& name) const override {
    if (weights().find(name) != nullptr) return name;
    for (const Prefix& prefix : kPrefixes) {
      if (!name.starts_with(prefix.asked)) continue;
      const std::string found = prefix.found + name.substr(std::string(prefix.asked).size());
      if (weights().find(found) != nullptr) return found;
    }
    return name;
  }
};

}  // namespace

std::unique_ptr<TensorSource> hugging_face_source(weights::Weights weights) {
  return std::make_unique<HuggingFaceSource>(std::move(weights));
}

}  // namespace sinkwise::pretrained
