#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "checked_size.h"
#include "sinkwise/checkpoint/safetensors.h"
#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::checkpoint {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::string_view kMetadataKey = "__metadata__";

[[noreturn]] void refuse(const std::filesystem::path& path, std::uint64_t byte,
                         const std::string& field, std::string expected, std::string found) {
  throw BadFile({.what = concat("not a valid safetensors file: ", field),
                 .where = concat(printable(path.string()), ", byte ", byte),
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .next = "fetch or save the file again; it may be truncated or damaged"});
}

std::string excerpt(const json& value) {
  constexpr std::size_t kLongest = 80;
  const std::string text = printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

struct Header {
  json content;
  JsonOffsets offsets;
  std::uint64_t end = 0;  // offset of the first byte of data
};

Header read_header(const MappedFile& file) {
  const auto bytes = file.bytes();
  if (bytes.size() < kLengthBytes) {
    refuse(file.path(), 0, "header length", "8 bytes", concat(bytes.size(), " of 8 bytes"));
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  const std::uint64_t rest = bytes.size() - kLengthBytes;
  if (length > kMaxHeaderBytes) {
    refuse(file.path(), 0, "header length", concat("at most ", kMaxHeaderBytes), concat(length));
  }
  if (length > rest) {
    refuse(file.path(), 0, "header", concat(length, " bytes"), concat(rest, " of them"));
  }
  const std::string_view text = text_of(bytes.subspan(kLengthBytes, length));
  if (text.empty() || text.front() != '{') {
    refuse(file.path(), kLengthBytes, "header", "'{' as its first byte",
           text.empty() ? "nothing" : "'" + printable(text.substr(0, 1)) + "'");
  }
  Header header{.content = {}, .offsets = {.first_byte = kLengthBytes, .members = {}}};
  header.content = parse_json(text, file.path().string(), JsonLimits{.max_bytes = kMaxHeaderBytes},
                              &header.offsets);
  header.end = kLengthBytes + length;
  return header;
}

// Where one entry stands, for errors.
struct Entry {
  const std::filesystem::path& path;
  const std::string& name;
  std::uint64_t byte;
  const json& value;

  [[noreturn]] void refuse_field(const char* field, std::string expected, std::string found) const {
    refuse(path, byte, concat(field, " of '", printable(name), "'"), std::move(expected),
           std::move(found));
  }

  const json& at(const char* field, const char* expected) const {
    if (!value.is_object()) refuse_field("entry", "an object", excerpt(value));
    const auto found = value.find(field);
    if (found == value.end()) refuse_field(field, expected, "nothing");
    return *found;
  }
};

Metadata read_metadata(const Entry& entry) {
  if (!entry.value.is_object()) entry.refuse_field("entry", "an object", excerpt(entry.value));
  Metadata metadata;
  for (const auto& [key, value] : entry.value.items()) {
    if (!value.is_string()) entry.refuse_field("value", "strings only", excerpt(value));
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

Dtype read_dtype(const Entry& entry) {
  const json& value = entry.at("dtype", "a string");
  const auto dtype =
      value.is_string() ? dtype_of(value.get_ref<const std::string&>()) : std::nullopt;
  if (!dtype) entry.refuse_field("dtype", "one of " + dtype_names(), excerpt(value));
  return *dtype;
}

std::vector<std::int64_t> read_shape(const Entry& entry) {
  const json& value = entry.at("shape", "an array");
  if (!value.is_array() || value.size() > kMaxDims) {
    entry.refuse_field("shape", concat("an array of at most ", kMaxDims, " numbers"),
                       excerpt(value));
  }
  std::vector<std::int64_t> shape;
  for (const json& dim : value) {
    const bool fits = dim.is_number_unsigned() && dim.get<std::uint64_t>() <= INT64_MAX;
    if (!fits) entry.refuse_field("shape", "whole numbers from 0 to 2^63 - 1", excerpt(value));
    shape.push_back(dim.get<std::int64_t>());
  }
  return shape;
}

struct Range {
  std::uint64_t begin;
  std::uint64_t end;
};

// Inside the data, but not yet checked against the neighbours.
Range read_range(const Entry& entry, std::uint64_t data_bytes) {
  const json& value = entry.at("data_offsets", "an array of two numbers");
  const bool pair = value.is_array() && value.size() == 2 && value[0].is_number_unsigned() &&
                    value[1].is_number_unsigned();
  if (!pair) entry.refuse_field("data_offsets", "two whole numbers >= 0", excerpt(value));
  const Range range{value[0].get<std::uint64_t>(), value[1].get<std::uint64_t>()};
  if (range.begin > range.end || range.end > data_bytes) {
    entry.refuse_field("data_offsets",
                       concat("begin <= end <= ", data_bytes, ", the bytes of data in the file"),
                       excerpt(value));
  }
  return range;
}

TensorView read_tensor(const Entry& entry, std::span<const std::byte> data) {
  TensorView tensor{
      .name = entry.name, .dtype = read_dtype(entry), .shape = read_shape(entry), .data = {}};
  const Range range = read_range(entry, data.size());
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes) {
    entry.refuse_field("shape", "a product below 2^64", excerpt(entry.value.at("shape")));
  }
  if (*bytes != range.end - range.begin) {
    entry.refuse_field("data_offsets", concat(*bytes, " bytes, as dtype and shape say"),
                       concat(range.end - range.begin, " bytes"));
  }
  tensor.data = data.subspan(range.begin, *bytes);
  return tensor;
}

// Sorted by offset, the tensors must tile the data: every byte belongs to exactly one of them.
void sort_and_check_tiling(std::vector<TensorView>& tensors, std::span<const std::byte> data,
                           const MappedFile& file, const JsonOffsets& offsets) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
    return std::pair(a.data.data(), a.data.size()) < std::pair(b.data.data(), b.data.size());
  });
  std::uint64_t next = 0;
  for (const TensorView& tensor : tensors) {
    const auto begin = static_cast<std::uint64_t>(tensor.data.data() - data.data());
    if (begin != next) {
      refuse(file.path(), offsets.members.at(tensor.name),
             concat("data_offsets of '", printable(tensor.name), "'"),
             concat("begin at ", next, ", where the tensor before it ends"), concat(begin));
    }
    next += tensor.data.size();
  }
  if (next != data.size()) {
    const auto data_begin = file.bytes().size() - data.size();
    refuse(file.path(), data_begin + next, "data",
           concat("the end of the file after ", next, " bytes of data"),
           concat(data.size(), " bytes of data"));
  }
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path, Links links) {
  return parse(MappedFile::open(path, links));
}

SafetensorsFile SafetensorsFile::parse(MappedFile mapped) {
  SafetensorsFile file(std::move(mapped));
  const Header header = read_header(file.file_);
  const auto data = file.file_.bytes().subspan(header.end);
  for (const auto& [name, value] : header.content.items()) {
    const Entry entry{file.path(), name, header.offsets.members.at(name), value};
    if (name == kMetadataKey) {
      file.metadata_ = read_metadata(entry);
    } else {
      file.tensors_.push_back(read_tensor(entry, data));
    }
  }
  sort_and_check_tiling(file.tensors_, data, file.file_, header.offsets);
  for (std::size_t i = 0; i < file.tensors_.size(); ++i) file.index_[file.tensors_[i].name] = i;
  return file;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &tensors_[at->second];
}

}  // namespace sinkwise::checkpoint
