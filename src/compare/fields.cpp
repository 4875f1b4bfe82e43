#include "fields.h"

#include <limits>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

using nlohmann::json;

// A value as an error shows it: the kind and the beginning of the text.
std::string shown(const json& value) {
  constexpr std::size_t kMost = 60;
  std::string text = printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return std::string(value.type_name()) + " " + text;
}

const json& empty_object() {
  static const json object = json::object();
  return object;
}

}  // namespace

const Fields::Kind Fields::kRun = {"A file of a run has an unexpected content.",
                                   "train the run again, or leave it out of the comparison"};

Fields::Fields(const json& object, std::string file, std::string path, const Kind& kind)
    : object_(&object), file_(std::move(file)), path_(std::move(path)), kind_(&kind) {
  if (!object.is_object())
    throw BadFile({.what = kind.what,
                   .where = path_.empty() ? file_ : file_ + ", " + path_,
                   .expected = "an object",
                   .found = shown(object),
                   .next = kind.next});
}

std::string Fields::path_of(const std::string& key) const {
  return path_.empty() ? printable(key) : path_ + "." + printable(key);
}

std::string Fields::where(const std::string& key) const { return file_ + ", " + path_of(key); }

void Fields::fail(const std::string& key, const std::string& expected,
                  const std::string& found) const {
  throw BadFile({.what = kind_->what,
                 .where = where(key),
                 .expected = expected,
                 .found = found,
                 .next = kind_->next});
}

void Fields::require_schema(const std::string& expected) const {
  const std::string found = text("schema");
  if (found != expected) fail("schema", concat("\"", expected, "\""), printable(found));
}

const json* Fields::find(const char* key) const {
  const auto at = object_->find(key);
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

const json& Fields::need(const char* key, const char* expected) const {
  const json* value = find(key);
  if (value == nullptr) fail(key, expected, "nothing");
  return *value;
}

bool Fields::has(const char* key) const { return find(key) != nullptr; }

std::string Fields::text(const char* key) const {
  const json& value = need(key, "a text");
  if (!value.is_string()) fail(key, "a text", shown(value));
  return value.get<std::string>();
}

std::string Fields::text_or(const char* key, const std::string& other) const {
  return has(key) ? text(key) : other;
}

bool Fields::truth(const char* key) const {
  const json& value = need(key, "true or false");
  if (!value.is_boolean()) fail(key, "true or false", shown(value));
  return value.get<bool>();
}

std::int64_t Fields::integer(const char* key) const {
  const json& value = need(key, "a whole number");
  if (!value.is_number_integer()) fail(key, "a whole number", shown(value));
  return value.get<std::int64_t>();
}

std::int64_t Fields::integer_or(const char* key, std::int64_t other) const {
  return has(key) ? integer(key) : other;
}

double Fields::number(const char* key) const {
  const json* value = find(key);
  if (value == nullptr) return std::numeric_limits<double>::quiet_NaN();
  if (!value->is_number()) fail(key, "a number or null", shown(*value));
  return value->get<double>();
}

std::vector<double> Fields::numbers_in(const json& list, const std::string& key) const {
  if (!list.is_array()) fail(key, "a list of numbers", shown(list));
  std::vector<double> values;
  for (const json& item : list) {
    if (!item.is_number() && !item.is_null()) fail(key, "a list of numbers", shown(item));
    values.push_back(item.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                    : item.get<double>());
  }
  return values;
}

std::vector<double> Fields::numbers(const char* key) const {
  const json* list = find(key);
  return list == nullptr ? std::vector<double>{} : numbers_in(*list, key);
}

std::vector<std::vector<double>> Fields::number_rows(const char* key) const {
  const json* list = find(key);
  if (list == nullptr) return {};
  if (!list->is_array()) fail(key, "a list of lists of numbers", shown(*list));
  std::vector<std::vector<double>> rows;
  for (const json& row : *list) rows.push_back(numbers_in(row, concat(key, "[", rows.size(), "]")));
  return rows;
}

Fields Fields::object(const char* key) const {
  const json* value = find(key);
  return Fields(value == nullptr ? empty_object() : *value, file_, path_of(key), *kind_);
}

std::vector<Fields> Fields::objects(const char* key) const {
  const json* list = find(key);
  if (list == nullptr) return {};
  if (!list->is_array()) fail(key, "a list of objects", shown(*list));
  std::vector<Fields> views;
  for (const json& item : *list)
    views.emplace_back(item, file_, concat(path_of(key), "[", views.size(), "]"), *kind_);
  return views;
}

}  // namespace sinkwise::compare
