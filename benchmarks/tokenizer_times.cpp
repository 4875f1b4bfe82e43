// tokenizer_times PATH [TEXT...]
//
// Prints how long the tokenizer at PATH takes to load, and to encode each file TEXT, one million
// equal letters and one million spaces: wall clock, the best of five.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/tokenizer/tokenizer.h"

namespace {

using sinkwise::tokenizer::Tokenizer;

template <typename Action>
double best_seconds(const Action& action) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    action();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count());
  }
  return best;
}

void time_encoding(const Tokenizer& tokenizer, const std::string& name, const std::string& text) {
  std::size_t tokens = 0;
  const double seconds = best_seconds([&] { tokens = tokenizer.encode(text).size(); });
  std::printf("encode %-24s %8.3f s  %9zu bytes  %8zu tokens  %6.2f MB/s\n", name.c_str(), seconds,
              text.size(), tokens, 1e-6 * static_cast<double>(text.size()) / seconds);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: tokenizer_times PATH [TEXT...]\n");
    return 2;
  }
  try {
    const double seconds = best_seconds([&] { Tokenizer::load(argv[1]); });
    const Tokenizer tokenizer = Tokenizer::load(argv[1]);
    std::printf("load   %-24s %8.3f s  %9d ids\n", argv[1], seconds, tokenizer.vocabulary_size());
    for (int i = 2; i < argc; ++i) {
      time_encoding(tokenizer, std::filesystem::path(argv[i]).filename(),
                    sinkwise::read_file(argv[i], std::uint64_t{1} << 30));
    }
    time_encoding(tokenizer, "a million letters", std::string(1'000'000, 'a'));
    time_encoding(tokenizer, "a million spaces", std::string(1'000'000, ' '));
  } catch (const sinkwise::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
}
