#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace sinkwise {

// What a JSON text from outside may be.
struct JsonLimits {
  std::size_t max_bytes = 0;
  int max_depth = 64;  // of nested arrays and objects
};

// For errors about the content of a parsed text.
struct JsonOffsets {
  std::size_t first_byte = 0;  // offset of the text in its file, added to every offset
  std::map<std::string, std::size_t>
      members;  // filled in: where the outermost object's members are
};

// Takes one value of a text as events instead of as a tree: a vocabulary of 200,000 entries as a
// tree costs seconds. Keys repeated inside that value are the listener's to notice; it may throw.
class JsonListener {
 public:
  virtual ~JsonListener() = default;
  virtual void open(bool object) = 0;  // an object or an array begins; the outermost one included
  virtual void close() = 0;
  virtual void key(std::string& name) = 0;  // may be moved from, as may the next
  virtual void string(std::string& value) = 0;
  virtual void whole(std::int64_t value) = 0;
  virtual void other(const nlohmann::json& value) = 0;  // null, a truth value or any other number
};

// Listeners by path: "model.vocab" is that member of the object "model", "" the whole text. Paths
// do not lead through arrays. In the tree their values are null.
using JsonListeners = std::map<std::string, JsonListener*>;

// Parses one JSON value and nothing after it. `where` names the file in errors. BadFile with the
// byte offset when the text is malformed, no UTF-8, too long or too deep, has a number beyond
// double, or repeats a key in one object (two readers could then see two different files).
nlohmann::json parse_json(std::string_view text, std::string_view where, JsonLimits limits,
                          JsonOffsets* offsets = nullptr);
nlohmann::json parse_json(std::string_view text, std::string_view where, std::size_t max_bytes,
                          int max_depth = 64);
nlohmann::json parse_json(std::string_view text, std::string_view where, JsonLimits limits,
                          const JsonListeners& listeners);

// The text of `value`, keys sorted, doubles in a form that reads back to the same bits, NaN and
// infinities as null; on one line when `indent` is negative. BadArgument when a string is no UTF-8.
std::string json_text(const nlohmann::json& value, int indent = -1);

}  // namespace sinkwise
