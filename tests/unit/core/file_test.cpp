#include "sinkwise/core/file.h"

#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sys/stat.h>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/mapped_file.h"
#include "unit/core/faulty_file_system.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise {
namespace {

namespace fs = std::filesystem;
using test::FaultyFileSystem;
using Fault = FaultyFileSystem::Fault;

class File : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return directory_.path() / name; }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      found.insert(entry.path().filename().string());
    }
    return found;
  }
  static void put(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string get(const fs::path& path) { return read_file(path, 1 << 20); }

  test::TemporaryDirectory directory_;
};

using Names = std::set<std::string>;

TEST_F(File, WritesAtomicallyAndReplaces) {
  write_file_atomically(at("a"), "one");
  EXPECT_EQ(get(at("a")), "one");
  write_file_atomically(at("a"), std::string("\0two", 4));
  EXPECT_EQ(get(at("a")), std::string("\0two", 4));
  write_file_atomically(at("a"), "");
  EXPECT_EQ(get(at("a")), "");
  EXPECT_EQ(names(), Names{"a"});
}

TEST_F(File, CompletesShortWrites) {
  FaultyFileSystem disk(Fault::none, 0);
  disk.limit_write(3);
  write_file_atomically(at("a"), "0123456789");
  EXPECT_EQ(get(at("a")), "0123456789");
  EXPECT_EQ(disk.operations(), 1 + 4 + 1 + 1 + 1);  // create, write, sync, rename, sync directory
}

TEST_F(File, AFailureAtAnyOperationLeavesTheOldContentAndNoTemporary) {
  put(at("a"), "old");
  for (int n = 1; n <= 4; ++n) {  // the fifth operation comes after the rename
    FaultyFileSystem disk(Fault::error_once, n, EIO);
    EXPECT_THROW(write_file_atomically(at("a"), "new"), ResourceError) << n;
    EXPECT_EQ(get(at("a")), "old") << n;
    EXPECT_EQ(names(), Names{"a"}) << n;
  }
}

TEST_F(File, AFullDiskSaysHowMuchIsNeededAndFree) {
  FaultyFileSystem disk(Fault::disk_full, 2);
  disk.set_free_bytes(17);
  try {
    write_file_atomically(at("a"), "0123456789");
    FAIL();
  } catch (const ResourceError& error) {
    EXPECT_NE(error.text().where.find(at("a").string()), std::string::npos);
    EXPECT_EQ(error.text().expected, "room for 10 more bytes");
    EXPECT_EQ(error.text().found, "17 bytes free");
    EXPECT_FALSE(error.text().next.empty());
  }
  EXPECT_EQ(names(), Names{});
}

TEST_F(File, RefusesPlacesWhereNothingCanBeWritten) {
  EXPECT_THROW(write_file_atomically(at("missing/a"), "x"), ResourceError);
  put(at("file"), "");
  EXPECT_THROW(write_file_atomically(at("file/a"), "x"), ResourceError);
  fs::create_directory(at("directory"));
  EXPECT_THROW(write_file_atomically(at("directory"), "x"), ResourceError);
  EXPECT_THROW(write_file_atomically(at(std::string(300, 'a')), "x"), ResourceError);
  EXPECT_EQ(names(), (Names{"directory", "file"}));
}

TEST_F(File, ANewFileNeverReplacesOrFollows) {
  put(at("a"), "old");
  fs::create_symlink(at("elsewhere"), at("link"));
  EXPECT_THROW(OutputFile(at("a"), OutputFile::Mode::create), ResourceError);
  EXPECT_THROW(OutputFile(at("link"), OutputFile::Mode::create), ResourceError);
  EXPECT_FALSE(fs::exists(at("elsewhere")));
}

TEST_F(File, AppendsAndTruncates) {
  OutputFile file(at("a"), OutputFile::Mode::append);
  file.write(bytes_of("12345"));
  EXPECT_EQ(file.size(), 5u);
  file.truncate(2);
  file.write(bytes_of("x"));
  EXPECT_EQ(get(at("a")), "12x");
}

TEST_F(File, ReadsRegularFilesOnly) {
  EXPECT_THROW(read_file(at("missing"), 10), BadFile);
  EXPECT_THROW(read_file(directory_.path(), 10), BadFile);
  EXPECT_THROW(read_file("/dev/zero", 10), BadFile);
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_file(at("pipe"), 10), BadFile);  // and does not wait for a writer
}

TEST_F(File, CapsWhatItReads) {
  put(at("a"), std::string(1000, 'x'));
  EXPECT_EQ(read_file(at("a"), 1000).size(), 1000u);
  EXPECT_THROW(read_file(at("a"), 999), BadFile);
}

TEST_F(File, FollowsLinksOnlyWhereAllowed) {
  put(at("a"), "text");
  fs::create_symlink(at("a"), at("link"));
  EXPECT_EQ(read_file(at("link"), 10), "text");
  EXPECT_THROW(read_file(at("link"), 10, Links::refuse), BadFile);
  EXPECT_EQ(text_of(MappedFile::open(at("link")).bytes()), "text");
  EXPECT_THROW(MappedFile::open(at("link"), Links::refuse), BadFile);
}

TEST_F(File, EscapesNamesInMessages) {
  try {
    read_file(at("\x1b[31m"), 10);
    FAIL();
  } catch (const BadFile& error) {
    EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos);
  }
}

TEST_F(File, MapsEmptyAndOrdinaryFilesAndMoves) {
  put(at("empty"), "");
  EXPECT_TRUE(MappedFile::open(at("empty")).bytes().empty());
  put(at("a"), "0123456789");
  MappedFile first = MappedFile::open(at("a"));
  const auto bytes = first.bytes();
  MappedFile second = std::move(first);
  MappedFile third = MappedFile::open(at("empty"));
  third = std::move(second);
  EXPECT_EQ(third.bytes().data(), bytes.data());
  EXPECT_EQ(text_of(bytes), "0123456789");
  EXPECT_EQ(third.path(), at("a"));
}

TEST_F(File, NoticesThatAMappedFileBecameShorter) {
  put(at("a"), std::string(10000, 'a'));
  const MappedFile file = MappedFile::open(at("a"));
  file.check_size();
  fs::resize_file(at("a"), 10001);
  file.check_size();
  fs::resize_file(at("a"), 9999);
  EXPECT_THROW(file.check_size(), BadFile);
}

TEST_F(File, ReadsTheSameBytesAfterReleasingThem) {
  std::string content(3 * 4096 + 5, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
  put(at("a"), content);
  const MappedFile file = MappedFile::open(at("a"));
  for (const auto& [begin, size] :
       std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {1, 2}, {4095, 2}, {0, 12293}}) {
    file.release(file.bytes().subspan(begin, size));
    EXPECT_EQ(text_of(file.bytes()), content);
  }
}

TEST_F(File, RefusesToMapWhatIsNoRegularFile) {
  EXPECT_THROW(MappedFile::open(at("missing")), BadFile);
  EXPECT_THROW(MappedFile::open(directory_.path()), BadFile);
  EXPECT_THROW(MappedFile::open("/dev/null"), BadFile);
}

TEST_F(File, MakesDirectoriesWithParents) {
  make_directories(at("a/b/c/"));
  make_directories(at("a/b/c"));
  make_directories(at("a/./b/../d"));
  EXPECT_TRUE(fs::is_directory(at("a/b/c")));
  EXPECT_TRUE(fs::is_directory(at("a/d")));
}

TEST_F(File, LeavesNoPartialDirectories) {
  for (int n = 1; n <= 3; ++n) {
    FaultyFileSystem disk(Fault::error_once, n, EACCES);
    EXPECT_THROW(make_directories(at("a/b/c")), ResourceError);
    EXPECT_EQ(names(), Names{}) << n;
  }
  EXPECT_THROW(make_directories(at("a/b") / std::string(300, 'x')), ResourceError);
  std::string endless = at("a").string();
  while (endless.size() < 4200) endless += "/" + std::string(100, 'y');
  EXPECT_THROW(make_directories(endless), ResourceError);
  EXPECT_EQ(names(), Names{});
}

TEST_F(File, WillNotUseAFileOrADanglingLinkAsADirectory) {
  put(at("file"), "");
  fs::create_symlink(at("nowhere"), at("link"));
  EXPECT_THROW(make_directories(at("file")), ResourceError);
  EXPECT_THROW(make_directories(at("file/below")), ResourceError);
  EXPECT_THROW(make_directories(at("link")), ResourceError);
  fs::create_symlink(directory_.path(), at("good"));
  make_directories(at("good"));
}

TEST_F(File, RemovesTreesButNotWhatLinksPointTo) {
  fs::create_directories(at("keep"));
  put(at("keep/file"), "x");
  fs::create_directories(at("tree/below"));
  put(at("tree/below/file"), "x");
  fs::create_directory_symlink(at("keep"), at("tree/link"));
  remove_tree(at("tree"));
  remove_tree(at("missing"));
  EXPECT_EQ(names(), Names{"keep"});
  EXPECT_EQ(get(at("keep/file")), "x");
}

TEST_F(File, RecognisesItsTemporaries) {
  EXPECT_TRUE(is_temporary("a" + temporary_suffix()));
  EXPECT_TRUE(is_temporary(".tmp-0123456789abcdef"));
  EXPECT_FALSE(is_temporary("a.tmp-0123456789abcde"));
  EXPECT_FALSE(is_temporary("a.tmp-0123456789abcdeF"));
  EXPECT_FALSE(is_temporary("a.tmp-0123456789abcdef.txt"));
  EXPECT_FALSE(is_temporary("notes.tmp-old"));
  EXPECT_FALSE(is_temporary(""));
  EXPECT_NE(temporary_suffix(), temporary_suffix());
}

TEST_F(File, KnowsTheFreeRoom) {
  EXPECT_GT(free_bytes(directory_.path()), 0u);
  EXPECT_THROW(free_bytes(at("missing")), ResourceError);
}

}  // namespace
}  // namespace sinkwise
