#pragma once

#include "console.h"
#include "sinkwise/train/listener.h"
#include "sinkwise/train/trainer.h"

namespace sinkwise::apps {

// A run as a person watches it.
class TrainConsole : public train::Listener {
 public:
  void stepped(const train::Progress& progress) override;
  void validated(const train::Validation& validation) override;
  void said(const std::string& message) override { console_.say(message); }

  // What a person should know of how a run ended; false when it was interrupted.
  bool tell(train::Outcome outcome, const std::string& directory);

 private:
  Console console_;
};

}  // namespace sinkwise::apps
