#include "fields.h"

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

using nlohmann::json;

std::string excerpt(const json& value) {
  constexpr std::size_t kLongest = 80;
  const std::string text = printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

}  // namespace

std::string Field::where() const {
  return concat(printable(*file_), ", ", path_.empty() ? "outermost value" : printable(path_));
}

std::optional<Field> Field::find(const std::string& name) const {
  if (!value_->is_object()) refuse("an object");
  const auto found = value_->find(name);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return Field(*found, *file_, path_.empty() ? name : concat(path_, ".", name));
}

Field Field::at(const std::string& name) const {
  auto field = find(name);
  if (!field) refuse(concat("a member '", name, "'"));
  return *std::move(field);
}

std::vector<Field> Field::items() const {
  if (!value_->is_array()) refuse("a list");
  std::vector<Field> fields;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    fields.emplace_back((*value_)[i], *file_, concat(path_, "[", i, "]"));
  }
  return fields;
}

std::vector<std::pair<std::string, Field>> Field::members() const {
  if (!value_->is_object()) refuse("an object");
  std::vector<std::pair<std::string, Field>> fields;
  for (const auto& [name, value] : value_->items()) {
    fields.emplace_back(name, Field(value, *file_, concat(path_, ".", name)));
  }
  return fields;
}

std::string Field::text() const {
  if (!value_->is_string()) refuse("a string");
  return value_->get<std::string>();
}

bool Field::truth() const {
  if (!value_->is_boolean()) refuse("true or false");
  return value_->get<bool>();
}

std::int64_t Field::whole() const {
  const bool fits = value_->is_number_integer() &&
                    (!value_->is_number_unsigned() || value_->get<std::uint64_t>() <= INT64_MAX);
  if (!fits) refuse("a whole number");
  return value_->get<std::int64_t>();
}

bool Field::truth_or(const std::string& name, bool otherwise) const {
  const auto field = find(name);
  return field ? field->truth() : otherwise;
}

void Field::refuse(std::string expected) const {
  throw BadFile({.what = "a tokenizer file is not valid",
                 .where = where(),
                 .expected = std::move(expected),
                 .found = excerpt(*value_),
                 .next = "fetch the tokenizer again from where the model came from"});
}

void Field::not_supported(const std::string& supported) const {
  throw Unsupported({.what = "a tokenizer asks for something that is not supported",
                     .where = where(),
                     .expected = supported,
                     .found = excerpt(*value_),
                     .next = "docs/tokenizers.md lists what is supported"});
}

}  // namespace sinkwise::tokenizer
