#include "regular_expression.h"

#include <array>
#include <cstdint>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "characters.h"
#include "known_patterns.h"
#include "pattern.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {
namespace {

constexpr std::uint32_t kHeapLimitKiB = 64 * 1024;
constexpr std::uint64_t kSteps = 10'000'000;
constexpr std::uint64_t kStepsPerByte = 200;

// Steps that remain, and where in the text the last one stood: what lies between was scanned.
struct Budget {
  std::uint64_t left = 0;
  std::size_t position = 0;
};

// PCRE2's own limits are counted per starting position, which leaves quadratic patterns alone; its
// callout before every item of the pattern sees all of them.
int count_step(pcre2_callout_block* block, void* data) {
  auto& budget = *static_cast<Budget*>(data);
  const std::size_t at = block->current_position;
  const std::uint64_t cost =
      1 + (at > budget.position ? at - budget.position : budget.position - at);
  budget.position = at;
  if (cost > budget.left) return PCRE2_ERROR_CALLOUT;
  budget.left -= cost;
  return 0;
}

std::string pcre2_message(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

// One search at a time over one text.
class Matcher {
 public:
  Matcher(const pcre2_code* code, std::string_view text, bool counted)
      : code_(code),
        text_(text),
        budget_{.left = kSteps + kStepsPerByte * text.size(), .position = 0},
        context_(pcre2_match_context_create(nullptr), pcre2_match_context_free),
        data_(pcre2_match_data_create(1, nullptr), pcre2_match_data_free) {
    if (context_ == nullptr || data_ == nullptr) throw std::bad_alloc();
    pcre2_set_heap_limit(context_.get(), kHeapLimitKiB);
    pcre2_set_match_limit(context_.get(), UINT32_MAX);
    pcre2_set_depth_limit(context_.get(), UINT32_MAX);
    if (counted) pcre2_set_callout(context_.get(), count_step, &budget_);
  }
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  // Positive: a match, in range(). PCRE2_ERROR_NOMATCH or another error otherwise.
  int search(std::size_t from) {
    const int result = run(from, PCRE2_NO_UTF_CHECK);
    return result == PCRE2_ERROR_JIT_STACKLIMIT ? run(from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT)
                                                : result;
  }

  Regex::Range range() const {
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_.get());
    return {ends[0], ends[1]};
  }

 private:
  int run(std::size_t from, std::uint32_t options) {
    const int result =
        pcre2_match(code_, units(text_), text_.size(), from, options, data_.get(), context_.get());
    return result == 0 ? 1 : result;  // 0: a match with more groups than we look at
  }

  const pcre2_code* code_;
  std::string_view text_;
  Budget budget_;
  std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context_;
  std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data_;
};

[[noreturn]] void refuse_costly(const std::string& where, int error, std::size_t bytes) {
  const std::string reason = error == PCRE2_ERROR_CALLOUT ? "more" : pcre2_message(error);
  throw BadFile({.what = "a regular expression is too costly",
                 .where = where,
                 .expected = concat("at most ", kSteps, " steps and ", kStepsPerByte,
                                    " for each byte of a text"),
                 .found = concat(reason, " in a text of ", bytes, " bytes"),
                 .next = "use a pattern without nested or overlapping repetitions"});
}

std::size_t character_size(std::string_view text, std::size_t at) {
  std::uint32_t code = 0;
  return at < text.size() ? decode_utf8(text.substr(at), code) : 1;
}

}  // namespace

void Regex::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Regex::Regex(std::string_view pattern, std::string where)
    : where_(std::move(where)), counted_(!is_known_pattern(pattern)) {
  const std::string perl = perl_pattern(pattern, where_);
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  if (context == nullptr) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  const std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE |
                                (counted_ ? PCRE2_AUTO_CALLOUT | PCRE2_NO_START_OPTIMIZE : 0U);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(units(perl), perl.size(), options, &error, &offset, context.get()),
              Free{});
  if (code_ == nullptr) {
    throw Unsupported({.what = "a regular expression cannot be compiled",
                       .where = concat(where_, ", offset ", offset, " of its PCRE2 form"),
                       .expected = "what Oniguruma and PCRE2 read alike",
                       .found = concat(pcre2_message(error), ": ", printable(perl.substr(0, 200))),
                       .next = "docs/tokenizers.md lists what is supported"});
  }
  // Where there is no compiler for this machine, the interpreter does the same, slower.
  if (!counted_) pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
}

std::vector<Regex::Range> Regex::find_all(std::string_view text) const {
  const std::optional<std::string> replaced = with_stand_ins(text);
  if (replaced) text = *replaced;
  Matcher matcher(code_.get(), text, counted_);
  std::vector<Range> found;
  for (std::size_t from = 0; from <= text.size();) {
    const int result = matcher.search(from);
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0) refuse_costly(where_, result, text.size());
    const Range range = matcher.range();
    if (range.first == range.second && !found.empty() && found.back().second == range.first) {
      from = range.second + character_size(text, range.second);
      continue;
    }
    found.push_back(range);
    from = range.second;
    if (range.first == range.second) from += character_size(text, range.second);
  }
  return found;
}

}  // namespace sinkwise::tokenizer
