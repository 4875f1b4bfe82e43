#include "before_after_parts.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

// "Windows of 512 tokens before, of 256 after: ..." where the two differ.
template <typename Value>
void add_difference(std::vector<std::string>& cautions, const char* what, const Value& before,
                    const Value& after, const char* consequence) {
  if (before == after) return;
  cautions.push_back(concat(what, ": ", before, " before, ", after, " after. ", consequence));
}

std::string begin_text(const Inspection& inspection) {
  if (!inspection.begin_id) return "none";
  return concat("token ", *inspection.begin_id);
}

std::string kinds_text(const Inspection& inspection) {
  std::string text;
  for (const InspectedLayer& layer : inspection.layers) text += printable(layer.kind) + "\n";
  return text;
}

std::string files_text(const Inspection& inspection) {
  std::vector<std::string> files;
  for (const std::string& file : inspection.texts) files.push_back(printable(file));
  return files.empty() ? "no file" : join(files);
}

void add_other_model(std::vector<std::string>& cautions, const Inspection& inspection) {
  if (may_be_one_model(inspection.path, inspection.evaluation.model)) return;
  cautions.push_back(concat("In ", printable(inspection.directory), " the inspection is of ",
                            printable(inspection.path), " and the evaluation of ",
                            printable(inspection.evaluation.model), ". Are both the same model?"));
}

void add_evaluation(std::vector<std::string>& cautions, const Inspection& before,
                    const Inspection& after) {
  if (before.metrics.empty() || after.metrics.empty()) return;
  const EvaluationFacts &was = before.evaluation, &is = after.evaluation;
  add_difference(cautions, "The tokens in front of what was evaluated", was.begin, is.begin,
                 "Repeat one evaluation with the other's --bos.");
  add_difference(cautions, "Tokens of a window of the evaluated texts", was.length, is.length,
                 "Repeat one evaluation with the other's --length.");
  add_difference(cautions, "Tokens from one window of the evaluated texts to the next", was.stride,
                 is.stride, "Repeat one evaluation with the other's --stride.");
}

}  // namespace

std::vector<std::string> cautions_of(const Inspection& before, const Inspection& after) {
  std::vector<std::string> cautions;
  add_difference(cautions, "The text", files_text(before), files_text(after),
                 "Figures of heads depend on the text: a difference may be the text's unless both "
                 "names stand for the same file.");
  add_difference(cautions, "Tokens of a window", before.length, after.length,
                 "Sinks and losses depend on the length: repeat one with the other's --length.");
  add_difference(cautions, "Windows", before.windows, after.windows,
                 "The means are over different stretches of text: repeat one with the other's "
                 "--windows.");
  add_difference(cautions, "The token that every window begins with", begin_text(before),
                 begin_text(after),
                 "A sink sits on the first token, so this alone changes gates: repeat one with the "
                 "other's --bos.");
  add_difference(cautions, "The gate is read from the", printable(before.gate),
                 printable(after.gate),
                 "These are different quantities; the difference of two gates is not a change of "
                 "one.");
  add_difference(cautions, "Tokens of the vocabulary", before.vocabulary, after.vocabulary,
                 "Losses a token are comparable only where both tokenizers cut the text alike.");
  add_difference(cautions, "The type of the model", printable(before.model_type),
                 printable(after.model_type), "Is one the descendant of the other?");
  if (kinds_text(before) != kinds_text(after))
    cautions.push_back("The layers attend differently (full attention, windows) before and after.");
  if (before.pruning_windows > 0 && after.pruning_windows > 0)
    add_difference(cautions, "Windows on which heads were silenced", before.pruning_windows,
                   after.pruning_windows, "Repeat one with the other's --pruning-windows.");
  add_evaluation(cautions, before, after);
  add_other_model(cautions, before);
  add_other_model(cautions, after);
  return cautions;
}

}  // namespace sinkwise::compare
