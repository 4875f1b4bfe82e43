#pragma once

#include <string>
#include <vector>

#include "sinkwise/data/packed_documents.h"
#include "sinkwise/finetune/dialogue.h"
#include "sinkwise/tokenizer/tokenizer.h"

namespace sinkwise::finetune {

data::Document document_of(const tokenizer::Tokenizer& tokenizer, const std::string& text,
                           tokenizer::SpecialText special);

// The whole text of a dialogue is encoded at once, as the model was taught; a token belongs to the
// turn that its first byte lies in.
data::Document document_of(const tokenizer::Tokenizer& tokenizer, const std::vector<Turn>& turns);

}  // namespace sinkwise::finetune
