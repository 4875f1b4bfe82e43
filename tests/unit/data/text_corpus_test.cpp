#include "sinkwise/data/text_corpus.h"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>

#include "batches.h"
#include "folder.h"

namespace sinkwise::data::test {
namespace {

// Words that name their place, so that a window of 16 bytes occurs once.
std::string numbered(std::size_t bytes, char mark) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += mark + std::to_string(100'000 + i) + " ";
  return text.substr(0, bytes);
}

std::string row_text(const Batch& batch, std::int64_t row) {
  std::string text;
  for (std::int64_t t = 0; t < batch.length; ++t) {
    text += static_cast<char>(batch.targets[static_cast<std::size_t>(row * batch.length + t)]);
  }
  return text;
}

// The files a library must have, and what must be left out.
void write_library(const Folder& folder) {
  for (char c = 'a'; c < 'u'; ++c) {
    folder.write(std::string("lib/") + c + "_module.py", numbered(400, c));
  }
  folder.write("lib/abc.py", numbered(400, 'A'));
  folder.write("lib/os.py", numbered(400, 'O'));
  folder.write("lib/empty.py", "");
  folder.write("lib/aaa/package.py", numbered(400, 'P'));
  folder.write("lib/test/skipped.py", numbered(400, 'X'));
  folder.write("lib/aaa/tests/skipped.py", numbered(400, 'X'));
  folder.write("lib/site-packages/skipped.py", numbered(400, 'X'));
  folder.write("lib/latin1.py", "XXX" + std::string(400, '\xe9'));
  folder.write("lib/binary.py", "XXX" + std::string(400, '\0'));
  folder.write("lib/notes.txt", numbered(400, 'X'));
}

TEST(TextCorpus, KeepsTheContractOfATask) {
  const Folder folder;
  for (bool pack : {false, true}) {
    const TextCorpusOptions options{
        .files = {folder.write("a", numbered(2000, 'a')), folder.write("b", numbered(900, 'b'))},
        .length = 32,
        .validation_fraction = 0.1,
        .pack = pack,
        .validation_rows = 10};
    TextCorpusOptions other = options;
    other.seed = 1;
    expect_task_contract(TextCorpus(options), TextCorpus(options), TextCorpus(other));
  }
}

TEST(TextCorpus, ARowIsTheBeginningTokenAndAWindow) {
  const Folder folder;
  const std::string text = numbered(3000, 'a');
  const TextCorpus task({.files = {folder.write("a", text)}, .length = 32});
  const Batch batch = task.train_batch(0, 0, 500);
  EXPECT_TRUE(batch.document_start.empty());
  for (std::int64_t b = 0; b < batch.rows; ++b) {
    const auto start = static_cast<std::size_t>(b * 32);
    EXPECT_EQ(batch.tokens[start], 256);
    for (std::size_t t = 1; t < 32; ++t) {
      EXPECT_EQ(batch.tokens[start + t], batch.targets[start + t - 1]);
    }
    EXPECT_NE(text.find(row_text(batch, b)), std::string::npos);
  }
  EXPECT_EQ(task.vocabulary(), 257);
  EXPECT_EQ(task.bytes_per_token(), 1.0);
}

TEST(TextCorpus, AFewFilesHoldOutTheirLastParts) {
  const Folder folder;
  const std::string a = numbered(4000, 'a');
  const std::string b = numbered(2000, 'b');
  const TextCorpus task({.files = {folder.write("b", b), folder.write("a", a)},
                         .length = 16,
                         .validation_fraction = 0.25});
  EXPECT_EQ(task.train().bytes, a.substr(0, 3000) + b.substr(0, 1500));
  EXPECT_EQ(task.validation().bytes, a.substr(3000) + b.substr(1500));
  const Batch train = task.train_batch(0, 0, 3000);
  for (std::int64_t row = 0; row < train.rows; ++row) {
    ASSERT_EQ(task.validation().bytes.find(row_text(train, row)), std::string::npos);
  }
}

TEST(TextCorpus, EveryPlaceOfTheTrainingTextIsReached) {
  const Folder folder;
  const TextCorpus task({.files = {folder.write("a", numbered(60, 'a'))}, .length = 16});
  ASSERT_EQ(task.train().bytes.size(), 44u);
  std::vector<int> seen(44, 0);
  const Batch batch = task.train_batch(0, 0, 2900);
  for (std::int64_t b = 0; b < batch.rows; ++b) {
    ++seen[task.train().bytes.find(row_text(batch, b))];
  }
  for (std::size_t i = 0; i < 44; ++i) EXPECT_EQ(seen[i] > 50, i < 29) << i;  // 100 expected
}

TEST(TextCorpus, SixteenFilesHoldOutWholeOnes) {
  const Folder folder;
  TextCorpusOptions options{.files = {}, .length = 16, .validation_fraction = 0.2};
  for (char c = 'a'; c < 'u'; ++c) {
    options.files.push_back(folder.write(std::string(1, c), numbered(300, c)));
  }
  const TextCorpus task(options);
  EXPECT_EQ(task.validation().names.size(), 4u);
  EXPECT_EQ(task.train().names.size(), 16u);
  std::reverse(options.files.begin(), options.files.end());
  EXPECT_EQ(TextCorpus(options).validation().names, task.validation().names);
  EXPECT_EQ(TextCorpus(options).fingerprint(), task.fingerprint());
}

// With half held out, both sides are "abcd" + "fghi" of their files: short enough to check by hand.
TEST(TextCorpus, PackedWindowsMarkEveryFileThatBegins) {
  const Folder folder;
  const TextCorpus task({.files = {folder.write("a", "abcdabcd"), folder.write("b", "fghifghi")},
                         .length = 6,
                         .validation_fraction = 0.5,
                         .pack = true,
                         .validation_rows = 3});
  ASSERT_EQ(task.validation().bytes, "abcdfghi");
  const Batch batch = task.validation_batch(0, 3);
  constexpr std::int32_t kS = TextCorpus::kBeginning;
  constexpr std::int32_t kNo = Batch::kIgnore;
  EXPECT_EQ(batch.tokens, (std::vector<std::int32_t>{kS, 'a', 'b', 'c', 'd', kS,  //
                                                     kS, 'b', 'c', 'd', kS, 'f',  //
                                                     kS, 'c', 'd', kS, 'f', 'g'}));
  EXPECT_EQ(batch.targets, (std::vector<std::int32_t>{'a', 'b', 'c', 'd', kNo, 'f',  //
                                                      'b', 'c', 'd', kNo, 'f', 'g',  //
                                                      'c', 'd', kNo, 'f', 'g', 'h'}));
  EXPECT_EQ(batch.document_start, (std::vector<std::int32_t>{0, 0, 0, 0, 0, 5,  //
                                                             0, 0, 0, 0, 4, 4,  //
                                                             0, 0, 0, 3, 3, 3}));
}

// A window that starts exactly where a file starts has one beginning token, not two.
TEST(TextCorpus, APackedWindowThatStartsWithAFile) {
  const Folder folder;
  const TextCorpus task({.files = {folder.write("a", "abab"), folder.write("b", "cdefcdef")},
                         .length = 4,
                         .validation_fraction = 0.5,
                         .pack = true,
                         .validation_rows = 3});
  ASSERT_EQ(task.validation().bytes, "abcdef");
  const Batch batch = task.validation_batch(2, 1);
  EXPECT_EQ(batch.tokens, (std::vector<std::int32_t>{256, 'c', 'd', 'e'}));
  EXPECT_EQ(batch.targets, (std::vector<std::int32_t>{'c', 'd', 'e', 'f'}));
  EXPECT_EQ(batch.document_start, (std::vector<std::int32_t>{0, 0, 0, 0}));
}

TEST(TextCorpus, LibraryIsReadInOrderWithoutTestsAndBinaries) {
  const Folder folder;
  write_library(folder);
  const TextCorpus task({.standard_library = folder.at("lib"), .length = 32});
  EXPECT_EQ(task.validation().names.size(), 1u);
  std::vector<std::string> names = task.train().names;
  EXPECT_EQ(names.size(), 22u);
  EXPECT_EQ(names.back(), "aaa/package.py");
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end() - 1));
  EXPECT_EQ((task.train().bytes + task.validation().bytes).find('X'), std::string::npos);
}

TEST(TextCorpus, LibraryStopsAtTheMemoryCap) {
  const Folder folder;
  write_library(folder);
  const TextCorpus task({.standard_library = folder.at("lib"), .length = 32, .max_bytes = 1700});
  EXPECT_EQ(task.train().names.size() + task.validation().names.size(), 4u);
}

TEST(TextCorpus, LibraryOfThisMachineIsFoundOrItsAbsenceExplained) {
  const auto folder = find_standard_library();
  if (folder.empty()) GTEST_SKIP() << "no Python standard library on this machine";
  const TextCorpus task({.length = 128, .max_bytes = 2 << 20});
  EXPECT_GT(task.train().bytes.size(), std::size_t{1} << 20);
  EXPECT_GT(task.validation().bytes.size(), 10'000u);
  for (const std::string& name : task.validation().names) {
    const auto& train = task.train().names;
    EXPECT_EQ(std::count(train.begin(), train.end(), name), 0);
  }
}

TEST(TextCorpus, LibraryOfANamedInterpreter) {
  const Folder folder;
  folder.write("bin/python3.9", "");
  folder.write("lib/python3.9/os.py", "");
  folder.write("lib/python3.9/abc.py", "");
  std::filesystem::create_symlink(folder.at("bin/python3.9"), folder.at("python"));
  const char* before = std::getenv("SINKWISE_PYTHON");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("SINKWISE_PYTHON", folder.at("python").c_str(), 1);
  EXPECT_EQ(find_standard_library(), std::filesystem::canonical(folder.path()) / "lib/python3.9");
  ::setenv("SINKWISE_PYTHON", saved.c_str(), 1);
}

TEST(TextCorpus, FilesThatCannotBeACorpus) {
  const Folder folder;
  const std::string good = folder.write("good", numbered(1000, 'g'));
  std::filesystem::create_directory(folder.at("folder"));
  std::filesystem::create_symlink("nowhere", folder.at("dangling"));
  std::filesystem::create_symlink("loop", folder.at("loop"));
  struct Case {
    std::vector<std::string> files;
    const char* mentions;
  };
  const Case cases[] = {
      {{folder.at("missing")}, "missing"},
      {{good, folder.at("missing")}, "missing"},
      {{folder.at("folder")}, "directory"},
      {{folder.at("dangling")}, "dangling"},
      {{folder.at("loop")}, "loop"},
      {{folder.at("good") + "/inside"}, "inside"},
      {{"/dev/null"}, "device"},
      {{"/dev/zero"}, "device"},
      {{folder.write("empty", "")}, "0 bytes"},
      {{good, folder.write("empty", "")}, "0 bytes"},
      {{folder.write("one", "x")}, "1 bytes"},
      {{folder.write("short", numbered(63, 's'))}, "63 bytes"},
      {{good, folder.write("short", numbered(63, 's'))}, "at least 64 bytes"},
      {{folder.write("nul", std::string(100, '\0'))}, "byte 0"},
      {{folder.write("late", numbered(500, 'l') + std::string(1, '\0'))}, "byte 500"},
      {{folder.write("utf16", std::string("\xff\xfe"
                                          "a\0b\0c\0",
                                          8))},
       "byte 3"},
      {{folder.write("elf", std::string("\x7f"
                                        "ELF\2\1\1\0",
                                        8))},
       "NUL"},
  };
  for (const Case& c : cases) {
    const std::string message =
        bad_file_message([&] { TextCorpus({.files = c.files, .length = 32}); });
    EXPECT_NE(message.find(c.mentions), std::string::npos) << c.mentions << ": " << message;
    EXPECT_EQ(message.find("unhelpful"), std::string::npos) << message;
  }
}

TEST(TextCorpus, LibrariesThatCannotBeACorpus) {
  const Folder folder;
  folder.write("thin/os.py", "x");
  folder.write("thin/abc.py", "y");
  folder.write("partial/os.py", numbered(1000, 'o'));
  for (const char* library : {"missing", "thin", "partial"}) {
    const std::string message = bad_file_message(
        [&] { TextCorpus({.standard_library = folder.at(library), .length = 32}); });
    EXPECT_NE(message, "") << library;
    EXPECT_EQ(message.find("unhelpful"), std::string::npos) << message;
  }
}

TEST(TextCorpus, MoreTextThanTheMemorySetAsideIsNotCutInSilence) {
  const Folder folder;
  const std::string file = folder.write("a", numbered(1000, 'a'));
  try {
    TextCorpus({.files = {file}, .length = 32, .max_bytes = 999});
    FAIL();
  } catch (const BadConfig& error) {
    EXPECT_EQ(error.text().next, "raise data.max_bytes to 1000, or name fewer files");
  }
  EXPECT_NO_THROW(TextCorpus({.files = {file}, .length = 32, .max_bytes = 1000}));
}

TEST(TextCorpus, RefusesOptionsOutOfRange) {
  const Folder folder;
  const std::string file = folder.write("a", numbered(1000, 'a'));
  for (const TextCorpusOptions& options :
       {TextCorpusOptions{.files = {file}, .length = 1},
        TextCorpusOptions{.files = {file}, .validation_fraction = 0.0},
        TextCorpusOptions{.files = {file}, .validation_fraction = 1.0},
        TextCorpusOptions{.files = {file}, .max_bytes = 0},
        TextCorpusOptions{.files = {file}, .validation_rows = 0},
        TextCorpusOptions{.files = {file, file}}, TextCorpusOptions{.files = {""}}}) {
    EXPECT_THROW(TextCorpus{options}, BadConfig);
  }
}

TEST(TextCorpus, BytesBeyondAsciiStayBytes) {
  const Folder folder;
  const TextCorpus task({.files = {folder.write("a", std::string(200, '\xff'))}, .length = 16});
  const Batch batch = task.train_batch(0, 0, 1);
  EXPECT_EQ(batch.targets[0], 255);
}

}  // namespace
}  // namespace sinkwise::data::test
