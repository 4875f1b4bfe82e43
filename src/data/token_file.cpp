#include "sinkwise/data/token_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/hash.h"
#include "sinkwise/core/random.h"
#include "sinkwise/core/text.h"

namespace sinkwise::data {
namespace {

static_assert(std::endian::native == std::endian::little, "token files are little endian");

constexpr std::int64_t kHeaderBytes = 256 * 4;

struct Layout {
  std::int32_t magic;
  std::int32_t version;
  int bytes_per_id;
};
constexpr Layout kLayouts[] = {{20240520, 1, 2}, {20240801, 7, 4}};

const char* const kHowToWrite =
    "write it again in llm.c's layout: 256 int32 of header, then the ids";

std::int32_t header_field(std::span<const std::byte> bytes, std::size_t index) {
  std::int32_t value = 0;
  std::memcpy(&value, bytes.data() + 4 * index, sizeof value);
  return value;
}

BadFile bad_header(const MappedFile& file, const char* field, std::size_t index,
                   std::string expected, std::string found) {
  return BadFile({.what = concat("a token file has a wrong ", field),
                  .where = concat(printable(file.path().string()), ", byte ", 4 * index),
                  .expected = std::move(expected),
                  .found = std::move(found),
                  .next = kHowToWrite});
}

void check_has_header(const MappedFile& file) {
  const auto size = static_cast<std::int64_t>(file.bytes().size());
  if (size >= kHeaderBytes) return;
  throw BadFile({.what = "a token file ends inside its header",
                 .where = printable(file.path().string()),
                 .expected = concat(kHeaderBytes, " bytes of header"),
                 .found = concat(size, " of ", kHeaderBytes, " bytes"),
                 .next = kHowToWrite});
}

const Layout& layout_of(const MappedFile& file) {
  const std::int32_t magic = header_field(file.bytes(), 0);
  const std::int32_t version = header_field(file.bytes(), 1);
  for (const Layout& layout : kLayouts) {
    if (layout.magic != magic) continue;
    if (layout.version == version) return layout;
    throw bad_header(file, "version", 1, std::to_string(layout.version), std::to_string(version));
  }
  throw bad_header(file, "magic number", 0, "20240520 (uint16 ids) or 20240801 (uint32 ids)",
                   std::to_string(magic));
}

void check_size(const MappedFile& file, std::int64_t count, int bytes_per_id) {
  const std::int64_t wanted = kHeaderBytes + count * bytes_per_id;
  const auto size = static_cast<std::int64_t>(file.bytes().size());
  if (size == wanted) return;
  throw BadFile({.what = size < wanted ? "a token file is cut short"
                                       : "a token file goes on after its last token",
                 .where = printable(file.path().string()),
                 .expected = concat(wanted, " bytes for ", count, " tokens of ", bytes_per_id,
                                    " bytes and the header"),
                 .found = concat(size, " of ", wanted, " bytes"),
                 .next = "copy or write the file again"});
}

}  // namespace

TokenFile TokenFile::open(const std::filesystem::path& path) {
  TokenFile file(MappedFile::open(path));
  check_has_header(file.file_);
  file.bytes_per_id_ = layout_of(file.file_).bytes_per_id;
  file.size_ = header_field(file.file_.bytes(), 2);
  if (file.size_ <= 0) {
    throw bad_header(file.file_, "count of tokens", 2, "at least 1", std::to_string(file.size_));
  }
  check_size(file.file_, file.size_, file.bytes_per_id_);
  return file;
}

std::uint32_t TokenFile::id(std::int64_t place) const {
  const std::byte* from = file_.bytes().data() + kHeaderBytes + place * bytes_per_id_;
  std::uint32_t value = 0;  // the upper half stays 0 for 2 bytes
  std::memcpy(&value, from, static_cast<std::size_t>(bytes_per_id_));
  return value;
}

std::int32_t TokenFile::checked_id(std::int64_t place, std::int64_t vocabulary) const {
  const std::uint32_t value = id(place);
  if (value < vocabulary) return static_cast<std::int32_t>(value);
  throw BadFile({.what = "a token is not in the vocabulary",
                 .where = concat(printable(path().string()), ", token ", place, ", byte ",
                                 kHeaderBytes + place * bytes_per_id_),
                 .expected = concat("an id below ", vocabulary),
                 .found = std::to_string(value),
                 .next = "check that the file and data.vocabulary belong to one tokenizer"});
}

void TokenFile::read(std::int64_t first, std::span<std::int32_t> ids,
                     std::int64_t vocabulary) const {
  const auto count = static_cast<std::int64_t>(ids.size());
  if (first < 0 || count > size_ || first > size_ - count) {
    throw BadArgument({.what = "tokens were asked for that do not exist",
                       .where = concat("TokenFile::read of ", printable(path().string())),
                       .expected = concat("tokens within [0, ", size_, ")"),
                       .found = concat(count, " tokens from ", first)});
  }
  for (std::int64_t i = 0; i < count; ++i) {
    ids[static_cast<std::size_t>(i)] = checked_id(first + i, vocabulary);
  }
}

std::int64_t TokenFile::largest_id(std::int64_t vocabulary) const {
  std::int32_t largest = 0;
  for (std::int64_t i = 0; i < size_; ++i) largest = std::max(largest, checked_id(i, vocabulary));
  return largest;
}

std::uint64_t TokenFile::fingerprint() const {
  const auto bytes = file_.bytes();
  const std::size_t end = std::min<std::size_t>(bytes.size(), 64 << 10);
  const std::string hashes = hash_hex(bytes.first(end)) + hash_hex(bytes.last(end));
  return derive_seed(static_cast<std::uint64_t>(size_), hashes.c_str());
}

void write_token_file(const std::filesystem::path& path, std::span<const std::int32_t> ids,
                      int bytes_per_id) {
  const std::int64_t limit = bytes_per_id == 2 ? 1 << 16 : std::int64_t{1} << 31;
  const bool fits =
      std::all_of(ids.begin(), ids.end(), [&](std::int32_t id) { return id >= 0 && id < limit; });
  const bool countable = !ids.empty() && ids.size() <= 0x7FFFFFFFu;
  if ((bytes_per_id != 2 && bytes_per_id != 4) || !fits || !countable) {
    throw BadArgument(
        {.what = "these tokens cannot be written as a token file",
         .where = "write_token_file",
         .expected = concat("1 to 2^31 - 1 ids in [0, ", limit, "), 2 or 4 bytes an id"),
         .found = concat(ids.size(), " ids of ", bytes_per_id, " bytes",
                         fits ? "" : ", one out of range")});
  }
  const Layout& layout = kLayouts[bytes_per_id == 2 ? 0 : 1];
  std::vector<std::int32_t> header(256, 0);
  header[0] = layout.magic;
  header[1] = layout.version;
  header[2] = static_cast<std::int32_t>(ids.size());
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(header)));
  if (bytes_per_id == 4) {
    file.write(std::as_bytes(ids));
  } else {
    const std::vector<std::uint16_t> narrow(ids.begin(), ids.end());
    file.write(std::as_bytes(std::span(narrow)));
  }
  file.commit();
}

}  // namespace sinkwise::data
