// libFuzzer: any bytes as tokenizer.json end in a tokenizer that works or in one of our errors.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "sinkwise/core/error.h"
#include "sinkwise/tokenizer/tokenizer.h"
#include "unit/core/temporary_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const sinkwise::test::TemporaryDirectory directory;
  const std::filesystem::path path = directory.path() / "tokenizer.json";
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  using namespace sinkwise::tokenizer;
  try {
    const Tokenizer tokenizer = Tokenizer::load(path);
    const std::string text = "aaaa  The 12 'll\r\n\u20ac e\u0301 <s>";
    const auto ids = tokenizer.encode(text, {.special_text = SpecialText::control});
    if (tokenizer.decode(ids).size() > (std::size_t{1} << 24)) std::abort();
  } catch (const sinkwise::Error& error) {
    if (error.fault() == sinkwise::Fault::internal) std::abort();
  }
  return 0;
}
