#include "vocabulary_listeners.h"

#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

constexpr const char* kNext = "fetch the tokenizer again from where the model came from";

}  // namespace

void VocabularyListener::refuse(const std::string& found) const {
  throw BadFile({.what = "a vocabulary is not valid",
                 .where = where_,
                 .expected = "an object of tokens and their ids",
                 .found = found,
                 .next = kNext});
}

void VocabularyListener::open(bool object) {
  if (heard_ || !object) refuse(object ? "an object inside it" : "a list");
  heard_ = true;
}

void VocabularyListener::string(std::string& value) { refuse("'" + printable(value) + "'"); }

void VocabularyListener::whole(std::int64_t value) {
  if (!heard_) refuse(std::to_string(value));
  vocabulary_.add(value, token_, where_);
}

void VocabularyListener::other(const nlohmann::json& value) { refuse(value.dump()); }

std::string MergesListener::place() const { return concat(where_, "[", merges_.size(), "]"); }

void MergesListener::refuse(const std::string& found) const {
  throw BadFile({.what = "a list of merges is not valid",
                 .where = place(),
                 .expected = "a list of strings 'left right' or of pairs of strings",
                 .found = found,
                 .next = kNext});
}

void MergesListener::open(bool object) {
  if (object || depth_ == 2) refuse(object ? "an object" : "a list inside a pair");
  heard_ = true;
  ++depth_;
  parts_ = 0;
}

void MergesListener::close() {
  if (--depth_ == 0) return;
  if (parts_ != 2) refuse(concat("a list of ", parts_));
  merges_.add(left_, right_);
}

void MergesListener::string(std::string& value) {
  if (depth_ == 0) refuse("'" + printable(value) + "'");
  if (depth_ == 2) {
    if (++parts_ > 2) refuse("a third string in a pair");
    (parts_ == 1 ? left_ : right_).swap(value);
    return;
  }
  add_merge(merges_, value, [this](std::size_t) { return place(); });
}

void MergesListener::other(const nlohmann::json& value) { refuse(value.dump()); }

}  // namespace sinkwise::tokenizer
