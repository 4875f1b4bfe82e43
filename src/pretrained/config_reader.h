#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sinkwise::pretrained {

// A config.json, read member by member. Every refusal names the file and the member.
class ConfigReader {
 public:
  ConfigReader(nlohmann::json config, std::string where);

  bool has(const std::string& name) const;  // present and not null

  // A count or size: an integer from 1 to 2^24. BadFile when it is missing (without a default) or
  // anything else.
  std::int64_t size(const std::string& name) const;
  std::int64_t size(const std::string& name, std::int64_t otherwise) const;
  // The number of layers: from 1 to 4096, because every one of them takes memory.
  std::int64_t layers(const std::string& name) const;
  double number(const std::string& name, double otherwise) const;   // within the range of float32
  double epsilon(const std::string& name, double otherwise) const;  // from 0
  bool flag(const std::string& name, bool otherwise) const;
  std::string text(const std::string& name, const std::string& otherwise) const;
  std::vector<std::string> texts(const std::string& name) const;   // empty when missing
  std::vector<std::int64_t> sizes(const std::string& name) const;  // from 0; empty when missing
  std::vector<double> numbers(const std::string& name) const;  // as number(); empty when missing

  // A member that is an object, as a reader of its own; an empty one when missing.
  ConfigReader object(const std::string& name) const;

  // The same with other members: those of `defaults` where this has none, and without `name`.
  ConfigReader over(nlohmann::json defaults) const;
  ConfigReader without(const std::string& name) const;

  [[noreturn]] void refuse(const std::string& name, const std::string& expected) const;
  [[noreturn]] void unsupported(const std::string& name, const std::string& expected) const;

  const std::string& where() const { return where_; }
  const nlohmann::json& json() const { return config_; }

 private:
  std::string found(const std::string& name) const;
  const nlohmann::json* find(const std::string& name) const;

  nlohmann::json config_;
  std::string where_;
};

}  // namespace sinkwise::pretrained
