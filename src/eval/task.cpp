#include "sinkwise/eval/task.h"

#include <set>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/hash.h"
#include "sinkwise/core/text.h"

namespace sinkwise::eval {
namespace {

constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 30;

std::string name_of(const TaskSource& source) {
  if (source.format != "text") return source.format;
  return "text:" + printable(std::filesystem::path(source.file).filename().string());
}

void check_names(const std::vector<TaskSource>& sources) {
  std::set<std::string> names;
  for (const TaskSource& source : sources) {
    if (source.format != "text") format_of(source.format);
    const std::string name = name_of(source);
    if (names.insert(name).second) continue;
    throw BadConfig({"two tasks have the same name", "--task", "each name once", name,
                     "evaluate them apart, or give the files different names"});
  }
}

Task load_text(const TaskSource& source, const Encoder& encoder, const WindowOptions& windows) {
  Task task{name_of(source), Kind::text, "{file}", source.file, "", {}, true};
  TextItems text = encoder.windows(read_file(source.file, kMostTextBytes), windows, source.file);
  task.items = std::move(text.items), task.lossless = text.lossless;
  return task;
}

Task load_rows(const TaskSource& source, const Encoder& encoder, std::int64_t limit) {
  const Format format = format_of(source.format);
  Task task{format.name, format.kind, format.prompt, source.file, "", {}, true};
  for (const Question& question : read_questions(format, source.file, limit)) {
    const auto index = static_cast<std::int64_t>(task.items.size());
    const std::string where = concat(source.file, ", line ", question.line);
    task.items.push_back(encoder.item(question, index, where));
  }
  return task;
}

std::string hash_of(const std::vector<Item>& items) {
  Hasher hasher;
  for (const Item& item : items) hasher.update(bytes_of(item.facts.hash));
  return hasher.hex();
}

}  // namespace

std::vector<Task> load_tasks(const std::vector<TaskSource>& sources, const Encoder& encoder,
                             const WindowOptions& windows) {
  check_names(sources);
  std::vector<Task> tasks;
  for (const TaskSource& source : sources) {
    tasks.push_back(source.format == "text" ? load_text(source, encoder, windows)
                                            : load_rows(source, encoder, windows.limit));
    tasks.back().hash = hash_of(tasks.back().items);
  }
  return tasks;
}

}  // namespace sinkwise::eval
