#include "sinkwise/data/text_corpus.h"

#include <algorithm>
#include <cmath>

#include "checks.h"
#include "sinkwise/core/bytes.h"
#include "sinkwise/core/hash.h"
#include "standard_library.h"
#include "streams.h"
#include "text_files.h"

namespace sinkwise::data {
namespace {

constexpr std::size_t kManyFiles = 16;  // from here on whole files are held out

void check(const TextCorpusOptions& options) {
  check_between(options.length, 2, kLongest, "text", "task.length");
  check_between(options.max_bytes, 1, std::int64_t{1} << 38, "text", "data.max_bytes");
  check_between(options.validation_rows, 1, 1 << 24, "text", "task.validation_rows");
  const double f = options.validation_fraction;
  check_option(f > 0.0 && f < 1.0, "text", "data.validation_fraction", "a number in (0, 1)",
               concat(f));
}

std::vector<TextFile> read(const TextCorpusOptions& options) {
  if (!options.files.empty()) return read_text_files(options.files, options.max_bytes);
  std::filesystem::path folder = options.standard_library;
  if (folder.empty()) folder = find_standard_library();
  return read_standard_library(folder, options.max_bytes);
}

void append(TextCorpus::Side& side, const std::string& name, std::string_view bytes) {
  if (bytes.empty()) return;
  side.starts.push_back(static_cast<std::int64_t>(side.bytes.size()));
  side.names.push_back(name);
  side.bytes += bytes;
}

std::size_t part_of(std::size_t size, double fraction) {
  return static_cast<std::size_t>(std::llround(static_cast<double>(size) * fraction));
}

void split_by_file(const std::vector<TextFile>& files, double fraction, TextCorpus::Side& train,
                   TextCorpus::Side& validation) {
  const std::size_t count = std::max<std::size_t>(1, part_of(files.size(), fraction));
  const std::vector<bool> held_out = lowest_by_hash(files, std::min(count, files.size()));
  for (std::size_t i = 0; i < files.size(); ++i) {
    append(held_out[i] ? validation : train, files[i].name, files[i].bytes);
  }
}

// The last part of each file, at least `least` bytes of it.
void split_inside_files(const std::vector<TextFile>& files, double fraction, std::size_t least,
                        TextCorpus::Side& train, TextCorpus::Side& validation) {
  for (const TextFile& file : files) {
    const std::size_t tail = std::max(part_of(file.bytes.size(), fraction), least);
    const std::size_t cut = file.bytes.size() - std::min(tail, file.bytes.size());
    append(train, file.name, std::string_view(file.bytes).substr(0, cut));
    append(validation, file.name, std::string_view(file.bytes).substr(cut));
  }
}

// Two windows a file, one for each side; packed text needs them of all files together only.
void check_lengths(const std::vector<TextFile>& files, std::int64_t length) {
  for (const TextFile& file : files) {
    const auto size = static_cast<std::int64_t>(file.bytes.size());
    if (size >= 2 * length) continue;
    throw BadFile({.what = "a text file is shorter than two windows, one to train and one held out",
                   .where = printable(file.name),
                   .expected = concat("at least ", 2 * length, " bytes (task.length ", length, ")"),
                   .found = concat(size, " bytes"),
                   .next = "shorten task.length, leave the file out, or set data.pack = true"});
  }
}

}  // namespace

TextCorpus::TextCorpus(TextCorpusOptions options) : options_(std::move(options)) {
  check(options_);
  const std::vector<TextFile> files = read(options_);
  const double fraction = options_.validation_fraction;
  if (options_.files.empty() || files.size() >= kManyFiles) {
    split_by_file(files, fraction, train_, validation_);
  } else {
    if (!options_.pack) check_lengths(files, options_.length);
    const auto least = options_.pack ? 0 : static_cast<std::size_t>(options_.length);
    split_inside_files(files, fraction, least, train_, validation_);
  }
  check_side(train_, "training");
  check_side(validation_, "held-out");
  train_windows_ = windows(train_);
  validation_windows_ = windows(validation_);
}

void TextCorpus::check_side(const Side& side, const std::string& which) const {
  if (windows(side) > 0) return;
  throw BadFile(
      {.what = "the " + which + " text is shorter than one window",
       .where = concat(side.names.size(), " files, ", side.bytes.size(), " bytes"),
       .expected =
           concat("at least ", options_.length, " bytes", options_.pack ? "" : " in one file"),
       .found = concat("no window of ", options_.length, " bytes"),
       .next = "give more text, shorten task.length, or change data.validation_fraction"});
}

// Places where a window may start: all that leave T bytes to the end of the document, or with
// packing to the end of the side.
std::int64_t TextCorpus::windows(const Side& side) const {
  const auto total = static_cast<std::int64_t>(side.bytes.size());
  if (options_.pack) return std::max<std::int64_t>(0, total - options_.length + 1);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < side.starts.size(); ++i) {
    const std::int64_t end = i + 1 < side.starts.size() ? side.starts[i + 1] : total;
    count += std::max<std::int64_t>(0, end - side.starts[i] - options_.length + 1);
  }
  return count;
}

std::int64_t TextCorpus::window_start(const Side& side, std::int64_t window) const {
  if (options_.pack) return window;
  for (std::size_t i = 0; i + 1 < side.starts.size(); ++i) {
    const std::int64_t size = side.starts[i + 1] - side.starts[i];
    const std::int64_t count = std::max<std::int64_t>(0, size - options_.length + 1);
    if (window < count) return side.starts[i] + window;
    window -= count;
  }
  return side.starts.back() + window;
}

void TextCorpus::fill(Batch& batch, std::int64_t row, const Side& side, std::int64_t start) const {
  auto next_document = std::lower_bound(side.starts.begin(), side.starts.end(), start);
  std::int64_t place = start;  // of the byte to predict
  std::int32_t token = kBeginning;
  std::int64_t document = 0;
  for (std::int64_t t = 0; t < options_.length; ++t) {
    const auto position = static_cast<std::size_t>(row * options_.length + t);
    batch.tokens[position] = token;
    if (options_.pack) batch.document_start[position] = static_cast<std::int32_t>(document);
    const bool at_start = next_document != side.starts.end() && *next_document == place;
    if (at_start && token != kBeginning) {
      batch.targets[position] = Batch::kIgnore;
      token = kBeginning;
      document = t + 1;
      continue;
    }
    if (at_start) ++next_document;
    token = static_cast<unsigned char>(side.bytes[static_cast<std::size_t>(place++)]);
    batch.targets[position] = token;
  }
}

Batch TextCorpus::empty_batch(std::int64_t rows) const {
  Batch batch;
  batch.rows = rows;
  batch.length = options_.length;
  const auto size = static_cast<std::size_t>(rows * options_.length);
  batch.tokens.resize(size);
  batch.targets.resize(size);
  if (options_.pack) batch.document_start.resize(size);
  return batch;
}

Batch TextCorpus::train_batch(std::int64_t step, std::int64_t first_row, std::int64_t rows) const {
  check_rows(step, first_row, rows);
  Batch batch = empty_batch(rows);
  const std::uint64_t key = train_key(options_.seed, step);
  for (std::int64_t b = 0; b < rows; ++b) {
    RandomStream stream = row_stream(key, first_row + b);
    const auto window = stream.below(static_cast<std::uint64_t>(train_windows_));
    fill(batch, b, train_, window_start(train_, static_cast<std::int64_t>(window)));
  }
  return batch;
}

Batch TextCorpus::validation_batch(std::int64_t first_row, std::int64_t rows) const {
  check_validation_rows(first_row, rows, options_.validation_rows);
  Batch batch = empty_batch(rows);
  for (std::int64_t b = 0; b < rows; ++b) {
    const std::int64_t window = (first_row + b) * validation_windows_ / options_.validation_rows;
    fill(batch, b, validation_, window_start(validation_, window));
  }
  return batch;
}

std::uint64_t TextCorpus::fingerprint() const {
  Fingerprint print("text");
  print.add(options_.length).add(options_.seed).add(options_.validation_rows);
  print.add(std::int64_t{options_.pack});
  for (const Side* side : {&train_, &validation_}) {
    print.add(hash_hex(bytes_of(side->bytes)));
    for (std::int64_t start : side->starts) print.add(start);
  }
  return print.value();
}

}  // namespace sinkwise::data
