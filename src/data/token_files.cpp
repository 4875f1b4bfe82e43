#include "sinkwise/data/token_files.h"

#include <algorithm>
#include <cmath>

#include "checks.h"
#include "streams.h"

namespace sinkwise::data {
namespace {

constexpr std::int64_t kLargestVocabulary = std::int64_t{1} << 31;  // ids are int32
constexpr std::int64_t kScanned = 256 << 20;                        // bytes, see the header

void check(const TokenFilesOptions& options) {
  const std::string task = "tokens";
  check_option(!options.files.empty(), task, "data.files", "at least one token file", "none");
  check_between(options.length, 1, kLongest, task, "task.length");
  check_between(options.vocabulary, 0, kLargestVocabulary, task, "data.vocabulary");
  check_between(options.validation_rows, 1, 1 << 24, task, "task.validation_rows");
  const double f = options.validation_fraction;
  check_option(f > 0.0 && f < 1.0, task, "data.validation_fraction", "a number in (0, 1)",
               concat(f));
  const double bytes = options.bytes_per_token;
  check_option(bytes >= 0.0 && std::isfinite(bytes), task, "data.bytes_per_token", "a number >= 0",
               concat(bytes));
}

}  // namespace

TokenFiles::TokenFiles(TokenFilesOptions options) : options_(std::move(options)) {
  check(options_);
  open(options_.files, "data.files");
  open(options_.validation_files, "data.validation_files");
  split();
  settle_vocabulary();
}

void TokenFiles::open(const std::vector<std::string>& paths, const std::string& key) {
  for (const std::string& path : paths) {
    check_option(!path.empty(), "tokens", key, "names of files", "an empty name");
    files_.push_back(TokenFile::open(path));
  }
}

void TokenFiles::split() {
  const bool tails = options_.validation_files.empty();
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const std::int64_t size = files_[i].size();
    if (i >= options_.files.size()) {
      add_part(validation_, {i, 0, size});
      continue;
    }
    const auto part = std::llround(static_cast<double>(size) * options_.validation_fraction);
    const std::int64_t tail = std::max<std::int64_t>(part, options_.length + 1);
    const std::int64_t cut = tails ? std::max<std::int64_t>(0, size - tail) : size;
    add_part(train_, {i, 0, cut});
    if (tails) add_part(validation_, {i, cut, size});
  }
}

void TokenFiles::add_part(Side& side, Part part) const {
  const std::int64_t windows = part.last - part.first - options_.length;
  if (windows <= 0) {
    const bool tails = options_.validation_files.empty();
    throw BadFile({.what = "a token file is too short for its windows",
                   .where = printable(files_[part.file].path().string()),
                   .expected = concat("at least ", (tails ? 2 : 1) * (options_.length + 1),
                                      " tokens (task.length ", options_.length,
                                      tails ? ", one window to train and one held out)" : ")"),
                   .found = concat(files_[part.file].size(), " tokens"),
                   .next = "shorten task.length or leave the file out"});
  }
  const std::int64_t before = side.windows.empty() ? 0 : side.windows.back();
  side.parts.push_back(part);
  side.windows.push_back(before + windows);
}

void TokenFiles::settle_vocabulary() {
  const bool known = options_.vocabulary > 0;
  std::int64_t largest = 0;
  for (const TokenFile& file : files_) {
    if (known && file.size() * file.bytes_per_id() > kScanned) continue;
    const std::int64_t limit = known ? options_.vocabulary : kLargestVocabulary - 1;
    largest = std::max(largest, file.largest_id(limit));
  }
  vocabulary_ = known ? options_.vocabulary : largest + 1;
  const std::int64_t document = options_.document_token;
  check_option(document >= -1 && document < vocabulary_, "tokens", "data.document_token",
               concat("-1 (none) or an id below ", vocabulary_), std::to_string(document));
}

void TokenFiles::fill(Batch& batch, std::int64_t row, const Side& side, std::int64_t window) const {
  const auto place = std::upper_bound(side.windows.begin(), side.windows.end(), window);
  const auto index = static_cast<std::size_t>(place - side.windows.begin());
  const std::int64_t before = index == 0 ? 0 : side.windows[index - 1];
  const Part& part = side.parts[index];
  const auto length = static_cast<std::size_t>(options_.length);
  std::vector<std::int32_t> ids(length + 1);
  files_[part.file].read(part.first + window - before, ids, vocabulary_);
  const auto start = static_cast<std::ptrdiff_t>(row * options_.length);
  std::copy(ids.begin(), ids.end() - 1, batch.tokens.begin() + start);
  std::copy(ids.begin() + 1, ids.end(), batch.targets.begin() + start);
  if (options_.document_token >= 0) mark_documents(batch, row);
}

void TokenFiles::mark_documents(Batch& batch, std::int64_t row) const {
  std::int32_t document = 0;
  for (std::int64_t t = 0; t < options_.length; ++t) {
    const auto position = static_cast<std::size_t>(row * options_.length + t);
    if (batch.tokens[position] == options_.document_token) document = static_cast<std::int32_t>(t);
    batch.document_start[position] = document;
  }
}

Batch TokenFiles::empty_batch(std::int64_t rows) const {
  Batch batch;
  batch.rows = rows;
  batch.length = options_.length;
  const auto size = static_cast<std::size_t>(rows * options_.length);
  batch.tokens.resize(size);
  batch.targets.resize(size);
  if (options_.document_token >= 0) batch.document_start.resize(size);
  return batch;
}

Batch TokenFiles::train_batch(std::int64_t step, std::int64_t first_row, std::int64_t rows) const {
  check_rows(step, first_row, rows);
  Batch batch = empty_batch(rows);
  const std::uint64_t key = train_key(options_.seed, step);
  for (std::int64_t b = 0; b < rows; ++b) {
    RandomStream stream = row_stream(key, first_row + b);
    const auto window = stream.below(static_cast<std::uint64_t>(train_.windows.back()));
    fill(batch, b, train_, static_cast<std::int64_t>(window));
  }
  return batch;
}

Batch TokenFiles::validation_batch(std::int64_t first_row, std::int64_t rows) const {
  check_validation_rows(first_row, rows, options_.validation_rows);
  Batch batch = empty_batch(rows);
  const std::int64_t windows = validation_.windows.back();
  for (std::int64_t b = 0; b < rows; ++b) {
    fill(batch, b, validation_, (first_row + b) * windows / options_.validation_rows);
  }
  return batch;
}

std::uint64_t TokenFiles::fingerprint() const {
  Fingerprint print("tokens");
  print.add(options_.length).add(options_.seed).add(options_.validation_rows);
  print.add(vocabulary_).add(options_.document_token);
  for (const TokenFile& file : files_) print.add(static_cast<std::int64_t>(file.fingerprint()));
  for (const Side* side : {&train_, &validation_}) {
    for (std::int64_t windows : side->windows) print.add(windows);
  }
  return print.value();
}

}  // namespace sinkwise::data
