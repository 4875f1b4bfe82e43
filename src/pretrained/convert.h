#pragma once

#include "family.h"
#include "sinkwise/pretrained/conversion.h"

namespace sinkwise::pretrained {

// What a converted model's config.json says beside what its family reads:
//   "model_type": "sinkwise_llama", "sinkwise": {"mechanism": "sink"}
// Other readers refuse the type, instead of leaving the sinks out without a word.
inline constexpr char kConvertedPrefix[] = "sinkwise_";

// The configuration with the model_type of its family.
ConfigReader as_its_family_says(const ConfigReader& config);

// The mechanism that a config.json names; vanilla where it names none. BadFile for another word.
nn::Mechanism converted_mechanism(const ConfigReader& config);

// Gives every softmax layer the mechanism. Unsupported when one has a mechanism already.
void convert(ModelConfig& config, nn::Mechanism mechanism);

// Adds the parameters that a converted layer has more than its family knows: read from the file
// where it has them, or else at their start, with the output projection scaled to match.
void add_converted(Tensors& tensors, const TensorSource& source, const std::string& prefix,
                   const nn::AttentionConfig& attention, const Conversion& conversion);

// Their names in the file: ours to "<prefix>sinkwise.sinks" and the like.
std::string converted_name(const std::string& prefix, const std::string& ours);
bool is_converted_parameter(const std::string& ours, const Conversion& conversion);

}  // namespace sinkwise::pretrained
