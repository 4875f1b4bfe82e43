#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sinkwise/data/task.h"

namespace sinkwise::data {

struct TextCorpusOptions {
  std::vector<std::string> files;  // empty: the Python standard library's own sources
  std::string standard_library;    // its folder; empty: searched for, see find_standard_library()
  std::int64_t length = 128;       // T, the beginning token included
  double validation_fraction = 0.05;  // in (0, 1)
  std::int64_t max_bytes = 16 << 20;  // of text held in memory
  bool pack = false;                  // windows may cross from one file into the next
  std::int64_t seed = 0;              // decides the training rows
  std::int64_t validation_rows = 128;
};

// A byte language model's corpus. Vocabulary 257: the bytes and the beginning token 256.
//
// A row is the beginning token and a random window of T bytes: tokens = <s> w_0 ... w_{T-2},
// targets = w_0 ... w_{T-1}. Every window of the training text is equally likely. Without `pack` a
// window lies inside one file. With it, windows run over the files laid end to end; each new file
// starts with its own beginning token, document_start says where, and the target of the byte before
// is kIgnore, so that bits per byte count bytes of text only.
//
// Held out: of the standard library, and of 16 or more files, whole files, those whose names hash
// lowest; of fewer files, the last part of each. The held-out windows are spread evenly and depend
// on no seed.
//
// The standard library is read as sorted paths, top-level modules first, without tests, installed
// packages and files that are not UTF-8, until max_bytes is reached.
class TextCorpus final : public Task {
 public:
  static constexpr std::int32_t kBeginning = 256;

  // BadFile for a file that is missing, a directory, unreadable, empty, too short for a window on
  // either side of the split, or holds NUL bytes, and when no standard library is found. BadConfig
  // for an option out of range, a file named twice or by nothing, and files longer than max_bytes
  // together.
  explicit TextCorpus(TextCorpusOptions options);

  std::string name() const override { return "text"; }
  std::int64_t vocabulary() const override { return 257; }
  std::int64_t length() const override { return options_.length; }
  Batch train_batch(std::int64_t step, std::int64_t first_row, std::int64_t rows) const override;
  std::int64_t validation_rows() const override { return options_.validation_rows; }
  Batch validation_batch(std::int64_t first_row, std::int64_t rows) const override;
  double bytes_per_token() const override { return 1.0; }
  std::uint64_t fingerprint() const override;

  // One side of the split: documents laid end to end.
  struct Side {
    std::string bytes;
    std::vector<std::int64_t> starts;  // of each document, ascending, the first 0
    std::vector<std::string> names;    // of each document
  };
  const Side& train() const { return train_; }
  const Side& validation() const { return validation_; }

 private:
  std::int64_t windows(const Side& side) const;
  std::int64_t window_start(const Side& side, std::int64_t window) const;
  void fill(Batch& batch, std::int64_t row, const Side& side, std::int64_t start) const;
  Batch empty_batch(std::int64_t rows) const;
  void check_side(const Side& side, const std::string& which) const;

  TextCorpusOptions options_;
  Side train_;
  Side validation_;
  std::int64_t train_windows_ = 0;
  std::int64_t validation_windows_ = 0;
};

// The folder of a Python standard library: of $SINKWISE_PYTHON, of the python3 on $PATH (links
// resolved, ../lib/python3.*), else /usr/lib/python3.* or /usr/local/lib/python3.*. Empty when
// there is none.
std::filesystem::path find_standard_library();

}  // namespace sinkwise::data
