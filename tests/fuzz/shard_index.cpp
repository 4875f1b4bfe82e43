// Any text is refused with a BadFile, or every shard it names lies directly in the folder.
#include "weights/shard_index.h"

#include <cstdint>
#include <cstdlib>

#include "sinkwise/core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sinkwise::weights;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::filesystem::path folder = "/model";
  try {
    for (const auto& [tensor, shard] : read_shard_index(text, folder / "index.json")) {
      const auto path = (folder / shard).lexically_normal();
      if (path.parent_path() != folder || path.filename() != shard) std::abort();
    }
  } catch (const sinkwise::BadFile&) {
  }
  return 0;
}
