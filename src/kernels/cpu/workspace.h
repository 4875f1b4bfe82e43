#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sinkwise::kernels {

// Scratch memory of one task: float arrays at the start of cache lines, with a spare line after
// each. Contents are undefined; tests fill them with NaN to prove that nothing reads what it did
// not write.
class Workspace {
 public:
  explicit Workspace(std::size_t floats);

  float* take(std::size_t floats);  // aborts the program if more is taken than was asked for
  void rewind() { used_ = 0; }

  static std::size_t rounded(std::size_t floats);  // what take(floats) uses up
  static void fill_with_nan_in_tests(bool fill);

 private:
  struct Free {
    void operator()(float* memory) const;
  };
  std::unique_ptr<float, Free> memory_;
  std::size_t size_ = 0, used_ = 0;
};

// Counts what a Workspace must hold: takes what it would take, and gives nothing.
struct WorkspaceSize {
  std::size_t floats = 0;

  float* take(std::size_t count) {
    floats += Workspace::rounded(count);
    return nullptr;
  }
};

// The same memory for another type of four bytes.
template <class X, class Memory>
X* take_as(Memory& from, std::size_t count) {
  static_assert(sizeof(X) == sizeof(float));
  return reinterpret_cast<X*>(from.take(count));
}

}  // namespace sinkwise::kernels
