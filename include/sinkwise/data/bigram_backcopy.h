#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/data/task.h"

namespace sinkwise::data {

struct BigramBackcopyOptions {
  std::int64_t symbols = 32;       // of the chain, 2 to 4096
  std::int64_t length = 32;        // T, the beginning token included
  std::int64_t triggers = 3;       // 0: a plain bigram chain
  std::int64_t offsets = 1;        // kinds of trigger, 1 to max(1, triggers); see below
  std::int64_t chain_seed = 1234;  // decides the chain and the validation rows
  std::int64_t seed = 0;           // decides the training rows
  bool beginning_token = true;     // the first token of every row has the id `symbols`
  std::int64_t validation_rows = 256;
};

// Bigram-Backcopy (Guo et al., arXiv 2410.13835) on a random chain instead of counts of a text.
//
// The chain: base_i ~ 1/i normalised over the V symbols; transition row P_x ~ Dirichlet(0.15 V base
// + 1e-3). The k triggers are the most probable symbols of the stationary law pi = pi P. A row: s_0
// ~ pi without the triggers; then s_{j+1} = s_{j-d} when s_j is a trigger of offset d and j >= d,
// else s_{j+1} ~ P(. | s_j). The trigger of rank r (0 the most probable) has the offset d = 1 + r
// mod offsets, so that by default all copy the symbol before the trigger.
//
// With the beginning token: tokens = <s> s_0 ... s_{T-2}, targets = s_0 ... s_{T-1}; without it:
// tokens = s_0 ... s_{T-1}, targets = s_1 ... s_T. Group "backcopy": rows whose target is a copy;
// "bigram": rows whose target is drawn from P; no group: the row of <s>. The oracle loss is 0 on
// backcopy rows, -log P on bigram rows, and -log of the first symbol's law on the row of <s>.
class BigramBackcopy final : public Task {
 public:
  // BadConfig when an option is out of its range.
  explicit BigramBackcopy(BigramBackcopyOptions options = {});

  std::string name() const override { return "bigram_backcopy"; }
  std::int64_t vocabulary() const override;
  std::int64_t length() const override { return options_.length; }
  Batch train_batch(std::int64_t step, std::int64_t first_row, std::int64_t rows) const override;
  std::int64_t validation_rows() const override { return options_.validation_rows; }
  Batch validation_batch(std::int64_t first_row, std::int64_t rows) const override;
  std::vector<std::string> groups() const override { return {"bigram", "backcopy"}; }
  std::uint64_t fingerprint() const override;

  static constexpr std::uint8_t kBigram = 0;
  static constexpr std::uint8_t kBackcopy = 1;

  // P(next | symbol).
  double probability(std::int64_t symbol, std::int64_t next) const;

  const std::vector<double>& stationary() const { return stationary_; }  // [V]

  // Most probable first.
  const std::vector<std::int32_t>& triggers() const { return triggers_; }

 private:
  struct Row;
  void fill(Row& row, std::uint64_t stream_key) const;
  Batch batch(std::int64_t first_row, std::int64_t rows, std::uint64_t key) const;

  BigramBackcopyOptions options_;
  std::vector<double> transition_;      // [V, V], rows sum to 1
  std::vector<double> stationary_;      // [V]
  std::vector<double> first_;           // [V] the law of s_0
  std::vector<std::int32_t> triggers_;  // [k]
  std::vector<std::int64_t> offset_;    // [V] d of a trigger, 0 of another symbol
};

}  // namespace sinkwise::data
