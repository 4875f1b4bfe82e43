#include "inspect_model.h"

#include "console.h"
#include "sinkwise/core/clock.h"
#include "sinkwise/core/text.h"

namespace sinkwise::apps {

inspect::Inspection inspect_model(const pretrained::Model& model, const std::string& path,
                                  const inspect::Windows& windows,
                                  const inspect::InspectOptions& options) {
  Console console;
  const auto start = Clock::now();
  auto inspection = inspect::inspect(
      model, windows, options, [&](std::int64_t done, std::int64_t total, const std::string& what) {
        const double left =
            seconds_since(start) / static_cast<double>(done) * static_cast<double>(total - done);
        console.progress(concat(what, ": ", 100 * done / total, " %  left ", duration_text(left)));
      });
  inspection.model.path = path;
  return inspection;
}

}  // namespace sinkwise::apps
