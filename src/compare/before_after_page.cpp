#include "before_after_parts.h"
#include "sinkwise/compare/output.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

using report::Bullets;
using report::Emphasis;
using report::Paragraph;
using report::Section;

Section summary_section(const BeforeAfter& change) {
  Section section{"summary", "What changed", {}};
  Bullets warnings;
  for (const std::string& caution : change.cautions)
    warnings.items.push_back(Paragraph({{"Caution. ", Emphasis::strong}, {caution}}));
  for (const BeforeAfterWarning& warning : change.warnings)
    warnings.items.push_back(
        Paragraph({{"Warning. ", Emphasis::strong}, {warning.text + " " + warning.advice}}));
  if (!warnings.items.empty()) section.blocks.push_back(std::move(warnings));
  Bullets sentences;
  for (const std::string& sentence : summary(change)) sentences.items.emplace_back(sentence);
  section.blocks.push_back(std::move(sentences));
  section.blocks.push_back(Paragraph(concat(
      "Both inspections: ", change.after.windows, " windows of ", change.after.length,
      " tokens. There is one model before and one after: no spread over seeds, hence no test. A "
      "change below a convention (0.01 of a gate or a CV, 0.005 nats, one head) is called none; a "
      "larger one may still be chance.")));
  return section;
}

Section limits_section(const BeforeAfter& change) {
  Section section{"limits", "How to read it", {}};
  Bullets bullets;
  bullets.items = {
      "A CV falls when heads share the work and also when all gates open. Look at the mean gate "
      "and "
      "at the routed heads before calling a lower CV a success.",
      "An open gate is no proof of a useful head, nor a closed one of a useless head: what "
      "silencing costs says more, and only of heads silenced together in that order.",
      "The difference of two models is the difference of all that was done between them: data, "
      "steps, learning rate and the balance loss. Only a twin that was trained without that loss, "
      "on the same data and seed, tells which part is the loss's.",
      "One text was looked at. Another one gives other figures."};
  if (change.before.gate == "first token")
    bullets.items.emplace_back(
        "The gate is the attention that does not go to the first token. It is a true gate only if "
        "that token's value is near zero: see value drain.");
  section.blocks.push_back(std::move(bullets));
  return section;
}

std::string begin_text(const Inspection& inspection) {
  if (!inspection.begin_id) return "the text's own first token";
  return concat("token ", *inspection.begin_id);
}

}  // namespace

report::Document to_document(const BeforeAfter& change, const std::string& command) {
  report::Document document{
      .title = "Attention heads before and after",
      .subtitle = concat(change.before.path, " \u2192 ", change.after.path, ": ",
                         change.layers.size(), " layers of ", change.before.heads, " heads"),
      .provenance = {{"before", change.before.directory},
                     {"after", change.after.directory},
                     {"text", join(change.after.texts)},
                     {"windows begin with", begin_text(change.after)},
                     {"shared heads", concat(change.shared_heads)}},
      .sections = {}};
  const auto add = [&](std::optional<Section> section) {
    if (section) document.sections.push_back(std::move(*section));
  };
  add(summary_section(change));
  add(figures_section(change));
  add(evaluation_section(change));
  if (!change.heads.empty()) {
    add(maps_section(change));
    add(layers_section(change));
    add(heads_section(change));
    add(closed_section(change));
    add(top_section(change));
    add(pruning_section(change));
  }
  add(limits_section(change));
  add(Section{"repeat", "Repeat it", {report::Code{command}}});
  return document;
}

}  // namespace sinkwise::compare
