#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace sinkwise::apps {

// Messages for people, on stderr; data for programs goes to stdout by the commands themselves. One
// progress line is rewritten in place on a terminal; elsewhere a new line appears now and then.
class Console {
 public:
  Console();
  ~Console();

  // Replaces the progress line.
  void progress(const std::string& line);

  // A line that stays, above the progress line.
  void say(const std::string& line);

  static void error(const std::string& text);

 private:
  void clear();

  bool terminal_;
  std::string shown_;
  std::chrono::steady_clock::time_point last_;
};

// What fits on the terminal behind standard output; something usual where that is none.
struct Screen {
  int columns = 100, rows = 40;
};
Screen screen_of_output();

// "3 s", "2 min 05 s", "1 h 12 min"; "?" when it is not finite.
std::string duration_text(double seconds);

// printf's %.*g and %.*f, with "-" for a number that was not measured.
std::string significant(double value, int digits);
std::string fixed(double value, int decimals);

// `text` with spaces after it up to `width`.
std::string padded(std::string text, std::size_t width);

// "12.3 MiB"
std::string bytes_text(double bytes);

// "18.2k"
std::string count_text(double count);

// Set by the first SIGINT or SIGTERM, which says so; a second one ends the process at once, which
// is safe because a run directory survives a kill at any moment.
const std::atomic<bool>& stop_requested();

}  // namespace sinkwise::apps
