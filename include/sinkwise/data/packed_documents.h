#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinkwise/data/task.h"

namespace sinkwise::data {

// A document as tokens, without the beginning token that packing puts in front.
struct Document {
  std::vector<std::int32_t> tokens;
  std::vector<std::uint8_t> asked;   // 1 where the loss counts the token; empty: everywhere
  std::vector<std::uint32_t> bytes;  // of text behind each token
};

struct PackedDocumentsOptions {
  std::string name = "documents";         // of the task
  std::int64_t length = 512;              // T
  std::optional<std::int32_t> beginning;  // in front of every piece; none: the text's own tokens
  std::int64_t vocabulary = 0;            // of the model
  double validation_fraction = 0.05;      // in (0, 1), unless validation documents are given
  std::int64_t validation_rows = 16;      // at most so many, spread evenly
  std::int64_t batch_rows = 4;            // rows of a step, so that an epoch sees each row once
  std::int64_t seed = 0;                  // decides the order of the training rows
};

// Tokenised documents of somebody's own, packed without padding: a row is filled with documents one
// after the other, each with the beginning token in front and attending to itself alone
// (document_start); what does not fit goes on in the next row behind a beginning token of its own.
// The last, unfilled row of each side is left out. Nothing is asked at the last token of a piece,
// nor for tokens that `asked` leaves out.
//
// Every training row is used once an epoch, in an order that depends on (seed, epoch) alone. Held
// out: the documents given for it; or of 20 or more documents, those whose content hashes lowest;
// or of fewer, the last part of each.
class PackedDocuments final : public Task {
 public:
  // BadFile when a side does not fill one row; BadArgument for a token outside the vocabulary and
  // options out of range.
  PackedDocuments(std::vector<Document> documents, std::vector<Document> validation,
                  PackedDocumentsOptions options);

  std::string name() const override { return options_.name; }
  std::int64_t vocabulary() const override { return options_.vocabulary; }
  std::int64_t length() const override { return options_.length; }
  Batch train_batch(std::int64_t step, std::int64_t first_row, std::int64_t rows) const override;
  std::int64_t validation_rows() const override {
    return static_cast<std::int64_t>(validation_.size());
  }
  Batch validation_batch(std::int64_t first_row, std::int64_t rows) const override;
  double bytes_per_token() const override { return bytes_per_token_; }
  std::uint64_t fingerprint() const override { return fingerprint_; }

  std::int64_t train_rows() const { return static_cast<std::int64_t>(train_.size()); }

  struct Row {
    std::vector<std::int32_t> tokens, targets, document_start;  // [T] each
    std::int64_t asked = 0, bytes = 0;  // positions with a target; bytes of text behind those
  };

 private:
  std::vector<Row> pack(const std::vector<Document>& documents, const char* side) const;
  Batch batch_of(const std::vector<const Row*>& rows) const;
  void split(std::vector<Document>& documents, std::vector<Document>& validation) const;

  PackedDocumentsOptions options_;
  std::vector<Row> train_, validation_;
  double bytes_per_token_ = 0.0;
  std::uint64_t fingerprint_ = 0;
};

// Where index `i` of [0, count) goes in the permutation of `key`: a bijection that can be asked
// for one place at a time (a Feistel network on the next power of four, walked until it falls
// inside).
std::uint64_t permuted(std::uint64_t i, std::uint64_t count, std::uint64_t key);

}  // namespace sinkwise::data
