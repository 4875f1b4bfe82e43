#include "sinkwise/weights/storage_type.h"

#include <array>
#include <vector>

#include "sinkwise/core/text.h"

namespace sinkwise::weights {
namespace {

struct Row {
  std::string_view name;
  std::uint64_t elements;  // of a block
  std::uint64_t bytes;     // of a block
};

// In the order of the enumerators.
constexpr std::array<Row, 42> kRows = {{
    {"F64", 1, 8},       {"F32", 1, 4},        {"F16", 1, 2},        {"BF16", 1, 2},
    {"F8_E4M3", 1, 1},   {"F8_E5M2", 1, 1},    {"F8_E8M0", 1, 1},    {"I64", 1, 8},
    {"I32", 1, 4},       {"I16", 1, 2},        {"I8", 1, 1},         {"BOOL", 1, 1},
    {"U64", 1, 8},       {"U32", 1, 4},        {"U16", 1, 2},        {"U8", 1, 1},
    {"Q4_0", 32, 18},    {"Q4_1", 32, 20},     {"Q5_0", 32, 22},     {"Q5_1", 32, 24},
    {"Q8_0", 32, 34},    {"Q4_K", 256, 144},   {"Q5_K", 256, 176},   {"Q6_K", 256, 210},
    {"MXFP4", 32, 17},   {"Q8_1", 32, 36},     {"Q2_K", 256, 84},    {"Q3_K", 256, 110},
    {"Q8_K", 256, 292},  {"IQ1_S", 256, 50},   {"IQ1_M", 256, 56},   {"IQ2_XXS", 256, 66},
    {"IQ2_XS", 256, 74}, {"IQ2_S", 256, 82},   {"IQ3_XXS", 256, 98}, {"IQ3_S", 256, 110},
    {"IQ4_NL", 32, 18},  {"IQ4_XS", 256, 136}, {"TQ1_0", 256, 54},   {"TQ2_0", 256, 66},
    {"NVFP4", 64, 36},   {"Q1_0", 128, 18},
}};
static_assert(kRows[static_cast<std::size_t>(StorageType::MXFP4)].name == "MXFP4");
static_assert(kRows[static_cast<std::size_t>(StorageType::Q1_0)].name == "Q1_0");

const Row& row(StorageType type) { return kRows[static_cast<std::size_t>(type)]; }

}  // namespace

std::string_view type_name(StorageType type) { return row(type).name; }
std::uint64_t block_elements(StorageType type) { return row(type).elements; }
std::uint64_t block_bytes(StorageType type) { return row(type).bytes; }
bool converts(StorageType type) { return type <= StorageType::MXFP4; }

std::string converted_types() {
  std::vector<std::string> names;
  for (std::size_t i = 0; converts(static_cast<StorageType>(i)); ++i) {
    names.emplace_back(kRows[i].name);
  }
  return join(names);
}

}  // namespace sinkwise::weights
