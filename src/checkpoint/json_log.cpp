#include "sinkwise/checkpoint/json_log.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/mapped_file.h"

namespace sinkwise::checkpoint {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestLine = std::size_t{16} << 20;

std::optional<std::int64_t> step_of(const json& record) {
  if (!record.is_object()) return std::nullopt;
  const auto step = record.find("step");
  if (step == record.end() || !step->is_number_integer()) return std::nullopt;
  const bool fits = step->is_number_unsigned() ? step->get<std::uint64_t>() <= INT64_MAX
                                               : step->get<std::int64_t>() >= 0;
  return fits ? std::optional(step->get<std::int64_t>()) : std::nullopt;
}

bool keeps(std::string_view line, std::int64_t last) {
  try {
    const auto step = step_of(parse_json(line, "log", kLongestLine));
    return step && *step <= last;
  } catch (const BadFile&) {
    return false;
  }
}

}  // namespace

JsonLog::JsonLog(const std::filesystem::path& path) : file_(path, OutputFile::Mode::append) {
  file_.sync_name();
  cut_unfinished_line();
}

void JsonLog::cut_unfinished_line() {
  const MappedFile mapped = MappedFile::open(file_.path());
  const std::string_view text = text_of(mapped.bytes());
  const std::size_t whole = text.rfind('\n') + 1;  // npos + 1 is 0: no whole line
  if (whole != text.size()) file_.truncate(whole);
}

void JsonLog::append(const json& record) {
  if (!step_of(record)) {
    throw BadArgument({.what = "cannot log a record",
                       .where = "JsonLog::append",
                       .expected = "an object with a whole number 'step' >= 0",
                       .found = json_text(record),
                       .next = {}});
  }
  const std::string line = json_text(record) + "\n";
  const std::uint64_t before = file_.size();
  try {
    file_.write(bytes_of(line));
    file_.sync();
  } catch (const ResourceError&) {
    file_.truncate(before);
    throw;
  }
}

void JsonLog::truncate_after(std::int64_t step) {
  const MappedFile mapped = MappedFile::open(file_.path());
  const std::string_view text = text_of(mapped.bytes());
  AtomicFile kept(file_.path());
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string_view::npos; begin = end + 1) {
    const std::string_view line = text.substr(begin, end - begin);
    if (keeps(line, step)) kept.write(bytes_of(text.substr(begin, line.size() + 1)));
  }
  kept.commit();
  file_ = OutputFile(file_.path(), OutputFile::Mode::append);
}

}  // namespace sinkwise::checkpoint
