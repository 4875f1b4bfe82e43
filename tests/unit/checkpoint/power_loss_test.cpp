// What may be on the disk after the power went: everything that was synced, and of the rest any
// part.
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <unistd.h>

#include "sinkwise/checkpoint/json_log.h"
#include "unit/checkpoint/sample_run.h"
#include "unit/core/faulty_file_system.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::checkpoint {
namespace {

namespace fs = std::filesystem;

struct Node;
using Entries = std::map<std::string, std::shared_ptr<Node>>;

// A file or directory: as the process sees it, as it surely is on the disk, and for a directory the
// changes in between. The changes of one call belong together.
struct Node {
  bool directory = false;
  std::string content, synced_content;
  Entries entries, synced_entries;
  std::vector<std::vector<std::pair<std::string, std::shared_ptr<Node>>>> changes;  // null: removed
};

using Image = std::map<fs::path, std::optional<std::string>>;  // no content: a directory

// Works on the real disk and keeps book of what a power loss would leave below `root`.
class BookkeepingDisk : public FileSystem {
 public:
  explicit BookkeepingDisk(fs::path root) : root_path_(std::move(root)) {
    root_->directory = true;
    previous_ = replace_file_system(this);
  }
  ~BookkeepingDisk() override { replace_file_system(previous_); }

  int open(const char* path, int flags, unsigned mode) override {
    const int descriptor = FileSystem::open(path, flags, mode);
    if (descriptor >= 0 && find(path) == nullptr) create(path, false);
    return descriptor;
  }
  std::ptrdiff_t write(int descriptor, const void* bytes, std::size_t size) override {
    const auto written = FileSystem::write(descriptor, bytes, size);
    node_of(descriptor)->content.append(static_cast<const char*>(bytes), size);
    take_images();
    return written;
  }
  int ftruncate(int descriptor, std::int64_t size) override {
    node_of(descriptor)->content.resize(static_cast<std::size_t>(size));
    return FileSystem::ftruncate(descriptor, size);
  }
  int fsync(int descriptor) override {
    const auto node = node_of(descriptor);
    node->synced_content = node->content;
    node->synced_entries = node->entries;
    node->changes.clear();
    take_images();
    return 0;
  }
  int mkdir(const char* path, unsigned mode) override {
    create(path, true);
    return FileSystem::mkdir(path, mode);
  }
  int rename(const char* from, const char* to) override {
    EXPECT_EQ(fs::path(from).parent_path(), fs::path(to).parent_path());
    change(from, {{fs::path(to).filename(), find(from)}, {fs::path(from).filename(), nullptr}});
    take_images();
    return FileSystem::rename(from, to);
  }
  int unlink(const char* path) override { return remove(path), FileSystem::unlink(path); }
  int rmdir(const char* path) override { return remove(path), FileSystem::rmdir(path); }

  // Each with the number of saves that had been acknowledged.
  std::size_t acknowledged = 0;
  std::vector<std::pair<Image, std::size_t>> images;

 private:
  std::shared_ptr<Node> find(const fs::path& path) const {
    std::shared_ptr<Node> node = root_;
    const fs::path below = path.lexically_relative(root_path_);
    if (below == ".") return node;
    for (const fs::path& part : below) {
      const auto at = node->entries.find(part.string());
      if (at == node->entries.end()) return nullptr;
      node = at->second;
    }
    return node;
  }
  std::shared_ptr<Node> node_of(int descriptor) const {
    return find(fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor)));
  }
  void change(const fs::path& path,
              std::vector<std::pair<std::string, std::shared_ptr<Node>>> changes) {
    const auto parent = find(path.parent_path());
    apply(parent->entries, changes);
    parent->changes.push_back(std::move(changes));
  }
  void create(const fs::path& path, bool directory) {
    auto node = std::make_shared<Node>();
    node->directory = directory;
    change(path, {{path.filename(), node}});
    take_images();
  }
  void remove(const fs::path& path) {
    change(path, {{path.filename(), nullptr}});
    take_images();
  }
  static void apply(Entries& entries,
                    const std::vector<std::pair<std::string, std::shared_ptr<Node>>>& changes) {
    for (const auto& [name, node] : changes) {
      if (node) {
        entries[name] = node;
      } else {
        entries.erase(name);
      }
    }
  }

  void take_images() {
    for (int i = 0; i < 4; ++i) {
      Image image;
      draw(*root_, "", image);
      images.emplace_back(std::move(image), acknowledged);
    }
  }
  // Unsynced changes of a directory happened or not, one by one; unsynced bytes of a file are there
  // up to some point, or as zeros.
  void draw(const Node& node, const fs::path& path, Image& image) {
    if (!node.directory) {
      std::string content = node.content;
      if (content != node.synced_content) {
        const std::size_t safe = std::min(node.synced_content.size(), content.size());
        if (random_() % 2 == 0) content.resize(safe + random_() % (content.size() - safe + 1));
        if (random_() % 2 == 0) std::fill(content.begin() + safe, content.end(), '\0');
      }
      image[path] = content;
      return;
    }
    if (!path.empty()) image[path] = std::nullopt;
    Entries entries = node.synced_entries;
    for (const auto& changes : node.changes) {
      if (random_() % 2 == 0) apply(entries, changes);
    }
    for (const auto& [name, child] : entries) draw(*child, path / name, image);
  }

  fs::path root_path_;
  std::shared_ptr<Node> root_ = std::make_shared<Node>();
  std::mt19937 random_{5};
  FileSystem* previous_;
};

void lay_out(const Image& image, const fs::path& root) {
  for (const auto& [path, content] : image) {
    if (content) {
      std::ofstream(root / path, std::ios::binary) << *content;
    } else {
      fs::create_directory(root / path);
    }
  }
}

struct Save {
  std::int64_t step;
  int version;
};

void expect_recovered(const Image& image, const std::vector<Save>& saves,
                      std::size_t acknowledged) {
  const test::TemporaryDirectory directory;
  lay_out(image, directory.path());
  const RunDirectory run = RunDirectory::open(directory.path());
  const Discovery discovery = run.newest();
  if (!discovery.checkpoint) {
    ASSERT_EQ(acknowledged, 0u) << "an acknowledged checkpoint is lost";
    return;
  }
  const int version = discovery.checkpoint->state.at("version").get<int>();
  const auto is_loaded = [&](std::size_t i) {
    return saves.at(i).step == discovery.checkpoint->step && saves.at(i).version == version;
  };
  ASSERT_TRUE((acknowledged > 0 && is_loaded(acknowledged - 1)) ||
              (acknowledged < saves.size() && is_loaded(acknowledged)))
      << "step " << discovery.checkpoint->step << " version " << version << " after "
      << acknowledged << " saves";
  SampleCheckpoint(discovery.checkpoint->step, version).expect_equal(*discovery.checkpoint);
}

class PowerLoss : public testing::TestWithParam<std::vector<Save>> {};

TEST_P(PowerLoss, LosesNothingAcknowledged) {
  const std::vector<Save>& saves = GetParam();
  const test::TemporaryDirectory directory;
  BookkeepingDisk disk(directory.path());
  {
    RunDirectory run = RunDirectory::open(directory.path());
    for (const auto& [step, version] : saves) {
      save(run, step, version);
      ++disk.acknowledged;
    }
  }
  ASSERT_GT(disk.images.size(), 300u);
  const test::FaultyFileSystem quick(test::FaultyFileSystem::Fault::none, 0);
  for (std::size_t i = 0; i < disk.images.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "image " << i << " of " << disk.images.size());
    ASSERT_NO_FATAL_FAILURE(expect_recovered(disk.images[i].first, saves, disk.images[i].second));
  }
}

INSTANTIATE_TEST_SUITE_P(Saves, PowerLoss,
                         testing::Values(std::vector<Save>{{1, 0}, {2, 0}, {3, 0}, {4, 0}},
                                         std::vector<Save>{{5, 0}, {5, 1}, {5, 2}},
                                         std::vector<Save>{{1, 0}, {2, 0}, {2, 1}, {3, 0}}));

TEST(PowerLossOfALog, KeepsEveryAcknowledgedLine) {
  const test::TemporaryDirectory directory;
  BookkeepingDisk disk(directory.path());
  JsonLog log(directory.path() / "log");
  disk.images.clear();
  for (int step = 1; step <= 50; ++step) {
    log.append({{"step", step}});
    ++disk.acknowledged;
  }
  for (const auto& [image, acknowledged] : disk.images) {
    const auto at = image.find("log");
    ASSERT_NE(at, image.end());
    std::string expected;
    for (std::size_t step = 1; step <= acknowledged; ++step) {
      expected += "{\"step\":" + std::to_string(step) + "}\n";
    }
    ASSERT_EQ(at->second->substr(0, expected.size()), expected);
  }
}

}  // namespace
}  // namespace sinkwise::checkpoint
