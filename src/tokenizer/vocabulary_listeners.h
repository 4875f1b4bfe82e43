#pragma once

#include <cstdint>
#include <string>

#include "sinkwise/core/json.h"
#include "vocabulary.h"

namespace sinkwise::tokenizer {

// Reads {"token": id, ...} into a vocabulary.
class VocabularyListener final : public JsonListener {
 public:
  // `where` names file and member.
  VocabularyListener(Vocabulary& vocabulary, std::string where)
      : vocabulary_(vocabulary), where_(std::move(where)) {}

  bool heard() const { return heard_; }

  void open(bool object) override;
  void close() override {}
  void key(std::string& name) override { token_.swap(name); }
  void string(std::string& value) override;
  void whole(std::int64_t value) override;
  void other(const nlohmann::json& value) override;

 private:
  [[noreturn]] void refuse(const std::string& found) const;

  Vocabulary& vocabulary_;
  std::string where_;
  std::string token_;
  bool heard_ = false;
};

// Reads ["left right", ...] or [["left", "right"], ...] into a list of merges.
class MergesListener final : public JsonListener {
 public:
  MergesListener(MergeList& merges, std::string where)
      : merges_(merges), where_(std::move(where)) {}

  bool heard() const { return heard_; }

  void open(bool object) override;
  void close() override;
  void key(std::string&) override {}
  void string(std::string& value) override;
  void whole(std::int64_t value) override { refuse(std::to_string(value)); }
  void other(const nlohmann::json& value) override;

 private:
  std::string place() const;
  [[noreturn]] void refuse(const std::string& found) const;

  MergeList& merges_;
  std::string where_;
  int depth_ = 0;
  int parts_ = 0;  // of the pair that is open
  std::string left_;
  std::string right_;
  bool heard_ = false;
};

}  // namespace sinkwise::tokenizer
