#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "sinkwise/eval/evaluation.h"
#include "sinkwise/eval/output.h"
#include "unit/core/temporary_directory.h"
#include "unit/pretrained/fixtures.h"

namespace sinkwise::test {

inline std::filesystem::path eval_model() { return pretrained_fixtures() / "llama"; }

// Files in a folder of a test.
class Sets {
 public:
  std::filesystem::path write(const std::string& name, const std::string& content) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TemporaryDirectory folder_;
};

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Ten rows for multiple_choice whose lengths differ, so that batches mix items.
inline std::string some_rows() {
  std::string rows, tail;
  for (int i = 0; i < 10; ++i) {
    tail += i % 2 == 0 ? " and the lion was sad" : " then on";
    rows += "{\"ctx\": \"Once the ant" + tail.substr(0, 5 * static_cast<std::size_t>(i + 1)) +
            "\", \"endings\": [\"was here\", \"and there" + std::string(i % 3, 'e') +
            "\"], \"label\": " + std::to_string(i % 2) + "}\n";
  }
  return rows;
}

// A model with its encoder.
struct Evaluated {
  pretrained::Model model = pretrained::Model::open(eval_model());
  eval::Encoder encoder{model.load_tokenizer(), eval::Begin::tokenizer,
                        model.config().context_length};
  eval::WindowOptions windows{16, 8, 0};

  std::vector<eval::Task> tasks(const std::vector<eval::TaskSource>& sources) const {
    return eval::load_tasks(sources, encoder, windows);
  }

  eval::Settings settings(std::int64_t batch_tokens) const {
    return {eval_model().string(), eval::hash_model(eval_model()), "auto", encoder.begin(), windows,
            batch_tokens};
  }
};

}  // namespace sinkwise::test
