#include "memory.h"

#include <algorithm>
#include <fstream>
#include <malloc.h>
#include <string>

namespace sinkwise::bench {
namespace {

// A field of /proc/self/status in mebibytes.
double status_mebibytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::stod(line.substr(field.size() + 1)) / 1024.0;
  }
  return 0.0;
}

bool reset_peak() {
  std::ofstream reset("/proc/self/clear_refs");
  reset << "5" << std::flush;
  return reset.good();
}

}  // namespace

double peak_extra_mebibytes(const std::function<void()>& work) {
  malloc_trim(0);  // what earlier calls have freed must not hide what this one takes
  if (!reset_peak()) return 0.0;
  const double before = status_mebibytes("VmRSS");
  work();
  return std::max(0.0, status_mebibytes("VmHWM") - before);
}

}  // namespace sinkwise::bench
