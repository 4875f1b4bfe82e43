#include "sinkwise/eval/questions.h"

#include "formats.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/lines.h"
#include "sinkwise/core/text.h"

namespace sinkwise::eval {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr std::size_t kMostLineBytes = std::size_t{1} << 24;

const Reader& reader_of(const std::string& name) {
  for (const Reader& reader : readers()) {
    if (reader.format.name == name) return reader;
  }
  const std::string near = nearest(name, format_names());
  throw BadConfig({"there is no task of that name", "--task", join(format_names()), printable(name),
                   near.empty() ? "" : concat("did you mean ", near, "?")});
}

}  // namespace

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::text:
      return "text";
    case Kind::last_word:
      return "last_word";
    case Kind::choices:
      return "choices";
    case Kind::normalised_choices:
      return "normalised_choices";
  }
  return "";
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const Reader& reader : readers()) names.push_back(reader.format.name);
  return names;
}

Format format_of(const std::string& name) { return reader_of(name).format; }

std::vector<Question> read_questions(const Format& format, const std::filesystem::path& file,
                                     std::int64_t limit) {
  const Reader& reader = reader_of(format.name);
  const std::string text = read_file(file, kMostBytes);
  std::vector<Question> questions;
  for_each_line(text, [&](std::int64_t line, std::string_view row) {
    if (is_blank(row)) return true;
    const std::string where = concat(file.string(), ", line ", line);
    const nlohmann::json json = parse_json(row, where, kMostLineBytes);
    questions.push_back(reader.read(Fields(json, where)));
    questions.back().line = line;
    return static_cast<std::int64_t>(questions.size()) != limit;
  });
  if (!questions.empty()) return questions;
  throw BadFile({"an evaluation set has no rows", printable(file.string()),
                 "one JSON object a line", concat(text.size(), " bytes, all blank"),
                 "the layouts are in docs/evaluation.md"});
}

}  // namespace sinkwise::eval
