#pragma once

#include "console.h"
#include "sinkwise/train/listener.h"

namespace sinkwise::apps {

// A run as a person watches it.
class TrainConsole : public train::Listener {
 public:
  void stepped(const train::Progress& progress) override;
  void validated(const train::Validation& validation) override;
  void said(const std::string& message) override { console_.say(message); }

 private:
  Console console_;
};

}  // namespace sinkwise::apps
