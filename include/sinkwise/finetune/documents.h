#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sinkwise/data/packed_documents.h"
#include "sinkwise/finetune/dialogue.h"
#include "sinkwise/tokenizer/tokenizer.h"

namespace sinkwise::finetune {

// The documents of files, tokenised. A file *.jsonl holds one a line: {"text": "..."}; or
// {"messages": [{"role": ..., "content": ...}, ...]}, of which the loss counts what assistants say
// alone; or a dialogue that is text already, {"segments": [{"text": ..., "label": true}, ...]}, of
// which it counts the labelled (Axolotl's members; the text is encoded as a whole here, and piece
// by piece there). Any other file is one document of text. Special tokens spelled in a text are
// plain characters; those of a dialogue are tokens, as in the model's own template. `dialogue`
// gives it, or throws, when the first messages are met. BadFile with file, line and member for a
// file that is missing, no UTF-8, malformed, named *.json, or encodes to nothing.
std::vector<data::Document> read_documents(const std::vector<std::string>& files,
                                           const tokenizer::Tokenizer& tokenizer,
                                           const std::function<DialogueTemplate()>& dialogue);

}  // namespace sinkwise::finetune
