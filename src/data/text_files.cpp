#include "text_files.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "checks.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/random.h"

namespace sinkwise::data {
namespace {

namespace fs = std::filesystem;

void check_names(const std::vector<std::string>& sorted) {
  check_option(!sorted.front().empty(), "text", "data.files", "names of files", "an empty name");
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return;
  check_option(false, "text", "data.files", "each file once", printable(*twice) + " twice");
}

void refuse_too_many_bytes(const std::vector<std::string>& names, std::int64_t max_bytes) {
  std::uintmax_t total = 0;
  for (const std::string& name : names) {
    std::error_code unreadable;  // read_file says what is wrong
    const std::uintmax_t size = fs::file_size(name, unreadable);
    if (!unreadable) total += size;
  }
  if (total <= static_cast<std::uintmax_t>(max_bytes)) return;
  throw BadConfig({.what = "the text files are longer than the memory set aside for them",
                   .where = "data.files, task text",
                   .expected = concat("at most ", max_bytes, " bytes (data.max_bytes)"),
                   .found = concat(total, " bytes in ", names.size(), " files"),
                   .next = concat("raise data.max_bytes to ", total, ", or name fewer files")});
}

void check_text(const TextFile& file) {
  if (file.bytes.empty()) {
    throw BadFile({.what = "a text file is empty",
                   .where = printable(file.name),
                   .expected = "some text",
                   .found = "0 bytes",
                   .next = "leave it out of data.files"});
  }
  const std::size_t nul = file.bytes.find('\0');
  if (nul == std::string::npos) return;
  throw BadFile({.what = "a text file is binary",
                 .where = concat(printable(file.name), ", byte ", nul),
                 .expected = "text without NUL bytes",
                 .found = "a NUL byte",
                 .next = "name a text file; token files are read by the task \"tokens\""});
}

}  // namespace

std::vector<TextFile> read_text_files(std::vector<std::string> names, std::int64_t max_bytes) {
  std::sort(names.begin(), names.end());
  check_names(names);
  refuse_too_many_bytes(names, max_bytes);
  std::vector<TextFile> files;
  for (const std::string& name : names) {
    files.push_back({name, read_file(name, static_cast<std::uint64_t>(max_bytes))});
    check_text(files.back());
  }
  return files;
}

std::vector<bool> lowest_by_hash(const std::vector<TextFile>& files, std::size_t count) {
  const auto hash = [&](std::size_t i) { return derive_seed(0, files[i].name.c_str()); };
  std::vector<std::size_t> order(files.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return hash(a) < hash(b); });
  std::vector<bool> marked(files.size(), false);
  for (std::size_t i = 0; i < count; ++i) marked[order[i]] = true;
  return marked;
}

}  // namespace sinkwise::data
