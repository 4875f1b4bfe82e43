// Any bytes are refused with a BadFile, or they are tensors that cover the data and can be read.
#include "sinkwise/checkpoint/safetensors.h"

#include "fuzz/memory_file.h"
#include "sinkwise/core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sinkwise::checkpoint::SafetensorsFile;
  static sinkwise::test::MemoryFile memory;
  try {
    const SafetensorsFile file = SafetensorsFile::open(memory.hold(data, size));
    std::uint64_t covered = 0, sum = 0;
    for (const auto& tensor : file.tensors()) {
      covered += tensor.data.size();
      for (const std::byte byte : tensor.data) sum += std::to_integer<std::uint64_t>(byte);
      if (file.find(tensor.name) != &tensor) std::abort();
    }
    if (covered >= size || sum > 255 * covered) std::abort();
  } catch (const sinkwise::BadFile&) {
  }
  return 0;
}
