#include "sinkwise/checkpoint/dtype.h"

#include <array>
#include <vector>

#include "sinkwise/core/text.h"

namespace sinkwise::checkpoint {
namespace {

struct Row {
  std::string_view name;
  std::size_t size;
};

// In the order of the enumerators.
constexpr std::array<Row, 16> kRows = {{{"F64", 8},
                                        {"F32", 4},
                                        {"F16", 2},
                                        {"BF16", 2},
                                        {"I64", 8},
                                        {"I32", 4},
                                        {"U8", 1},
                                        {"BOOL", 1},
                                        {"F8_E4M3", 1},
                                        {"F8_E5M2", 1},
                                        {"F8_E8M0", 1},
                                        {"I16", 2},
                                        {"I8", 1},
                                        {"U64", 8},
                                        {"U32", 4},
                                        {"U16", 2}}};

}  // namespace

std::string_view dtype_name(Dtype dtype) { return kRows[static_cast<std::size_t>(dtype)].name; }

std::size_t dtype_size(Dtype dtype) { return kRows[static_cast<std::size_t>(dtype)].size; }

std::optional<Dtype> dtype_of(std::string_view name) {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<Dtype>(i);
  }
  return std::nullopt;
}

std::string dtype_names() {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.name);
  return join(names);
}

}  // namespace sinkwise::checkpoint
