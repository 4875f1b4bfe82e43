#include "manifest.h"

#include <utility>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/hash.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::checkpoint {
namespace {

using nlohmann::json;

constexpr std::int64_t kSchema = 1;
constexpr std::string_view kBeforeHash = "{\"hash\":\"";
constexpr std::string_view kBeforeBody = "\",\"body\":";
constexpr std::string_view kAfterBody = "}\n";
constexpr std::size_t kHashDigits = 32;
constexpr int kMaxDepth = 64;

[[noreturn]] void refuse(const std::string& where, std::string expected, std::string found) {
  throw BadFile({.what = "not a valid checkpoint manifest",
                 .where = where,
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .next = "resume from another checkpoint"});
}

std::string wrap(const std::string& body) {
  return concat(kBeforeHash, hash_hex(bytes_of(body)), kBeforeBody, body, kAfterBody);
}

// The body, once wrapping it again gives the same bytes.
std::string unwrap(std::string_view text, const std::string& where) {
  const std::size_t before = kBeforeHash.size() + kHashDigits + kBeforeBody.size();
  const std::size_t around = before + kAfterBody.size();
  if (text.size() < around)
    refuse(where, concat("at least ", around, " bytes"), concat(text.size()));
  std::string body(text.substr(before, text.size() - around));
  if (wrap(body) != text) refuse(where, "content that fits its hash", "other content");
  return body;
}

const json& field(const json& object, const char* name, const std::string& where) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (found == object.end()) refuse(where, concat("a field '", name, "'"), "none");
  return *found;
}

std::string text_field(const json& object, const char* name, const std::string& where) {
  const json& value = field(object, name, where);
  if (!value.is_string()) refuse(where, concat("a string '", name, "'"), "another type");
  return value.get<std::string>();
}

std::int64_t count_field(const json& object, const char* name, const std::string& where) {
  const json& value = field(object, name, where);
  const bool fits = value.is_number_unsigned() && value.get<std::uint64_t>() <= INT64_MAX;
  if (!fits) refuse(where, concat("a whole number '", name, "' >= 0"), "another value");
  return value.get<std::int64_t>();
}

Manifest::File file_entry(const json& entry, const std::string& where) {
  Manifest::File file{
      .name = text_field(entry, "name", where),
      .written = {.bytes = static_cast<std::uint64_t>(count_field(entry, "bytes", where)),
                  .hash = text_field(entry, "hash", where)}};
  if (!is_plain_name(file.name))
    refuse(where, "plain file names", "'" + printable(file.name) + "'");
  return file;
}

}  // namespace

std::string manifest_text(const Manifest& manifest) {
  json files = json::array();
  for (const auto& [name, written] : manifest.files) {
    files.push_back({{"name", name}, {"bytes", written.bytes}, {"hash", written.hash}});
  }
  const json body = {{"schema", kSchema},
                     {"step", manifest.step},
                     {"config_fingerprint", manifest.identity.config_fingerprint},
                     {"commit", manifest.identity.commit},
                     {"files", std::move(files)},
                     {"state", manifest.state}};
  return wrap(json_text(body, 1));
}

Manifest parse_manifest(std::string_view text, const std::string& where) {
  const json body = parse_json(unwrap(text, where), where, kMaxManifestBytes, kMaxDepth);
  const std::int64_t schema = count_field(body, "schema", where);
  if (schema != kSchema) refuse(where, concat("schema ", kSchema), concat("schema ", schema));
  Manifest manifest{
      .step = count_field(body, "step", where),
      .identity = {.config_fingerprint = text_field(body, "config_fingerprint", where),
                   .commit = text_field(body, "commit", where)},
      .files = {},
      .state = field(body, "state", where)};
  const json& files = field(body, "files", where);
  if (!files.is_array()) refuse(where, "a list 'files'", "another type");
  for (const json& entry : files) manifest.files.push_back(file_entry(entry, where));
  return manifest;
}

void check_state(const json& state) {
  constexpr std::size_t kRoomForTheRest = std::size_t{1} << 20;
  std::string problem;
  try {
    const std::string text = json_text(state, 1);
    const std::size_t most = kMaxManifestBytes - kRoomForTheRest;
    if (parse_json(text, "state", most, kMaxDepth - 1) == state) return;
    problem = "NaN, an infinity or binary data";
  } catch (const BadFile& error) {
    problem = error.what();
  }
  throw BadArgument({.what = "this state would not survive a checkpoint",
                     .where = "RunDirectory::save, state",
                     .expected = "a value that reads back equal from its JSON text",
                     .found = problem,
                     .next = {}});
}

bool is_plain_name(std::string_view name) {
  constexpr std::size_t kLongest = 200;  // leaves room for the suffix of a temporary
  constexpr std::string_view kForbidden("/\0", 2);
  return !name.empty() && name.size() <= kLongest && name.front() != '.' &&
         name.find_first_of(kForbidden) == std::string_view::npos;
}

}  // namespace sinkwise::checkpoint
