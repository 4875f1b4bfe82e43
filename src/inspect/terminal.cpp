#include <algorithm>
#include <cmath>
#include <sstream>

#include "facts.h"
#include "sinkwise/core/text.h"
#include "sinkwise/inspect/output.h"
#include "sinkwise/report/format.h"

namespace sinkwise::inspect {
namespace {

using report::fixed;

constexpr std::ptrdiff_t kFewestLayers = 4, kMostLayers = 12;

// Words of `text` in lines of `width`, the later ones indented.
std::string wrapped(const std::string& text, std::size_t width) {
  std::istringstream words(text);
  std::string word, line = "-", lines;
  while (words >> word) {
    if (line.size() + 1 + word.size() > width) {
      lines += line + '\n';
      line = " ";
    }
    line += " " + word;
  }
  return lines + line + '\n';
}

// As many sentences as `room` lines hold with a word on the others, and never fewer than three.
void summary_lines(std::ostringstream& out, const std::vector<std::string>& sentences,
                   std::size_t width, std::ptrdiff_t room) {
  constexpr std::size_t kFewest = 3;
  std::ptrdiff_t used = 0;
  for (std::size_t n = 0; n < sentences.size(); ++n) {
    const std::string lines = wrapped(sentences[n], width);
    used += std::count(lines.begin(), lines.end(), '\n');
    const std::ptrdiff_t others = n + 1 == sentences.size() ? 0 : 1;
    if (n >= kFewest && used + others > room) {
      out << "- and " << counted(static_cast<std::int64_t>(sentences.size() - n), "sentence")
          << " more in the report\n";
      return;
    }
    out << lines;
  }
}

// Layers to show: all, or the `most` with the highest CV, in the order of the model.
std::vector<std::size_t> shown_layers(const Inspection& inspection, std::size_t most) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < inspection.layers.size(); ++i) {
    if (inspection.layers[i].has_heads) order.push_back(i);
  }
  if (order.size() <= most) return order;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return inspection.layers[a].cv > inspection.layers[b].cv;
  });
  order.resize(most);
  std::sort(order.begin(), order.end());
  return order;
}

// Dark to light, eight steps: what a head's gate looks like in one column.
const char* shade(double gate) {
  constexpr const char* kShades[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                     "\u2585", "\u2586", "\u2587", "\u2588"};
  if (std::isnan(gate)) return " ";  // not measured
  return kShades[std::clamp(static_cast<int>(gate * 8.0), 0, 7)];
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

void layer_lines(std::ostringstream& out, const Inspection& inspection, std::size_t width,
                 std::size_t most) {
  const auto shown = shown_layers(inspection, most);
  if (shown.empty()) return;
  const bool all = std::ranges::count_if(inspection.layers, &LayerInspection::has_heads) ==
                   static_cast<std::ptrdiff_t>(shown.size());
  out << "layer     CV  gate  effective  gates of the heads"
      << (all ? "" : concat(" (the ", shown.size(), " layers of highest CV)")) << '\n';
  constexpr std::size_t kBefore = 30;
  for (const std::size_t i : shown) {
    const LayerInspection& layer = inspection.layers[i];
    out << right(concat(i), 5) << right(fixed(layer.cv, 3), 7)
        << right(fixed(layer.mean_gate, 2), 6) << right(fixed(layer.effective_heads, 1), 11)
        << "  ";
    const auto& gates = layer.heads.importance;
    const std::size_t room = width - kBefore,
                      fitting = gates.size() <= room ? gates.size() : room - 6;
    for (std::size_t h = 0; h < fitting; ++h) out << shade(gates[h]);
    if (fitting < gates.size()) out << " +" << gates.size() - fitting;
    out << '\n';
  }
}

}  // namespace

std::string to_terminal(const Inspection& inspection, int columns, int rows) {
  std::ostringstream out;
  const ModelFacts& m = inspection.model;
  out << printable(m.path) << ": " << printable(m.model_type) << ", " << m.layers << " layers, "
      << m.heads << " heads, width " << m.width << "\nloss " << fixed(inspection.loss, 4)
      << " nats a token, " << fixed(inspection.bits_per_byte, 4) << " bits a byte ("
      << counted(inspection.text.windows, "window") << " of " << inspection.text.length << ")\n\n";
  const auto width = static_cast<std::size_t>(std::max(columns, 60));
  constexpr std::ptrdiff_t kAround = 5;  // title of the layers, place of the page, the prompt
  const auto lines_left = [&] {
    const std::string said = out.str();
    return rows - kAround - std::count(said.begin(), said.end(), '\n');
  };
  const auto layers = std::ranges::count_if(inspection.layers, &LayerInspection::has_heads);
  summary_lines(out, summary(inspection), width,
                lines_left() - 1 - std::min(layers, kFewestLayers));
  out << '\n';
  const std::ptrdiff_t left = lines_left();
  layer_lines(out, inspection, width,
              static_cast<std::size_t>(std::clamp(left, kFewestLayers, kMostLayers)));
  return out.str();
}

}  // namespace sinkwise::inspect
