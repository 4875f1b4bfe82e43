#pragma once

#include "sinkwise/core/error.h"

namespace sinkwise::apps {

// The exit codes of every command (docs/exit_codes.md). Scripts rely on them: they do not change.
enum ExitCode {
  kOk = 0,
  kFailure = 1,       // a check failed, or our own bug
  kBadConfig = 2,     // command line, environment or recipe
  kBadFile = 3,       // an input file
  kResource = 4,      // disk, memory, permission
  kLocked = 5,        // another process owns the run directory
  kNumerics = 6,      // too many non-finite steps in a row
  kInterrupted = 75,  // asked to stop; the last step is saved
};

inline ExitCode exit_code(Fault fault) {
  switch (fault) {
    case Fault::bad_argument:
    case Fault::bad_config:
    case Fault::unsupported:
      return kBadConfig;
    case Fault::bad_file:
      return kBadFile;
    case Fault::resource:
      return kResource;
    case Fault::locked:
      return kLocked;
    case Fault::numerics:
      return kNumerics;
    case Fault::internal:
      return kFailure;
  }
  return kFailure;
}

// The other way round, for the exit code of another sinkwise process. What is no fault's code, such
// as 128 + 9 of a process that was killed, counts as a resource.
inline Fault fault_of(int code) {
  switch (code) {
    case kFailure:
      return Fault::internal;
    case kBadConfig:
      return Fault::bad_config;
    case kBadFile:
      return Fault::bad_file;
    case kLocked:
      return Fault::locked;
    case kNumerics:
      return Fault::numerics;
    default:
      return Fault::resource;
  }
}

}  // namespace sinkwise::apps
