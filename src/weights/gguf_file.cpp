#include <array>
#include <bit>
#include <optional>
#include <set>

#include "gguf_cursor.h"
#include "gguf_metadata.h"
#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/weights/gguf.h"

namespace sinkwise::weights {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kDefaultAlignment = 32;
// The least that an entry takes: a key its length, its type and a byte; a tensor its length, the
// number of its dimensions, its type and its offset.
constexpr std::uint64_t kLeastKey = 13;
constexpr std::uint64_t kLeastTensor = 24;

struct Counts {
  std::uint64_t tensors = 0;
  std::uint64_t keys = 0;
};

// Refuses a count, which stands at `byte`, of more entries than the rest of the file could hold.
void check_count(const GgufCursor& cursor, std::uint64_t byte, std::string_view field,
                 std::uint64_t count, std::uint64_t least) {
  const std::uint64_t most = cursor.remaining() / least;
  if (count <= most) return;
  cursor.refuse(byte, field, concat("at most ", most, ", as many as fit into the file"),
                concat(count));
}

Counts read_start(GgufCursor& cursor) {
  const std::string_view magic = text_of(cursor.take(kMagic.size(), "magic"));
  if (magic != kMagic) {
    cursor.refuse(0, "magic", "'GGUF'", concat("'", printable(magic), "'"));
  }
  const auto version = cursor.number<std::uint32_t>("version");
  if (version != 2 && version != 3) {
    const bool swapped = version != 0 && (version & 0xFFFFu) == 0;
    cursor.refuse(kMagic.size(), "version", "2 or 3, little-endian",
                  swapped ? "a big-endian file" : concat(version));
  }
  Counts counts;
  counts.tensors = cursor.number<std::uint64_t>("number of tensors");
  counts.keys = cursor.number<std::uint64_t>("number of keys");
  check_count(cursor, cursor.offset() - 16, "number of tensors", counts.tensors, kLeastTensor);
  check_count(cursor, cursor.offset() - 8, "number of keys", counts.keys, kLeastKey);
  return counts;
}

std::uint64_t read_alignment(const GgufCursor& cursor, const GgufMetadata& metadata) {
  constexpr std::string_view kKey = "general.alignment";
  const GgufValue* value = metadata.find(kKey);
  if (value == nullptr) return kDefaultAlignment;
  const auto* alignment = std::get_if<std::uint64_t>(value);
  if (alignment == nullptr || !std::has_single_bit(*alignment) || *alignment > kMaxGgufAlignment) {
    cursor.refuse(concat("value of key '", kKey, "'"),
                  concat("a power of two up to ", kMaxGgufAlignment),
                  alignment == nullptr ? "another type" : concat(*alignment));
  }
  return *alignment;
}

// By the number of a type in ggml; numbers that are free, or whose type ggml has dropped, are none.
std::optional<StorageType> type_of_number(std::uint32_t number) {
  using enum StorageType;
  constexpr std::array<std::optional<StorageType>, 42> kTypes = {
      F32,   F16,    Q4_0,  Q4_1, {},   {},      Q5_0,   Q5_1,    Q8_0,  Q8_1,   Q2_K,
      Q3_K,  Q4_K,   Q5_K,  Q6_K, Q8_K, IQ2_XXS, IQ2_XS, IQ3_XXS, IQ1_S, IQ4_NL, IQ3_S,
      IQ2_S, IQ4_XS, I8,    I16,  I32,  I64,     F64,    IQ1_M,   BF16,  {},     {},
      {},    TQ1_0,  TQ2_0, {},   {},   {},      MXFP4,  NVFP4,   Q1_0};
  return number < kTypes.size() ? kTypes[number] : std::nullopt;
}

// An entry, whose bytes are not yet placed.
struct Entry {
  GgufTensor tensor;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;     // within the data
  std::uint64_t offset_at = 0;  // where the file says that
  std::uint64_t type_at = 0;

  std::string field(const char* what) const {
    return concat(what, " of tensor '", tensor.name, "'");
  }
};

std::vector<std::int64_t> read_shape(GgufCursor& cursor, const Entry& entry) {
  const std::string field = entry.field("shape");
  const auto dims = cursor.number<std::uint32_t>(field);
  if (dims > kMaxGgufDims) {
    cursor.refuse(cursor.offset() - 4, field, concat("at most ", kMaxGgufDims, " dimensions"),
                  concat(dims));
  }
  std::vector<std::int64_t> shape(dims);
  for (std::uint32_t i = 0; i < dims; ++i) {
    const auto dim = cursor.number<std::uint64_t>(field);
    if (dim > INT64_MAX) {
      cursor.refuse(cursor.offset() - 8, field, "dimensions below 2^63", concat(dim));
    }
    shape[dims - 1 - i] = static_cast<std::int64_t>(dim);
  }
  return shape;
}

StorageType read_storage_type(GgufCursor& cursor, const Entry& entry) {
  const auto number = cursor.number<std::uint32_t>(entry.field("type"));
  const auto type = type_of_number(number);
  if (!type) {
    cursor.refuse(cursor.offset() - 4, entry.field("type"), "one of " + converted_types(),
                  concat("type number ", number));
  }
  return *type;
}

// Rows are whole blocks, and no product overflows (a later zero does not excuse one).
std::uint64_t bytes_of_tensor(const GgufCursor& cursor, const Entry& entry) {
  const auto& [name, type, shape, data] = entry.tensor;
  const std::uint64_t row = shape.empty() ? 1 : static_cast<std::uint64_t>(shape.back());
  if (row % block_elements(type) != 0) {
    cursor.refuse(
        entry.type_at, entry.field("shape"),
        concat("rows of a multiple of ", block_elements(type), " for type ", type_name(type)),
        concat("rows of ", row));
  }
  std::uint64_t bytes = block_bytes(type), elements = 1;
  bool overflow = __builtin_mul_overflow(bytes, row / block_elements(type), &bytes);
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) {
    overflow |= __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(shape[i]), &bytes);
  }
  for (const std::int64_t dim : shape) {
    overflow |= __builtin_mul_overflow(elements, static_cast<std::uint64_t>(dim), &elements);
  }
  if (overflow || elements > INT64_MAX) {
    cursor.refuse(entry.type_at, entry.field("shape"), "a product below 2^63", "a larger one");
  }
  return bytes;
}

Entry read_entry(GgufCursor& cursor, std::uint64_t number) {
  Entry entry;
  entry.tensor.name = cursor.name(concat("name of tensor ", number));
  entry.tensor.shape = read_shape(cursor, entry);
  entry.type_at = cursor.offset();
  entry.tensor.type = read_storage_type(cursor, entry);
  entry.bytes = bytes_of_tensor(cursor, entry);
  entry.offset_at = cursor.offset();
  entry.offset = cursor.number<std::uint64_t>(entry.field("offset"));
  return entry;
}

std::vector<Entry> read_entries(GgufCursor& cursor, std::uint64_t count) {
  std::vector<Entry> entries;
  std::set<std::string> names;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t begin = cursor.offset();
    entries.push_back(read_entry(cursor, i));
    if (!names.insert(entries.back().tensor.name).second) {
      cursor.refuse(begin, concat("name of tensor ", i), "every name once",
                    concat("a repeated '", entries.back().tensor.name, "'"));
    }
  }
  return entries;
}

// `value` rounded up to a multiple of `alignment`, which is a power of two; none on overflow.
std::optional<std::uint64_t> round_up(std::uint64_t value, std::uint64_t alignment) {
  if (value > UINT64_MAX - (alignment - 1)) return std::nullopt;
  return (value + alignment - 1) & ~(alignment - 1);
}

// Each tensor begins where the one before it ends, rounded up; the last needs no padding.
std::vector<GgufTensor> place(const GgufCursor& cursor, std::vector<Entry> entries,
                              std::span<const std::byte> file, std::uint64_t alignment) {
  std::vector<GgufTensor> tensors;
  const std::uint64_t begin = round_up(cursor.offset(), alignment).value_or(UINT64_MAX);
  std::optional<std::uint64_t> next = 0;
  for (Entry& entry : entries) {
    if (entry.offset != next) {
      cursor.refuse(entry.offset_at, entry.field("offset"),
                    concat(next.value_or(UINT64_MAX), ", where the tensor before it ends"),
                    concat(entry.offset));
    }
    const std::uint64_t room = begin <= file.size() ? file.size() - begin : 0;
    if (entry.offset > room || entry.bytes > room - entry.offset) {
      cursor.refuse(entry.offset_at, entry.field("data"),
                    concat(entry.bytes, " bytes from byte ", begin, " + ", entry.offset),
                    concat("a file of ", file.size(), " bytes"));
    }
    if (entry.bytes > 0) entry.tensor.data = file.subspan(begin + entry.offset, entry.bytes);
    next = round_up(entry.offset + entry.bytes, alignment);
    tensors.push_back(std::move(entry.tensor));
  }
  return tensors;
}

}  // namespace

GgufFile GgufFile::open(const std::filesystem::path& path, Links links) {
  return parse(MappedFile::open(path, links));
}

GgufFile GgufFile::parse(MappedFile mapped) {
  GgufFile file(std::move(mapped));
  GgufCursor cursor(file.file_);
  const Counts counts = read_start(cursor);
  file.metadata_ = GgufMetadata(file.file_.path(), read_gguf_metadata(cursor, counts.keys));
  const std::uint64_t alignment = read_alignment(cursor, file.metadata_);
  std::vector<Entry> entries = read_entries(cursor, counts.tensors);
  file.tensors_ = place(cursor, std::move(entries), file.file_.bytes(), alignment);
  return file;
}

}  // namespace sinkwise::weights
