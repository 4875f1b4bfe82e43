#include "escape.h"

#include "sinkwise/core/text.h"

namespace sinkwise::report {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string drawn_text(std::string_view text) {
  std::string out = printable(text);
  replace_all(out, "&", "&amp;");
  replace_all(out, "<", "&lt;");
  replace_all(out, ">", "&gt;");
  return out;
}

std::string script_json(const nlohmann::json& value) {
  const int kCompact = -1;
  std::string text = value.dump(kCompact, ' ', /*ensure_ascii=*/true);
  replace_all(text, "<", "\\u003c");
  return text;
}

}  // namespace sinkwise::report
