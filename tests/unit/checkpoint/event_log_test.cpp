#include "sinkwise/checkpoint/event_log.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <vector>

#include "unit/core/temporary_directory.h"

namespace sinkwise::checkpoint {
namespace {

// A decoder that shares nothing with the writer: CRC bit by bit, protocol buffers by their own
// rules.
std::uint32_t slow_masked_crc(const std::string& bytes) {
  std::uint32_t value = ~0u;
  for (const unsigned char byte : bytes) {
    value ^= byte;
    for (int bit = 0; bit < 8; ++bit) value = value & 1u ? (value >> 1) ^ 0x82F63B78u : value >> 1;
  }
  value = ~value;
  return ((value >> 15) | (value << 17)) + 0xA282EAD8u;
}

template <typename Number>
Number number_at(const std::string& bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

// Field number to raw content: varints as 8 bytes.
std::map<int, std::string> decode(const std::string& bytes) {
  std::map<int, std::string> fields;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.at(at++));
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.size()) {
    const std::uint64_t key = varint();
    std::uint64_t value = 0;
    std::size_t size = 8;
    switch (key & 7) {
      case 0:
        value = varint();
        fields[static_cast<int>(key >> 3)].assign(reinterpret_cast<const char*>(&value), 8);
        continue;
      case 2:
        size = varint();
        break;
      case 5:
        size = 4;
        break;
      case 1:
        break;
      default:
        throw std::runtime_error("wire type");
    }
    fields[static_cast<int>(key >> 3)] = bytes.substr(at, size);
    at += size;
  }
  if (at != bytes.size()) throw std::runtime_error("field past the end");
  return fields;
}

struct Event {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string version;
  std::optional<std::uint64_t> session;
  std::string tag;
  float value = 0;
};

Event event_of(const std::string& payload) {
  Event event;
  auto fields = decode(payload);
  event.wall_time = number_at<double>(fields.at(1), 0);
  if (fields.count(2) != 0) event.step = number_at<std::int64_t>(fields[2], 0);
  event.version = fields[3];
  if (fields.count(7) != 0) event.session = number_at<std::uint64_t>(decode(fields[7]).at(1), 0);
  if (fields.count(5) != 0) {
    auto value = decode(decode(fields[5]).at(1));
    event.tag = value.at(1);
    event.value = number_at<float>(value.at(2), 0);
  }
  return event;
}

std::vector<Event> read_events(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, 1 << 24);
  std::vector<Event> events;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto length = number_at<std::uint64_t>(bytes, at);
    EXPECT_EQ(number_at<std::uint32_t>(bytes, at + 8), slow_masked_crc(bytes.substr(at, 8)));
    const std::string payload = bytes.substr(at + 12, length);
    EXPECT_EQ(number_at<std::uint32_t>(bytes, at + 12 + length), slow_masked_crc(payload));
    events.push_back(event_of(payload));
    at += 16 + length;
  }
  EXPECT_EQ(at, bytes.size());
  return events;
}

class Events : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
};

TEST_F(Events, StartWithTheVersionAndTheSession) {
  const EventLog log(directory_.path() / "tensorboard", 41);
  const auto events = read_events(log.path());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].version, "brain.Event:2");
  EXPECT_FALSE(events[0].session);
  EXPECT_EQ(events[1].session, 1u);
  EXPECT_EQ(events[1].step, 41);
}

TEST_F(Events, HoldTheScalars) {
  EventLog log(directory_.path(), 0);
  const std::string long_tag(300, 't');  // its length takes two bytes
  log.scalar("loss/train", 2.5, 0);
  log.scalar("cv/layer 0 ä", -1e-3, 127);
  log.scalar(long_tag, NAN, 128);
  log.scalar("", 1e300, 1ll << 40);
  log.sync();
  const auto events = read_events(log.path());
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[2].tag, "loss/train");
  EXPECT_EQ(events[2].value, 2.5f);
  EXPECT_EQ(events[2].step, 0);
  EXPECT_EQ(events[3].tag, "cv/layer 0 ä");
  EXPECT_EQ(events[3].value, -1e-3f);
  EXPECT_EQ(events[3].step, 127);
  EXPECT_EQ(events[4].tag, long_tag);
  EXPECT_TRUE(std::isnan(events[4].value));
  EXPECT_EQ(events[4].step, 128);
  EXPECT_TRUE(std::isinf(events[5].value));
  EXPECT_EQ(events[5].step, 1ll << 40);
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (const Event& event : events) EXPECT_NEAR(event.wall_time, now, 60);
}

TEST_F(Events, AScalarIsInTheFileAtOnce) {
  EventLog log(directory_.path(), 0);
  log.scalar("a", 1, 1);
  EXPECT_EQ(read_events(log.path()).size(), 3u);
}

TEST_F(Events, AResumeSortsAfterEveryEarlierFileWhateverTheClockSays) {
  write_file_atomically(directory_.path() / "events.out.tfevents.4102444800.elsewhere.7.0", "");
  write_file_atomically(directory_.path() / "unrelated", "");
  std::string last = "events.out.tfevents.4102444800.elsewhere.7.0";
  for (int i = 0; i < 12; ++i) {
    const EventLog log(directory_.path(), i);
    const std::string name = log.path().filename().string();
    EXPECT_GT(name, last);
    EXPECT_NE(name.find("tfevents"), std::string::npos);
    last = name;
  }
}

}  // namespace
}  // namespace sinkwise::checkpoint
