#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sinkwise::data {

struct TextFile {
  std::string name;
  std::string bytes;
};

// The named files in the order of their names. BadFile for one that cannot be read, is empty or
// holds NUL bytes; BadConfig for one named twice and for more than max_bytes together.
std::vector<TextFile> read_text_files(std::vector<std::string> names, std::int64_t max_bytes);

// Marks `count` of the files, those whose names hash lowest: a choice that no other file's content
// and no seed can move.
std::vector<bool> lowest_by_hash(const std::vector<TextFile>& files, std::size_t count);

}  // namespace sinkwise::data
