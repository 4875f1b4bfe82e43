#include "sinkwise/data/packed_documents.h"

#include <algorithm>
#include <numeric>

#include "checks.h"
#include "streams.h"

namespace sinkwise::data {
namespace {

constexpr std::size_t kWholeDocuments = 20;  // from so many on, documents are held out whole

void check(const PackedDocumentsOptions& options) {
  check_between(options.length, 2, kLongest, options.name, "data.length");
  check_between(options.validation_rows, 1, 1 << 24, options.name, "data.validation_rows");
  check_between(options.batch_rows, 1, 1 << 24, options.name, "train.batch_rows");
}

void check_vocabulary(const std::vector<Document>& documents, std::int64_t vocabulary) {
  for (const Document& document : documents) {
    for (const std::int32_t token : document.tokens) {
      if (token >= 0 && token < vocabulary) continue;
      throw BadArgument({"a document holds a token that the model does not know", "data",
                         concat("0 to ", vocabulary - 1), concat(token),
                         "check that the tokenizer belongs to the model"});
    }
  }
}

std::uint64_t hash_of(const Document& document) {
  Fingerprint hash("document");
  for (const std::int32_t token : document.tokens) hash.add(static_cast<std::int64_t>(token));
  return hash.value();
}

Document part_of(const Document& whole, std::size_t from, std::size_t to) {
  auto cut = [&](const auto& values) {
    using Values = std::decay_t<decltype(values)>;
    if (values.empty()) return Values{};
    return Values(values.begin() + static_cast<std::ptrdiff_t>(from),
                  values.begin() + static_cast<std::ptrdiff_t>(to));
  };
  return {cut(whole.tokens), cut(whole.asked), cut(whole.bytes)};
}

// Fills rows with pieces of documents.
class Packer {
 public:
  explicit Packer(const PackedDocumentsOptions& options) : options_(options) {}

  void add(const Document& document) {
    std::size_t at = 0;
    while (at < document.tokens.size()) at = add_piece(document, at);
  }

  std::vector<PackedDocuments::Row> rows;  // full ones

 private:
  std::size_t room() const {
    return static_cast<std::size_t>(options_.length) - row_.tokens.size();
  }

  void push(std::int32_t token, std::size_t start) {
    row_.tokens.push_back(token);
    row_.targets.push_back(Batch::kIgnore);
    row_.document_start.push_back(static_cast<std::int32_t>(start));
  }

  // As much of the document from `at` on as the row holds; returns where it stopped.
  std::size_t add_piece(const Document& document, std::size_t at) {
    const std::size_t own = options_.beginning ? 1 : 0;
    if (room() <= own) {
      // One position is too little for a beginning and something behind it: a document of one
      // token, of which nothing is asked, fills it.
      push(*options_.beginning, row_.tokens.size());
      finish();
      return at;
    }
    const std::size_t start = row_.tokens.size();
    const std::size_t end = std::min(document.tokens.size(), at + room() - own);
    if (options_.beginning) push(*options_.beginning, start);
    for (std::size_t i = at; i < end; ++i) {
      const bool first = i == at && own == 0;  // nothing before it predicts it
      if (!first && (document.asked.empty() || document.asked[i] != 0)) {
        row_.targets.back() = document.tokens[i];
        ++row_.asked;
        row_.bytes += document.bytes.empty() ? 0 : document.bytes[i];
      }
      push(document.tokens[i], start);
    }
    if (room() == 0) finish();
    return end;
  }

  void finish() {
    // A row that asks nothing (all of it the user's part of a dialogue) teaches nothing.
    if (row_.asked > 0) rows.push_back(std::move(row_));
    row_ = {};
  }

  const PackedDocumentsOptions& options_;
  PackedDocuments::Row row_;
};

}  // namespace

PackedDocuments::PackedDocuments(std::vector<Document> documents, std::vector<Document> validation,
                                 PackedDocumentsOptions options)
    : options_(std::move(options)) {
  check(options_);
  check_vocabulary(documents, options_.vocabulary);
  check_vocabulary(validation, options_.vocabulary);
  if (validation.empty()) split(documents, validation);
  train_ = pack(documents, "training");
  std::vector<Row> held_out = pack(validation, "held-out");
  const auto wanted = static_cast<std::size_t>(options_.validation_rows);
  const std::size_t kept = std::min(wanted, held_out.size());
  for (std::size_t i = 0; i < kept; ++i) {
    validation_.push_back(std::move(held_out[i * held_out.size() / kept]));
  }
  double asked = 0.0, bytes = 0.0;  // of the rows that losses are of
  for (const Row& row : validation_) {
    asked += static_cast<double>(row.asked), bytes += static_cast<double>(row.bytes);
  }
  bytes_per_token_ = bytes / asked;
  Fingerprint fingerprint("documents");
  fingerprint.add(options_.length).add(options_.batch_rows).add(options_.seed);
  for (const std::vector<Row>* side : {&train_, &validation_}) {
    for (const Row& row : *side) {
      for (const auto* part : {&row.tokens, &row.targets, &row.document_start}) {
        for (const auto value : *part) fingerprint.add(std::int64_t{value});
      }
    }
  }
  fingerprint_ = fingerprint.value();
}

void PackedDocuments::split(std::vector<Document>& documents,
                            std::vector<Document>& validation) const {
  const double fraction = options_.validation_fraction;
  check_option(fraction > 0.0 && fraction < 1.0, options_.name, "data.validation_fraction",
               "a number in (0, 1)", concat(fraction));
  std::vector<Document> kept;
  if (documents.size() < kWholeDocuments) {
    for (const Document& document : documents) {
      const std::size_t size = document.tokens.size();
      const auto cut =
          size - static_cast<std::size_t>(static_cast<double>(size) * options_.validation_fraction);
      kept.push_back(part_of(document, 0, cut));
      validation.push_back(part_of(document, cut, size));
    }
    documents = std::move(kept);
    return;
  }
  std::vector<std::size_t> order(documents.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<std::uint64_t> hashes;
  for (const Document& document : documents) hashes.push_back(hash_of(document));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return hashes[a] < hashes[b]; });
  auto held =
      std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(documents.size()) *
                                                        options_.validation_fraction));
  const auto same_as_last = [&](std::size_t i) {
    return hashes[order[i]] == hashes[order[held - 1]];
  };
  while (held < order.size() && same_as_last(held)) ++held;  // no document is on both sides
  if (held == order.size()) {
    throw BadFile({"no part of the documents can be held out", "data",
                   "documents that differ, more of them than data.validation_fraction holds out",
                   concat(documents.size(), " documents, those left the same as one held out"),
                   "give data.validation_files"});
  }
  std::vector<bool> out(documents.size(), false);
  for (std::size_t i = 0; i < held; ++i) out[order[i]] = true;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    (out[i] ? validation : kept).push_back(std::move(documents[i]));
  }
  documents = std::move(kept);
}

std::vector<PackedDocuments::Row> PackedDocuments::pack(const std::vector<Document>& documents,
                                                        const char* side) const {
  Packer packer(options_);
  for (const Document& document : documents) packer.add(document);
  if (packer.rows.empty()) {
    std::size_t tokens = 0;
    for (const Document& document : documents) tokens += document.tokens.size();
    throw BadFile({concat("the ", side, " text does not fill one row"), "data",
                   concat("at least ", options_.length, " tokens, some of them asked for"),
                   concat(tokens, " tokens in ", documents.size(), " documents"),
                   "give more text, a smaller data.length, or another data.validation_fraction"});
  }
  return std::move(packer.rows);
}

Batch PackedDocuments::batch_of(const std::vector<const Row*>& rows) const {
  Batch batch;
  batch.rows = static_cast<std::int64_t>(rows.size());
  batch.length = options_.length;
  auto append = [](std::vector<std::int32_t>& to, const std::vector<std::int32_t>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (const Row* row : rows) {
    append(batch.tokens, row->tokens);
    append(batch.targets, row->targets);
    append(batch.document_start, row->document_start);
  }
  return batch;
}

Batch PackedDocuments::train_batch(std::int64_t step, std::int64_t first_row,
                                   std::int64_t rows) const {
  check_rows(step, first_row, rows);
  std::vector<const Row*> chosen;
  for (std::int64_t row = first_row; row < first_row + rows; ++row) {
    // Steps count from 1; the calibration pass and a dry run use the first ones.
    const std::int64_t number = std::max<std::int64_t>(step - 1, 0) * options_.batch_rows + row;
    const std::int64_t epoch = number / train_rows(), place = number % train_rows();
    const std::uint64_t key = train_key(options_.seed, epoch);
    chosen.push_back(&train_[permuted(static_cast<std::uint64_t>(place), train_.size(), key)]);
  }
  return batch_of(chosen);
}

Batch PackedDocuments::validation_batch(std::int64_t first_row, std::int64_t rows) const {
  check_validation_rows(first_row, rows, validation_rows());
  std::vector<const Row*> chosen;
  for (std::int64_t row = first_row; row < first_row + rows; ++row) {
    chosen.push_back(&validation_[static_cast<std::size_t>(row)]);
  }
  return batch_of(chosen);
}

}  // namespace sinkwise::data
