#include "file_format.h"

#include <algorithm>
#include <string_view>

#include "scalars.h"
#include "sinkwise/checkpoint/safetensors.h"
#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::weights {
namespace {

// A header length within its limit, then '{'. Asked before anything else: a header of 640 bytes
// begins like a pickle. No pickle and no archive looks like this.
bool is_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > 8 && load<std::uint64_t>(bytes.data()) <= checkpoint::kMaxHeaderBytes &&
         bytes[8] == std::byte{'{'};
}

// Protocols 2 to 5 announce themselves: PROTO, version.
bool is_raw_pickle(std::string_view start) {
  return start.size() >= 2 && start[0] == '\x80' && start[1] >= 2 && start[1] <= 5;
}

bool is_zip(std::string_view start) { return start.starts_with("PK\x03\x04"); }

}  // namespace

void refuse_pickle(const std::filesystem::path& path) {
  throw Unsupported(
      {.what = "PyTorch's pickle files are not read: they can run any program when loaded",
       .where = printable(path.string()),
       .expected = "a safetensors or GGUF file",
       .found = "a pickle (.bin, .pt, .pth, .ckpt)",
       .next = "convert it, with FILE for its name:\n"
               "    import torch; from safetensors.torch import save_file\n"
               "    save_file({k: v.contiguous().clone() for k, v in torch.load('FILE', "
               "map_location='cpu', weights_only=True).items()}, 'model.safetensors')"});
}

FileFormat file_format(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  if (is_safetensors(bytes)) return FileFormat::safetensors;
  const std::string_view start = text_of(bytes.first(std::min<std::size_t>(bytes.size(), 8)));
  if (start.starts_with("GGUF")) return FileFormat::gguf;
  if (is_raw_pickle(start) || is_zip(start)) refuse_pickle(path);
  throw BadFile({.what = "neither a safetensors nor a GGUF file",
                 .where = concat(printable(path.string()), ", byte 0"),
                 .expected = "'GGUF', or a header length and '{'",
                 .found = start.empty() ? "an empty file" : concat("'", printable(start), "'"),
                 .next = "check that this is a file of weights; if it is a pointer of Git LFS, run "
                         "`git lfs pull`"});
}

}  // namespace sinkwise::weights
