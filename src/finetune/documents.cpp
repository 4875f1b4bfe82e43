#include "sinkwise/finetune/documents.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/lines.h"
#include "sinkwise/core/text.h"
#include "tokens.h"

namespace sinkwise::finetune {
namespace {

using nlohmann::json;
using tokenizer::SpecialText;
using tokenizer::Tokenizer;

using Dialogue = std::function<DialogueTemplate()>;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr std::size_t kMostLineBytes = std::size_t{64} << 20;

// One line of a file; every refusal names both.
class Line {
 public:
  Line(const std::string& file, std::int64_t number, std::string_view text)
      : where_(concat(printable(file), ", line ", number)) {
    value_ = parse_json(text, where_, kMostLineBytes);
    if (!value_.is_object()) refuse("", "an object", value_.type_name());
  }

  data::Document read(const Tokenizer& tokenizer, const Dialogue& dialogue) const {
    const auto members = {"text", "messages", "segments"};
    const auto given =
        std::ranges::count_if(members, [&](auto* name) { return value_.contains(name); });
    if (given != 1) {
      refuse("", "one of the members text, messages and segments", given == 0 ? "none" : "several");
    }
    if (value_.contains("messages")) return read_dialogue(tokenizer, dialogue);
    if (value_.contains("segments")) return document_of(tokenizer, segments());
    return document_of(tokenizer, text_of(value_, "text", "text"), SpecialText::plain);
  }

  [[noreturn]] void refuse(const std::string& member, const std::string& expected,
                           const std::string& found) const {
    throw BadFile({"a line of a data file is not as it should be",
                   member.empty() ? where_ : concat(where_, ", ", member), expected, found,
                   "correct or remove the line"});
  }

 private:
  std::string text_of(const json& object, const char* name, const std::string& member) const {
    if (!object.is_object() || !object.contains(name)) refuse(member, "a text", "none");
    const json& text = object.at(name);
    if (!text.is_string()) refuse(member, "a text", text.type_name());
    return text.get<std::string>();
  }

  const json& list_of(const char* name) const {
    const json& list = value_.at(name);
    if (!list.is_array()) refuse(name, "a list", list.type_name());
    if (list.empty()) refuse(name, "at least one entry", "none");
    return list;
  }

  // A dialogue that another program has put into text.
  std::vector<Turn> segments() const {
    const json& list = list_of("segments");
    std::vector<Turn> turns;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string member = concat("segments[", i, "].");
      std::string text = text_of(list[i], "text", member + "text");
      const json label = list[i].value("label", json());
      if (!label.is_boolean()) refuse(member + "label", "true or false", label.type_name());
      turns.push_back({std::move(text), label.get<bool>()});
    }
    return turns;
  }

  data::Document read_dialogue(const Tokenizer& tokenizer, const Dialogue& dialogue) const {
    const json& list = list_of("messages");
    std::vector<Message> messages;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string member = concat("messages[", i, "].");
      messages.push_back({text_of(list[i], "role", member + "role"),
                          text_of(list[i], "content", member + "content")});
    }
    const DialogueTemplate known = dialogue();
    const std::string unmet = known.unmet(messages);
    if (!unmet.empty()) refuse("messages", unmet, "other roles");
    return document_of(tokenizer, known.apply(messages));
  }

  std::string where_;
  json value_;
};

void read_lines(const std::string& path, const std::string& content, const Tokenizer& tokenizer,
                const Dialogue& dialogue, std::vector<data::Document>& documents) {
  for_each_line(content, [&](std::int64_t number, std::string_view text) {
    if (!is_blank(text)) documents.push_back(Line(path, number, text).read(tokenizer, dialogue));
    return true;
  });
}

data::Document text_document(const std::string& path, const std::string& content,
                             const Tokenizer& tokenizer) {
  try {
    return document_of(tokenizer, content, SpecialText::plain);
  } catch (const BadArgument& refused) {
    ErrorText text = refused.text();
    text.where = concat(printable(path), ", ", text.where);
    throw BadFile(text);
  }
}

std::vector<data::Document> read_one(const std::string& path, const Tokenizer& tokenizer,
                                     const Dialogue& dialogue) {
  const std::string content = read_file(path, kMostBytes);
  std::vector<data::Document> documents;
  if (path.ends_with(".json")) {
    throw BadFile(
        {"a data file is neither text nor JSON Lines", printable(path),
         "*.jsonl with an object a line, or text", "a name that ends in .json",
         "put each document on a line of its own, or rename the file to train on its text"});
  }
  if (path.ends_with(".jsonl")) {
    read_lines(path, content, tokenizer, dialogue, documents);
  } else {
    documents.push_back(text_document(path, content, tokenizer));
  }
  return documents;
}

}  // namespace

std::vector<data::Document> read_documents(const std::vector<std::string>& files,
                                           const Tokenizer& tokenizer, const Dialogue& dialogue) {
  std::vector<data::Document> all;
  for (const std::string& path : files) {
    std::vector<data::Document> documents = read_one(path, tokenizer, dialogue);
    std::size_t tokens = 0;
    for (data::Document& document : documents) {
      tokens += document.tokens.size();
      if (!document.tokens.empty()) all.push_back(std::move(document));
    }
    if (tokens > 0) continue;
    throw BadFile({"a data file encodes to nothing", printable(path), "at least one token", "none",
                   "give a file with text in it"});
  }
  return all;
}

}  // namespace sinkwise::finetune
