#include <algorithm>
#include <map>
#include <system_error>

#include "file_format.h"
#include "shard_index.h"
#include "sinkwise/checkpoint/safetensors.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"
#include "sinkwise/weights/weights.h"

namespace sinkwise::weights {
namespace {

namespace fs = std::filesystem;
using checkpoint::Dtype;
using checkpoint::SafetensorsFile;
using checkpoint::TensorView;

constexpr const char* kModel = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{64} << 20;

StorageType storage_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::F64:
      return StorageType::F64;
    case Dtype::F32:
      return StorageType::F32;
    case Dtype::F16:
      return StorageType::F16;
    case Dtype::BF16:
      return StorageType::BF16;
    case Dtype::I64:
      return StorageType::I64;
    case Dtype::I32:
      return StorageType::I32;
    case Dtype::U8:
      return StorageType::U8;
    case Dtype::BOOL:
      return StorageType::BOOL;
    case Dtype::F8_E4M3:
      return StorageType::F8_E4M3;
    case Dtype::F8_E5M2:
      return StorageType::F8_E5M2;
    case Dtype::F8_E8M0:
      return StorageType::F8_E8M0;
    case Dtype::I16:
      return StorageType::I16;
    case Dtype::I8:
      return StorageType::I8;
    case Dtype::U64:
      return StorageType::U64;
    case Dtype::U32:
      return StorageType::U32;
    case Dtype::U16:
      return StorageType::U16;
  }
  throw InternalError({.what = "a dtype without storage type",
                       .where = "storage_type",
                       .expected = {},
                       .found = std::string(checkpoint::dtype_name(dtype)),
                       .next = {}});
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

// The names in a folder that end in `extension`, sorted.
std::vector<std::string> names_ending_in(const fs::path& folder, std::string_view extension) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.ends_with(extension)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void refuse_folder(const fs::path& folder, std::string found) {
  throw BadFile({.what = "a folder holds no weights that can be read",
                 .where = printable(folder.string()),
                 .expected = concat(kModel, ", ", kIndex, " with its shards, or one *.gguf"),
                 .found = std::move(found),
                 .next = "check that the download is complete"});
}

}  // namespace

// Fills the tables of a Weights from files that have been checked one by one.
class Weights::Builder {
 public:
  explicit Builder(const fs::path& path) { weights_.path_ = path; }

  Weights take() { return std::move(weights_); }

  void open_file(const fs::path& path, Links links) {
    MappedFile file = MappedFile::open(path, links);
    if (file_format(file.bytes(), path) == FileFormat::gguf) {
      add_gguf(GgufFile::parse(std::move(file)));
    } else {
      add_safetensors(SafetensorsFile::parse(std::move(file)));
    }
  }

  void open_folder(const fs::path& folder) {
    if (is_there(folder / kModel)) return open_file(file_in_folder(folder, kModel), Links::refuse);
    if (is_there(folder / kIndex)) return open_shards(folder);
    const auto models = names_ending_in(folder, ".gguf");
    if (models.size() == 1) {
      return open_file(file_in_folder(folder, models.front()), Links::refuse);
    }
    if (models.size() > 1)
      refuse_folder(folder, concat(models.size(), " *.gguf: name one of them"));
    for (const char* extension : {".bin", ".pt", ".pth", ".ckpt"}) {
      const auto pickles = names_ending_in(folder, extension);
      if (!pickles.empty()) refuse_pickle(folder / pickles.front());
    }
    refuse_folder(folder, "none of these");
  }

 private:
  void open_shards(const fs::path& folder) {
    const fs::path path = folder / kIndex;
    const ShardIndex index = read_shard_index(
        read_file(file_in_folder(folder, kIndex), kMaxIndexBytes, Links::refuse), path);
    std::map<std::string, std::size_t> shards;  // and how many tensors belong into each
    for (const auto& [tensor, shard] : index) ++shards[shard];
    for (const auto& [shard, count] : shards) {
      auto file = SafetensorsFile::open(file_in_folder(folder, shard), Links::refuse);
      check_shard(file, shard, index, path);
      if (file.tensors().size() < count) refuse_incomplete(file, shard, index, path);
      add_safetensors(std::move(file));
    }
  }

  // A shard holds what the index says and nothing else: readers that ask the index and readers that
  // ask the shards must see the same model. It also rules out a tensor in two shards.
  static void check_shard(const SafetensorsFile& file, const std::string& shard,
                          const ShardIndex& index, const fs::path& path) {
    for (const TensorView& tensor : file.tensors()) {
      const auto at = index.find(tensor.name);
      if (at == index.end()) refuse_tensor(path, tensor.name, "nowhere", "in " + printable(shard));
      if (at->second != shard) {
        refuse_tensor(path, tensor.name, "in " + printable(at->second) + " only",
                      "in " + printable(shard) + " as well");
      }
    }
  }

  static void refuse_incomplete(const SafetensorsFile& file, const std::string& shard,
                                const ShardIndex& index, const fs::path& path) {
    for (const auto& [name, where] : index) {
      if (where == shard && file.find(name) == nullptr) {
        refuse_tensor(path, name, "in " + printable(shard), "no such tensor there");
      }
    }
  }

  [[noreturn]] static void refuse_tensor(const fs::path& path, const std::string& tensor,
                                         std::string expected, std::string found) {
    throw BadFile(
        {.what = concat("shards do not fit their index: tensor '", printable(tensor), "'"),
         .where = printable(path.string()),
         .expected = std::move(expected),
         .found = std::move(found),
         .next = "fetch or save the model again, index and shards together"});
  }

  void add_safetensors(SafetensorsFile file) {
    for (const TensorView& tensor : file.tensors()) {
      add(tensor.name, storage_type(tensor.dtype), tensor.shape, tensor.data);
    }
    weights_.files_.push_back(std::move(file).take_file());
  }

  void add_gguf(GgufFile file) {
    refuse_split(file.metadata());
    for (const GgufTensor& tensor : file.tensors()) {
      add(tensor.name, tensor.type, tensor.shape, tensor.data);
    }
    weights_.gguf_ = file.metadata();
    weights_.files_.push_back(std::move(file).take_file());
  }

  void refuse_split(const GgufMetadata& metadata) const {
    if (metadata.find("split.count") == nullptr) return;
    const std::uint64_t parts = metadata.integer("split.count");
    if (parts <= 1) return;
    throw Unsupported({.what = "a GGUF model that was split over several files is not read",
                       .where = printable(weights_.path_.string()),
                       .expected = "a whole model",
                       .found = concat("one of ", parts, " parts"),
                       .next = "join the parts: llama-gguf-split --merge FIRST_PART WHOLE"});
  }

  // The file of the tensor is pushed after its tensors.
  void add(const std::string& name, StorageType type, const std::vector<std::int64_t>& shape,
           std::span<const std::byte> bytes) {
    weights_.index_[name] = weights_.tensors_.size();
    weights_.tensors_.push_back(
        {name, type, shape, bytes.size() / block_bytes(type) * block_elements(type)});
    weights_.places_.push_back({weights_.files_.size(), bytes});
  }

  Weights weights_;
};

Weights Weights::open(const fs::path& path) {
  Builder builder(path);
  std::error_code error;
  if (fs::is_directory(path, error)) {
    builder.open_folder(path);
  } else {
    builder.open_file(path, Links::follow);
  }
  return builder.take();
}

}  // namespace sinkwise::weights
