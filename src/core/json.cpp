#include "sinkwise/core/json.h"

#include <cstring>
#include <iterator>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise {
namespace {

using nlohmann::json;

// A character iterator that tells how far the parser has come.
struct TrackedIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** progress;

  reference operator*() const { return *at; }
  TrackedIterator& operator++() {
    *progress = ++at;
    return *this;
  }
  TrackedIterator operator++(int) {
    const TrackedIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackedIterator& other) const { return at == other.at; }
  bool operator!=(const TrackedIterator& other) const { return at != other.at; }
};

// Builds the value event by event and refuses what the library itself would let pass: repeated keys
// and deep nesting.
class Builder : public nlohmann::json_sax<json> {
 public:
  Builder(std::string_view text, std::string_view where, JsonLimits limits, JsonOffsets* offsets,
          const JsonListeners& listeners)
      : begin_(text.data()),
        end_(text.data() + text.size()),
        progress_(text.data()),
        where_(where),
        limits_(limits),
        offsets_(offsets),
        listeners_(listeners) {}

  json parse() {
    // The library takes a NUL for the end of the text and would ignore what follows.
    const void* nul = begin_ == end_ ? nullptr : std::memchr(begin_, 0, text_size());
    if (nul != nullptr) {
      fail(static_cast<std::size_t>(static_cast<const char*>(nul) - begin_), "no NUL byte", "one");
    }
    json::sax_parse(TrackedIterator{begin_, &progress_}, TrackedIterator{end_, &progress_}, this);
    return std::move(root_);
  }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add_whole(value); }
  bool number_unsigned(number_unsigned_t value) override { return add_whole(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override {
    JsonListener* const listener = listening();
    if (listener == nullptr) return add(std::move(value));
    listener->string(value);
    return true;
  }
  bool binary(binary_t& value) override { return add(std::move(value)); }

  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (inside_ > 0) {
      listener_->key(name);
      return true;
    }
    const auto [slot, fresh] = stack_.back()->get_ref<json::object_t&>().emplace(name, nullptr);
    if (!fresh) fail(position(), "a key appears once", "a repeated key '" + printable(name) + "'");
    slot_ = &slot->second;
    if (offsets_ != nullptr && stack_.size() == 1) offsets_->members[name] = position();
    if (!listeners_.empty()) enter_path(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const json::exception& error) override {
    fail(position, "well-formed JSON", printable(error.what()));
  }

 private:
  std::size_t text_size() const { return static_cast<std::size_t>(end_ - begin_); }
  std::size_t position() const { return static_cast<std::size_t>(progress_ - begin_); }

  [[noreturn]] void fail(std::size_t position, const std::string& expected,
                         const std::string& found) const {
    const std::size_t base = offsets_ != nullptr ? offsets_->first_byte : 0;
    throw BadFile({.what = "cannot read a JSON text",
                   .where = concat(printable(where_), ", byte ", base + position),
                   .expected = expected,
                   .found = found,
                   .next = "write the file again, or fetch it again from where it came"});
  }

  json* place(json value) {
    if (stack_.empty()) return &(root_ = std::move(value));
    json& parent = *stack_.back();
    if (parent.is_object()) return &(*slot_ = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }

  // path_ becomes that of the member `name`; empty elements stand for arrays.
  void enter_path(const std::string& name) {
    path_.resize(stack_.size());
    path_.back() = name;
    listener_ = listener_of(join(path_, "."));
  }

  JsonListener* listener_of(const std::string& path) const {
    const auto found = listeners_.find(path);
    return found == listeners_.end() ? nullptr : found->second;
  }

  // Who takes the value that comes now; nullptr when it goes into the tree.
  JsonListener* listening() {
    if (inside_ > 0) return listener_;
    if (stack_.empty()) return listener_of("");
    return stack_.back()->is_object() ? listener_ : nullptr;
  }

  template <typename Value>
  bool add(Value&& value) {
    if (JsonListener* const listener = listening()) {
      listener->other(json(std::forward<Value>(value)));
    } else {
      place(json(std::forward<Value>(value)));
    }
    return true;
  }

  template <typename Whole>
  bool add_whole(Whole value) {
    JsonListener* const listener = listening();
    if (listener == nullptr || !std::in_range<std::int64_t>(value)) return add(value);
    listener->whole(static_cast<std::int64_t>(value));
    return true;
  }

  bool open(bool object) {
    if (static_cast<int>(stack_.size()) + inside_ >= limits_.max_depth) {
      fail(position(), concat("at most ", limits_.max_depth, " nested levels"), "one more");
    }
    if (JsonListener* const listener = listening()) {
      listener_ = listener;
      ++inside_;
      listener->open(object);
    } else {
      stack_.push_back(place(object ? json::object() : json::array()));
      path_.resize(stack_.size() - 1);
    }
    return true;
  }

  bool close() {
    if (inside_ > 0) {
      --inside_;
      listener_->close();
    } else {
      stack_.pop_back();
    }
    return true;
  }

  const char* begin_;
  const char* end_;
  const char* progress_;
  std::string_view where_;
  JsonLimits limits_;
  JsonOffsets* offsets_;
  json root_;
  std::vector<json*> stack_;  // open containers; a parent grows only after its last child is closed
  json* slot_ = nullptr;      // value of the key just read
  const JsonListeners& listeners_;
  JsonListener* listener_ = nullptr;  // of the member whose key was read last
  int inside_ = 0;                    // open containers that listener_ takes
  std::vector<std::string> path_;     // names of the members that stack_ leads through
};

json parse(std::string_view text, std::string_view where, JsonLimits limits, JsonOffsets* offsets,
           const JsonListeners& listeners) {
  if (text.size() > limits.max_bytes) {
    throw BadFile({.what = "a JSON text is too long",
                   .where = printable(where),
                   .expected = concat("at most ", limits.max_bytes, " bytes"),
                   .found = concat(text.size(), " bytes"),
                   .next = "check that this is the right file"});
  }
  try {
    return Builder(text, where, limits, offsets, listeners).parse();
  } catch (const std::bad_alloc&) {
    throw BadFile({.what = "a JSON text needs more memory than there is",
                   .where = printable(where),
                   .expected = {},
                   .found = concat(text.size(), " bytes"),
                   .next = "check that this is the right file"});
  }
}

}  // namespace

json parse_json(std::string_view text, std::string_view where, JsonLimits limits,
                JsonOffsets* offsets) {
  return parse(text, where, limits, offsets, {});
}

json parse_json(std::string_view text, std::string_view where, JsonLimits limits,
                const JsonListeners& listeners) {
  return parse(text, where, limits, nullptr, listeners);
}

json parse_json(std::string_view text, std::string_view where, std::size_t max_bytes,
                int max_depth) {
  return parse_json(text, where, JsonLimits{.max_bytes = max_bytes, .max_depth = max_depth});
}

std::string json_text(const json& value, int indent) {
  try {
    return value.dump(indent);
  } catch (const json::exception& error) {
    throw BadArgument({.what = "cannot write a value as JSON",
                       .where = "json_text",
                       .expected = "strings in UTF-8",
                       .found = printable(error.what()),
                       .next = "pass text through printable() first"});
  }
}

}  // namespace sinkwise
