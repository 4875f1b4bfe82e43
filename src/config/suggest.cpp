#include "suggest.h"

#include <algorithm>
#include <cctype>

#include "environment_name.h"
#include "sinkwise/core/text.h"

namespace sinkwise::config {
namespace {

std::string normalised(std::string key) {
  std::erase(key, '"');
  for (char& c : key) {
    c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return key;
}

std::string last_word(const std::string& key) { return key.substr(key.rfind('.') + 1); }

// The keys that end in `word`, the one nearest to `key` first choice.
std::string with_last_word(const std::string& word, const std::string& key,
                           const std::vector<std::string>& keys) {
  std::vector<std::string> same;
  for (const std::string& candidate : keys) {
    if (last_word(candidate) == word) same.push_back(candidate);
  }
  if (same.size() == 1) return same.front();
  return nearest(key, same);
}

// The only key that goes on where `key` stops: "optim.warmup" for optim.warmup_steps.
std::string with_beginning(const std::string& key, const std::vector<std::string>& keys) {
  std::string found;
  for (const std::string& candidate : keys) {
    if (key.empty() || !candidate.starts_with(key)) continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

}  // namespace

std::string suggest(const std::string& key, const std::vector<std::string>& keys) {
  const std::string wanted = normalised(key);
  const std::string moved = with_last_word(last_word(wanted), wanted, keys);
  if (!moved.empty()) return moved;
  const std::string longer = with_beginning(wanted, keys);
  if (!longer.empty()) return longer;
  const std::string near = nearest(wanted, keys);
  if (!near.empty()) return near;
  std::vector<std::string> words;
  for (const std::string& candidate : keys) words.push_back(last_word(candidate));
  const std::string word = nearest(last_word(wanted), words);
  return word.empty() ? std::string() : with_last_word(word, wanted, keys);
}

std::string suggest_variable(const std::string& name, const std::vector<std::string>& keys) {
  std::string key = name.substr(std::string_view(kEnvironmentPrefix).size());
  std::string near = suggest(key, keys);
  const std::size_t after_section = key.find('_');
  if (near.empty() && after_section != std::string::npos) {
    key[after_section] = '.';
    near = suggest(key, keys);
  }
  return near.empty() ? near : environment_name(near);
}

}  // namespace sinkwise::config
