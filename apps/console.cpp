#include "console.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sinkwise::apps {
namespace {

constexpr auto kTerminalInterval = std::chrono::milliseconds(100);
constexpr auto kLineInterval = std::chrono::seconds(5);

std::atomic<bool> stop{false};

std::string formatted(const char* format, int digits, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), format, digits, value);
  return buffer;
}

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// Only calls that are safe in a signal handler.
void handle_signal(int number) {
  if (stop.exchange(true)) _exit(128 + number);
  constexpr char kMessage[] = "\nstopping after this step and saving; once more leaves at once\n";
  const auto written = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
  static_cast<void>(written);
}

}  // namespace

Console::Console() : terminal_(isatty(STDERR_FILENO) != 0) {}

Console::~Console() {
  if (terminal_ && !shown_.empty()) std::cerr << '\n';
}

void Console::progress(const std::string& line) {
  const auto now = std::chrono::steady_clock::now();
  const auto interval = terminal_ ? std::chrono::milliseconds(kTerminalInterval)
                                  : std::chrono::milliseconds(kLineInterval);
  if (!shown_.empty() && now - last_ < interval) return;
  last_ = now;
  clear();
  shown_ = terminal_ ? line.substr(0, terminal_columns() - 1) : line;
  std::cerr << shown_ << (terminal_ ? "" : "\n") << std::flush;
}

void Console::say(const std::string& line) {
  clear();
  std::cerr << line << '\n';
  if (terminal_) std::cerr << shown_ << std::flush;
}

void Console::clear() {
  if (terminal_ && !shown_.empty()) std::cerr << "\r\033[K";
}

void Console::error(const std::string& text) {
  const bool colour = isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  std::cerr << (colour ? "\033[1;31merror:\033[0m " : "error: ") << text << '\n';
}

Screen screen_of_output() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const auto whole = static_cast<long>(std::max(0.0, seconds) + 0.5);
  char buffer[48];
  if (whole < 60) {
    std::snprintf(buffer, sizeof(buffer), "%ld s", whole);
  } else if (whole < 3600) {
    std::snprintf(buffer, sizeof(buffer), "%ld min %02ld s", whole / 60, whole % 60);
  } else {
    std::snprintf(buffer, sizeof(buffer), "%ld h %02ld min", whole / 3600, whole / 60 % 60);
  }
  return buffer;
}

std::string significant(double value, int digits) {
  return std::isfinite(value) ? formatted("%.*g", digits, value) : "-";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string fixed(double value, int decimals) {
  return std::isfinite(value) ? formatted("%.*f", decimals, value) : "-";
}

std::string bytes_text(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes >= 1024.0 && unit < 4) {
    bytes /= 1024.0;
    ++unit;
  }
  return fixed(bytes, unit == 0 ? 0 : 1) + " " + units[unit];
}

std::string count_text(double count) {
  if (count >= 1e9) return fixed(count / 1e9, 2) + "G";
  if (count >= 1e6) return fixed(count / 1e6, 2) + "M";
  if (count >= 1e3) return fixed(count / 1e3, 1) + "k";
  return fixed(count, 0);
}

const std::atomic<bool>& stop_requested() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_handler = handle_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
  });
  return stop;
}

}  // namespace sinkwise::apps
