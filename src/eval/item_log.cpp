#include "sinkwise/eval/item_log.h"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <sys/file.h>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "sinkwise/eval/metrics.h"
#include "sinkwise/eval/output.h"

namespace sinkwise::eval {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32;
constexpr std::size_t kMostLineBytes = std::size_t{1} << 24;

json to_json(const Task& task, const ItemScore& item) {
  json log_likelihoods = json::array(), greedy = json::array(), metrics = json::object();
  for (const RowScore& row : item.rows) {
    log_likelihoods.push_back(row.log_likelihood), greedy.push_back(row.greedy);
  }
  for (const MetricRule& rule : rules_of(task.kind)) {
    metrics[rule.name] = estimate(rule, {&item, 1}).value;
  }
  const ItemFacts& facts = item.facts;
  return {{"task", task.name},           {"index", facts.index},
          {"hash", facts.hash},          {"group", facts.group},
          {"label", facts.label},        {"lengths", facts.lengths},
          {"tokens", item.tokens},       {"log_likelihoods", std::move(log_likelihoods)},
          {"greedy", std::move(greedy)}, {"metrics", std::move(metrics)}};
}

LoggedItem from_json(const json& line) {
  ItemScore item;
  line.at("index").get_to(item.facts.index);
  line.at("hash").get_to(item.facts.hash);
  line.at("group").get_to(item.facts.group);
  line.at("label").get_to(item.facts.label);
  line.at("lengths").get_to(item.facts.lengths);
  line.at("tokens").get_to(item.tokens);
  const auto log_likelihoods = line.at("log_likelihoods").get<std::vector<double>>();
  const auto greedy = line.at("greedy").get<std::vector<bool>>();
  for (std::size_t i = 0; i < log_likelihoods.size(); ++i) {
    item.rows.push_back({log_likelihoods[i], greedy.at(i)});
  }
  const std::size_t rows = item.rows.size();
  if (rows == 0 || item.tokens.size() != rows || item.facts.lengths.size() != rows ||
      item.facts.label >= rows) {
    throw std::out_of_range("lists of different lengths");
  }
  return {line.at("task").get<std::string>(), std::move(item)};
}

LoggedItem read_item(std::string_view line, const std::string& where) {
  const json parsed = parse_json(line, where, kMostLineBytes);
  std::string found;
  try {
    return from_json(parsed);
  } catch (const json::exception& error) {
    found = printable(error.what());
  } catch (const std::out_of_range& error) {
    found = error.what();
  }
  throw BadFile({"a line is no item of an evaluation", printable(where),
                 "the members that docs/evaluation.md lists", found,
                 "remove the directory and evaluate again"});
}

const fs::path& made(const fs::path& directory) {
  make_directories(directory);
  return directory;
}

// "/tasks/piqa/count: 100 there, 200 now", one for each member that differs.
std::vector<std::string> differences_of(const json& there, const json& now) {
  const json old_ones = there.flatten(), new_ones = now.flatten();
  std::vector<std::string> found;
  const auto shown = [](const json& all, const std::string& key) {
    return all.contains(key) ? all.at(key).dump(-1, ' ', true) : "nothing";
  };
  json keys = old_ones;
  keys.update(new_ones);
  for (const auto& [key, value] : keys.items()) {
    const std::string before = shown(old_ones, key), after = shown(new_ones, key);
    if (before != after) found.push_back(concat(key, ": ", before, " there, ", after, " now"));
  }
  return found;
}

// The directory's settings are `settings`, or become them.
void settle(const fs::path& directory, bool has_items, const json& settings) {
  const fs::path path = directory / kSettingsFile;
  if (!fs::exists(path)) {
    if (!has_items) return write_file_atomically(path, json_text(settings, 1) + "\n");
    throw BadConfig({"a directory holds items of an evaluation without its settings",
                     printable(directory.string()), kSettingsFile, "none",
                     "choose another directory for --out"});
  }
  const json there = parse_json(read_file(path, kMostLineBytes), path.string(), kMostLineBytes);
  const auto different = differences_of(there, settings);
  if (different.empty()) return;
  throw BadConfig({"the directory belongs to another evaluation", printable(directory.string()),
                   "the same model, items and settings", printable(join(different, "; ")),
                   "choose another directory for --out, or remove this one"});
}

}  // namespace

std::vector<LoggedItem> read_items(const fs::path& file) {
  const std::string text = read_file(file, kMostBytes);
  std::vector<LoggedItem> items;
  for (std::size_t begin = 0, end; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    const std::string where = concat(file.string(), ", line ", items.size() + 1);
    if (end == std::string::npos) {
      throw BadFile({"the last line of a file is unfinished", printable(where), "a whole line",
                     concat(text.size() - begin, " bytes"), "let the evaluation finish first"});
    }
    items.push_back(read_item(std::string_view(text).substr(begin, end - begin), where));
  }
  return items;
}

ItemLog::ItemLog(const fs::path& directory, const json& settings)
    : file_(made(directory) / kItemsFile, OutputFile::Mode::append) {
  lock();
  file_.sync_name();
  settle(directory, file_.size() > 0, settings);
  cut_unfinished_line();
  known_ = read_items(file_.path());
}

void ItemLog::lock() const {
  if (::flock(file_.descriptor(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) fail_operation("lock a file", file_.path(), errno);
  throw LockedError({"another process is using this directory",
                     printable(file_.path().parent_path().string()), "", "",
                     "wait for it to end, or choose another directory for --out"});
}

void ItemLog::cut_unfinished_line() {
  const std::string text = read_file(file_.path(), kMostBytes);
  const std::size_t whole = text.rfind('\n') + 1;  // npos + 1 is 0: no whole line
  if (whole != text.size()) file_.truncate(whole);
}

void ItemLog::append(const Task& task, std::span<const ItemScore> items) {
  std::string lines;
  for (const ItemScore& item : items) lines += json_text(to_json(task, item)) + "\n";
  const std::uint64_t before = file_.size();
  try {
    file_.write(bytes_of(lines));
    file_.sync();
  } catch (const ResourceError&) {
    file_.truncate(before);
    throw;
  }
}

}  // namespace sinkwise::eval
