#include "task_source.h"

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::apps {

eval::TaskSource task_source(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  if (equals != std::string::npos && equals > 0 && equals + 1 < argument.size()) {
    return {argument.substr(0, equals), argument.substr(equals + 1)};
  }
  throw BadConfig({"a task does not say which file it is", "--task", "NAME=FILE",
                   printable(argument), "for example --task lambada=lambada_test.jsonl"});
}

}  // namespace sinkwise::apps
