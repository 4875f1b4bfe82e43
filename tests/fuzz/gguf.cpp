// Any bytes are refused with a BadFile, or every key and tensor of them can be read.
#include "sinkwise/weights/gguf.h"

#include "fuzz/memory_file.h"
#include "sinkwise/core/error.h"

namespace {

using namespace sinkwise::weights;

void read(const GgufValue& value) {
  if (const auto* array = std::get_if<GgufArray>(&value)) {
    for (const GgufValue& element : array->values()) read(element);
  }
}

void read(const GgufTensor& tensor) {
  if (!converts(tensor.type)) return;
  std::vector<float> values(tensor.data.size() / block_bytes(tensor.type) *
                            block_elements(tensor.type));
  to_float32(tensor.type, tensor.data, values);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sinkwise::test::MemoryFile memory;
  try {
    const GgufFile file = GgufFile::open(memory.hold(data, size));
    for (const auto& [key, value] : file.metadata().values()) read(value);
    for (const GgufTensor& tensor : file.tensors()) read(tensor);
  } catch (const sinkwise::BadFile&) {
  }
  return 0;
}
