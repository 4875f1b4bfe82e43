#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

// The only doors through which text enters the page.
namespace sinkwise::report {

// Text for an element or a double-quoted attribute.
std::string escaped(std::string_view text);

// Text for a label inside a drawing. Plotly reads a small HTML of its own there and decodes
// entities, so the text goes in escaped and is shown as it was.
std::string drawn_text(std::string_view text);

// JSON for the inside of a <script type="application/json">: ASCII only, with no "<" that could end
// the element.
std::string script_json(const nlohmann::json& value);

}  // namespace sinkwise::report
