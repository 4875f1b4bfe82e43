#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sinkwise::compare {

// A JSON object of a file together with where it stands, so that every fault names file and field:
// "result.json, final.layers[2].importance". A missing member and null are both "not measured".
// Everything throws BadFile for a member of another type than the one asked for.
class Fields {
 public:
  // What an error says of the file as a whole, and what to do about it.
  struct Kind {
    const char *what, *next;
  };
  static const Kind kRun;

  Fields(const nlohmann::json& object, std::string file, std::string path = "",
         const Kind& kind = kRun);

  bool has(const char* key) const;  // present and not null

  std::string text(const char* key) const;  // must be there
  std::string text_or(const char* key, const std::string& other) const;
  bool truth(const char* key) const;            // must be there
  std::int64_t integer(const char* key) const;  // must be there
  std::int64_t integer_or(const char* key, std::int64_t other) const;
  double number(const char* key) const;                // NaN when missing
  std::vector<double> numbers(const char* key) const;  // null items become NaN
  std::vector<std::vector<double>> number_rows(const char* key) const;

  Fields object(const char* key) const;  // empty when missing
  std::vector<Fields> objects(const char* key) const;

  void require_schema(const std::string& expected) const;  // of the member "schema"

  const nlohmann::json& value() const { return *object_; }
  std::string where(const std::string& key) const;  // "file, path.key"
  [[noreturn]] void fail(const std::string& key, const std::string& expected,
                         const std::string& found) const;

 private:
  const nlohmann::json* find(const char* key) const;  // nullptr when missing or null
  const nlohmann::json& need(const char* key, const char* expected) const;
  std::string path_of(const std::string& key) const;
  std::vector<double> numbers_in(const nlohmann::json& list, const std::string& key) const;

  const nlohmann::json* object_;  // outlives this view
  std::string file_, path_;
  const Kind* kind_;
};

}  // namespace sinkwise::compare
