#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sinkwise/core/file.h"

namespace sinkwise::checkpoint {

// A TensorBoard event file. Every record is
//   u64 length | u32 masked CRC-32C of the length | payload | u32 masked CRC-32C of the payload,
// little-endian, masked(c) = rotate_right(c, 15) + 0xA282EAD8; the payload is the protocol buffer
//   Event { 1: double wall_time   2: int64 step   3: string file_version   5: Summary summary
//           7: SessionLog session_log { 1: status, START = 1 } }
//   Summary { 1: Value { 1: string tag   2: float simple_value } }
// The first event carries file_version "brain.Event:2", the second a SessionLog START at the first
// step of this file: TensorBoard then drops the points that earlier files have from that step on,
// so that a resumed run shows every step once.
class EventLog {
 public:
  // Starts a new file in `directory` (created when missing), named to sort after every event file
  // that is there already, whatever the clock says: TensorBoard reads them in that order.
  EventLog(const std::filesystem::path& directory, std::int64_t first_step);

  // Handed to the operating system at once, on the disk after sync(). Rounded to float; NaN and
  // infinities are kept.
  void scalar(std::string_view tag, double value, std::int64_t step);
  void sync() { file_.sync(); }

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write_record(const std::string& event);

  OutputFile file_;
};

}  // namespace sinkwise::checkpoint
