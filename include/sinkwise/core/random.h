#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

namespace sinkwise {

// Philox4x32-10 (Salmon et al., SC 2011): four random words as a pure function of (key, counter).
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 2> key,
                                        std::array<std::uint32_t, 4> counter);

// A stream of random numbers addressed by a path such as {kTrain, step, row}: two streams with
// different paths are independent, and any stream can be opened without drawing the ones before it.
// That is what makes the order of samples a pure function of (seed, step). Cheap to construct and
// copy.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::initializer_list<std::uint64_t> path);

  std::uint32_t bits();
  double uniform();                          // [0, 1), 53 bits
  std::uint64_t below(std::uint64_t bound);  // [0, bound), unbiased; bound > 0
  double normal();                           // mean 0, standard deviation 1
  double gamma(double shape);                // scale 1; shape > 0 (Marsaglia and Tsang, 2000)

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

// A 64-bit key derived from a seed and a path or a name: the seed of another generator.
std::uint64_t derive_seed(std::uint64_t seed, std::initializer_list<std::uint64_t> path);
std::uint64_t derive_seed(std::uint64_t seed, const char* name);

}  // namespace sinkwise
