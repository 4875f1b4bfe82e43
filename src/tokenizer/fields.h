#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sinkwise::tokenizer {

// A value of a tokenizer's JSON file that knows its place, so that every refusal names file and
// path. Refers to the tree and to the file's name.
class Field {
 public:
  Field(const nlohmann::json& value, const std::string& file, std::string path)
      : value_(&value), file_(&file), path_(std::move(path)) {}

  // "tokenizer.json, pre_tokenizer.pattern"
  std::string where() const;
  const nlohmann::json& value() const { return *value_; }

  Field at(const std::string& name) const;                   // BadFile when it is not there
  std::optional<Field> find(const std::string& name) const;  // none when absent or null
  std::vector<Field> items() const;                          // BadFile unless it is a list
  std::vector<std::pair<std::string, Field>> members() const;

  std::string text() const;  // these: BadFile for another type
  bool truth() const;
  std::int64_t whole() const;

  bool truth_or(const std::string& name, bool otherwise) const;

  [[noreturn]] void refuse(std::string expected) const;                 // BadFile; found: the value
  [[noreturn]] void not_supported(const std::string& supported) const;  // Unsupported

 private:
  const nlohmann::json* value_;
  const std::string* file_;
  std::string path_;
};

}  // namespace sinkwise::tokenizer
