#pragma once

#include <functional>

namespace sinkwise::bench {

// Mebibytes by which resident memory peaks during `work` above what it was before; 0 where the
// system does not tell (it needs Linux's /proc/self/clear_refs).
double peak_extra_mebibytes(const std::function<void()>& work);

}  // namespace sinkwise::bench
