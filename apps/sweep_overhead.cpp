#include "sweep_overhead.h"

#include <nlohmann/json.hpp>

#include "sinkwise/build_info.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "sinkwise/train/step_bench.h"
#include "sinkwise/train/trainer.h"
#include "sweep_checks.h"

namespace sinkwise::apps {
namespace {

// The timings of an earlier call; none when there are none or the file is damaged.
nlohmann::json stored_timings(const std::filesystem::path& file) {
  constexpr std::size_t kMaxBytes = std::size_t{8} << 20;
  try {
    auto list = parse_json(read_file(file, kMaxBytes), file.string(), kMaxBytes);
    if (list.is_array()) return list;
  } catch (const BadFile&) {  // timed anew, then overwritten
  }
  return nlohmann::json::array();
}

// A timing stands as long as it is of the same recipe, program and number of pairs.
nlohmann::json timing_of(const sweep::OverheadJob& job, const nlohmann::json& stored,
                         Console& console) {
  const auto recipe = checked_recipe("[[overhead]]", job.recipe, job.assignments);
  const nlohmann::json origin = {{"config_fingerprint", concat(recipe->table.fingerprint())},
                                 {"commit", kCommit},
                                 {"pairs", job.pairs}};
  for (const nlohmann::json& timing : stored) {
    if (timing.is_object() && timing.value("of", nlohmann::json()) == origin) return timing;
  }
  console.say(concat("timing the balance loss: ", job.recipe.stem().string(), " ",
                     join(job.assignments, " "), ", ", job.pairs, " pairs of steps"));
  recipe->config.run.threads = 1;  // as the runs themselves
  train::configure_process(recipe->config);
  nlohmann::json timing = to_json(train::time_overhead(recipe->config, job.pairs));
  timing["of"] = origin;
  return timing;
}

}  // namespace

void measure_overhead(const sweep::Grid& grid, Console& console) {
  const std::filesystem::path file = grid.out / "overhead.json";
  const nlohmann::json stored = stored_timings(file);
  nlohmann::json list = nlohmann::json::array();
  for (const sweep::OverheadJob& job : grid.overhead) {
    list.push_back(timing_of(job, stored, console));
  }
  if (list != stored) write_file_atomically(file, json_text(list, 1) + "\n");
}

}  // namespace sinkwise::apps
