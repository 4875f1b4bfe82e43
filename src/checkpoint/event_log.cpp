#include "sinkwise/checkpoint/event_log.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <vector>

#include "protobuf.h"
#include "sinkwise/core/bytes.h"
#include "sinkwise/core/crc32c.h"
#include "step_directory.h"

namespace sinkwise::checkpoint {
namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";
constexpr std::size_t kDigits = 10;

double now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since_epoch).count();
}

// The number behind the prefix, 0 for other files.
std::int64_t number_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  std::int64_t number = 0;
  for (const char digit : name.substr(kPrefix.size(), kDigits)) {
    if (digit < '0' || digit > '9') return 0;
    number = 10 * number + (digit - '0');
  }
  return number;
}

std::filesystem::path next_name(const std::filesystem::path& directory) {
  make_directories(directory);
  auto number = static_cast<std::int64_t>(now());
  for (const std::string& name : list_names(directory)) {
    number = std::max(number, number_of(name) + 1);
  }
  char digits[24];
  std::snprintf(digits, sizeof digits, "%0*lld", static_cast<int>(kDigits),
                static_cast<long long>(number));
  return directory / (std::string(kPrefix) + digits + ".sinkwise");
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8u;
}

ProtobufMessage new_event(std::int64_t step) {
  ProtobufMessage event;
  event.add_double(1, now()).add_varint(2, static_cast<std::uint64_t>(step));
  return event;
}

}  // namespace

EventLog::EventLog(const std::filesystem::path& directory, std::int64_t first_step)
    : file_(next_name(directory), OutputFile::Mode::create) {
  constexpr std::uint64_t kStart = 1;
  file_.sync_name();
  write_record(ProtobufMessage().add_double(1, now()).add_bytes(3, "brain.Event:2").bytes());
  const ProtobufMessage session = ProtobufMessage().add_varint(1, kStart);
  write_record(new_event(first_step).add_bytes(7, session.bytes()).bytes());
}

void EventLog::scalar(std::string_view tag, double value, std::int64_t step) {
  const ProtobufMessage entry =
      ProtobufMessage().add_bytes(1, tag).add_float(2, static_cast<float>(value));
  const ProtobufMessage summary = ProtobufMessage().add_bytes(1, entry.bytes());
  write_record(new_event(step).add_bytes(5, summary.bytes()).bytes());
}

void EventLog::write_record(const std::string& event) {
  std::string record;
  append_little_endian(record, event.size(), 8);
  append_little_endian(record, masked_crc32c(record), 4);
  record += event;
  append_little_endian(record, masked_crc32c(event), 4);
  file_.write(bytes_of(record));
}

}  // namespace sinkwise::checkpoint
