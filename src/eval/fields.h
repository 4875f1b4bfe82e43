#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sinkwise::eval {

// The members of one object of a row, none of which is believed. Every fault is a BadFile that
// says file, line and member.
class Fields {
 public:
  // `json` must live as long as this. `where` is the file and the line.
  Fields(const nlohmann::json& json, std::string where);

  bool has(const char* name) const { return json_.contains(name); }
  std::string text(const char* name) const;
  std::vector<std::string> texts(const char* name) const;  // a list
  std::vector<Fields> objects(const char* name) const;     // a list
  Fields object(const char* name) const;
  bool holds_object(const char* name) const;

  // A whole number from `first` on, or its digits in a text, counted from 0: below `count`.
  std::size_t choice(const char* name, std::size_t count, std::int64_t first = 0) const;

  [[noreturn]] void fail(const char* name, const std::string& expected,
                         const std::string& found) const;

 private:
  const nlohmann::json& member(const char* name, const char* expected) const;

  const nlohmann::json& json_;
  std::string where_;
};

}  // namespace sinkwise::eval
