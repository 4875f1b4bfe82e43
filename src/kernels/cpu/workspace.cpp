#include "cpu/workspace.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

namespace sinkwise::kernels {
namespace {

constexpr std::size_t kLine = 64;  // bytes
constexpr std::size_t kFloatsInLine = kLine / sizeof(float);

bool fill_with_nan = false;

}  // namespace

void Workspace::Free::operator()(float* memory) const { std::free(memory); }

Workspace::Workspace(std::size_t floats) : size_(floats) {
  const std::size_t bytes = rounded(floats) * sizeof(float);
  memory_.reset(static_cast<float*>(std::aligned_alloc(kLine, bytes)));
  if (memory_ == nullptr) throw std::bad_alloc();
  if (fill_with_nan) {
    std::fill_n(memory_.get(), size_, std::numeric_limits<float>::quiet_NaN());
  }
}

float* Workspace::take(std::size_t floats) {
  float* start = memory_.get() + used_;
  used_ += rounded(floats);
  if (used_ > size_) std::abort();
  return start;
}

std::size_t Workspace::rounded(std::size_t floats) {
  return (floats + kFloatsInLine - 1) / kFloatsInLine * kFloatsInLine + kFloatsInLine;
}

void Workspace::fill_with_nan_in_tests(bool fill) { fill_with_nan = fill; }

}  // namespace sinkwise::kernels
