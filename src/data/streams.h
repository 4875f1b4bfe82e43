#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "sinkwise/core/random.h"

namespace sinkwise::data {

// The first part of every random path, so that no two uses of one seed share a stream.
enum Purpose : std::uint64_t { kChain = 1, kTrain = 2, kValidation = 3 };

inline std::uint64_t train_key(std::int64_t seed, std::int64_t step) {
  return derive_seed(static_cast<std::uint64_t>(seed), {kTrain, static_cast<std::uint64_t>(step)});
}

inline std::uint64_t validation_key(std::int64_t seed) {
  return derive_seed(static_cast<std::uint64_t>(seed), {kValidation});
}

inline RandomStream row_stream(std::uint64_t key, std::int64_t row) {
  return RandomStream(key, {static_cast<std::uint64_t>(row)});
}

// Collects what the batches of a task depend on.
class Fingerprint {
 public:
  explicit Fingerprint(const char* task) : hash_(derive_seed(0, task)) {}

  Fingerprint& add(std::int64_t value) {
    hash_ = derive_seed(hash_, {static_cast<std::uint64_t>(value)});
    return *this;
  }
  Fingerprint& add(double value) { return add(std::bit_cast<std::int64_t>(value)); }
  Fingerprint& add(const std::string& text) {
    hash_ = derive_seed(hash_, text.c_str());
    return *this;
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_;
};

}  // namespace sinkwise::data
