#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "sinkwise/core/error.h"

namespace sinkwise::data::test {

// A temporary folder that goes away with the object.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("sinkwise-data-" + std::to_string(std::random_device{}()))) {
    std::filesystem::create_directory(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  std::string at(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The message of the BadFile that `action` throws; empty when it throws none. Every field that
// tells a person what to do must be there.
template <typename Action>
std::string bad_file_message(Action action) {
  try {
    action();
    return {};
  } catch (const BadFile& error) {
    const ErrorText& text = error.text();
    const bool helpful =
        !text.where.empty() && !text.expected.empty() && !text.found.empty() && !text.next.empty();
    return helpful ? error.what() : "unhelpful: " + std::string(error.what());
  }
}

}  // namespace sinkwise::data::test
