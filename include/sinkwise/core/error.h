#pragma once

#include <stdexcept>
#include <string>

namespace sinkwise {

// Whose fault a failure is. `apps` maps each class to the exit code in docs/exit_codes.md;
// libraries neither print nor end the process.
enum class Fault {
  bad_argument,  // a caller of the C++ API passed something the declaration forbids
  bad_config,    // a command line, environment variable or recipe
  bad_file,      // an input file: missing, truncated, malformed
  resource,      // disk, memory or permission
  locked,        // another process owns the run directory
  numerics,      // too many non-finite steps in a row
  unsupported,   // a valid request that this build or this path cannot serve
  internal,      // our own bug
};

// What a person needs to repair the fault. Empty fields are left out of the message.
struct ErrorText {
  std::string what;      // one sentence: what went wrong
  std::string where;     // file and byte offset, config key, operator and argument
  std::string expected;  // what is accepted
  std::string found;     // what was there instead
  std::string next;      // the next thing to try, preferably a command
};

// Base of every exception that sinkwise throws; what() is the whole text, one field a line.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, ErrorText text);
  Fault fault() const { return fault_; }
  const ErrorText& text() const { return text_; }

 private:
  Fault fault_;
  ErrorText text_;
};

// One exception type a fault class, so that callers can catch what they can repair.
template <Fault kFault>
class FaultError : public Error {
 public:
  explicit FaultError(ErrorText text) : Error(kFault, std::move(text)) {}
};

using BadArgument = FaultError<Fault::bad_argument>;
using BadConfig = FaultError<Fault::bad_config>;
using BadFile = FaultError<Fault::bad_file>;
using ResourceError = FaultError<Fault::resource>;
using LockedError = FaultError<Fault::locked>;
using NumericsError = FaultError<Fault::numerics>;
using Unsupported = FaultError<Fault::unsupported>;
using InternalError = FaultError<Fault::internal>;

}  // namespace sinkwise
