#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sinkwise::pretrained {

// What llama.cpp's converter does to a tensor besides giving it another name.
enum class GgufChange {
  none,
  queries,      // rows of each head reordered, so that the pairs of the rotary embedding are
  keys,         // neighbours: in the architectures of weights::rotary_rows
  plus_one,     // the weight of a norm that multiplies by 1 + weight, with the 1 added
  turned,       // the last two dimensions exchanged
  parts_apart,  // [3, H, D, ...] in place of [H, 3, D, ...]
  gate_and_up,  // two tensors, "gate" and "up", in place of one in which they alternate: [E, M,
                // ...] twice in place of [E, 2 M] or, turned, [E, ..., 2 M]
};

struct GgufName {
  std::string hugging_face, gguf;
  GgufChange change = GgufChange::none;
};

// An architecture of GGUF, as the family of Hugging Face that it is.
struct GgufArchitecture {
  std::string name;              // general.architecture
  std::string model_type;        // of config.json
  std::string layers;            // "model.layers.", which the number of a layer follows
  std::vector<GgufName> ends;    // tensors outside the layers
  std::vector<GgufName> blocks;  // those of one layer, named behind its number
};

// Unsupported, with the list of what is known, for another architecture.
const GgufArchitecture& gguf_architecture(const std::string& name, const std::string& where);

// The pair of names for a tensor that Hugging Face, or the GGUF file, calls `name`; none where the
// other has no such tensor, as for the factors of rope_freqs.
std::optional<GgufName> by_hugging_face(const GgufArchitecture& architecture,
                                        std::string_view name);
std::optional<GgufName> by_gguf(const GgufArchitecture& architecture, std::string_view name);

// The second tensor of GgufChange::gate_and_up, for the name of the first.
std::string up_beside(const std::string& gate);

}  // namespace sinkwise::pretrained
