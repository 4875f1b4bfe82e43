#include "readers.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/tokenizer/tokenizer.h"

namespace sinkwise::tokenizer {
namespace {

namespace fs = std::filesystem;

fs::path find_in_folder(const fs::path& folder) {
  std::error_code error;
  for (const char* name : {"tokenizer.json", "vocab.json", "tokenizer.bin"}) {
    if (fs::exists(folder / name, error)) return folder / name;
  }
  throw BadFile({.what = "a folder holds no tokenizer",
                 .where = printable(folder.string()),
                 .expected = "tokenizer.json, vocab.json with merges.txt, or tokenizer.bin",
                 .found = "none of them",
                 .next = "fetch the tokenizer's files as well"});
}

Pipeline read(const fs::path& path) {
  if (path.extension() == ".bin") return read_llama2c(path);
  if (path.filename() == "vocab.json") {
    return read_gpt2_files(path, path.parent_path() / "merges.txt");
  }
  if (path.extension() == ".json") return read_tokenizer_json(path);
  throw Unsupported({.what = "a file is no tokenizer that is known by its name",
                     .where = printable(path.string()),
                     .expected = "tokenizer.json, vocab.json with merges.txt, or *.bin (llama2.c)",
                     .found = printable(path.filename().string()),
                     .next = "name the file or the folder of the model"});
}

}  // namespace

Tokenizer Tokenizer::load(const fs::path& path) {
  std::error_code error;
  return Tokenizer(read(fs::is_directory(path, error) ? find_in_folder(path) : path));
}

}  // namespace sinkwise::tokenizer
