#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "recipe.h"
#include "sinkwise/sweep/grid.h"

namespace sinkwise::apps {

// A recipe of a sweep as a run will read it. Throws ConfigProblems that say which run, `name`, has
// them.
std::unique_ptr<LoadedRecipe> checked_recipe(const std::string& name,
                                             const std::filesystem::path& recipe,
                                             const std::vector<std::string>& assignments);

// Refuses before anything is trained what a run, the timing or the comparison would refuse
// afterwards: a bad recipe (ConfigProblems), and two runs that the comparison takes for the same
// arm with the same seed (BadConfig). `file` is the sweep's, for messages.
void check_runs(const sweep::Grid& grid, const std::string& file);

}  // namespace sinkwise::apps
