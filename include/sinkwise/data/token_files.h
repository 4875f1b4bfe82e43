#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/data/task.h"
#include "sinkwise/data/token_file.h"

namespace sinkwise::data {

struct TokenFilesOptions {
  std::vector<std::string> files;             // at least one
  std::vector<std::string> validation_files;  // empty: the last part of each of `files`
  double validation_fraction = 0.05;          // that part, in (0, 1)
  std::int64_t length = 1024;                 // T
  std::int64_t vocabulary = 0;                // 0: the largest id found, plus one
  std::int64_t document_token = -1;           // id that opens a document, such as GPT-2's 50256
  double bytes_per_token = 0.0;               // of the text behind; 0: unknown
  std::int64_t seed = 0;                      // decides the training rows
  std::int64_t validation_rows = 128;
};

// Windows of T + 1 tokens from token files: tokens = w_0 ... w_{T-1}, targets = w_1 ... w_T. A
// window lies inside one file; every window of the training files is equally likely. With a
// document token, document_start says for each position where its document began: at the nearest
// document token at or before it, else at the window's start. The held-out windows are spread
// evenly and depend on no seed.
//
// Ids are checked against the vocabulary whenever a window is read. Files of at most 256 MiB are
// checked whole when the task is built as well; larger ones only when the vocabulary is 0, because
// reading them may take minutes.
class TokenFiles final : public Task {
 public:
  // BadFile for a bad token file, or one too short for a window; BadConfig for an option out of
  // range.
  explicit TokenFiles(TokenFilesOptions options);

  std::string name() const override { return "tokens"; }
  std::int64_t vocabulary() const override { return vocabulary_; }
  std::int64_t length() const override { return options_.length; }
  Batch train_batch(std::int64_t step, std::int64_t first_row, std::int64_t rows) const override;
  std::int64_t validation_rows() const override { return options_.validation_rows; }
  Batch validation_batch(std::int64_t first_row, std::int64_t rows) const override;
  double bytes_per_token() const override { return options_.bytes_per_token; }
  std::uint64_t fingerprint() const override;

 private:
  // The tokens [first, last) of a file that belong to one side of the split.
  struct Part {
    std::size_t file;
    std::int64_t first;
    std::int64_t last;
  };
  // A side and, for each part, the number of windows up to its end.
  struct Side {
    std::vector<Part> parts;
    std::vector<std::int64_t> windows;
  };

  void open(const std::vector<std::string>& paths, const std::string& key);
  void split();
  void settle_vocabulary();
  void add_part(Side& side, Part part) const;
  void fill(Batch& batch, std::int64_t row, const Side& side, std::int64_t window) const;
  void mark_documents(Batch& batch, std::int64_t row) const;
  Batch empty_batch(std::int64_t rows) const;

  TokenFilesOptions options_;
  std::vector<TokenFile> files_;
  std::int64_t vocabulary_ = 0;
  Side train_;
  Side validation_;
};

}  // namespace sinkwise::data
