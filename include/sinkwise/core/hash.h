#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct XXH3_state_s;

namespace sinkwise {

// XXH3-128 with seed 0 of everything passed to update(), however it was split. Detects damage, not
// malice: it is no cryptographic hash.
class Hasher {
 public:
  Hasher();

  void update(std::span<const std::byte> bytes);

  // 32 lower-case hex digits, most significant first, as `xxh128sum` prints them. May be asked at
  // any time and does not end the stream.
  std::string hex() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

std::string hash_hex(std::span<const std::byte> bytes);

}  // namespace sinkwise
