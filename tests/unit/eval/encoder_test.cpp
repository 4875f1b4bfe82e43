#include "sinkwise/eval/encoder.h"

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/eval/sets.h"

namespace sinkwise::eval {
namespace {

using tokenizer::TokenId;
using tokenizer::Tokenizer;
using Ids = std::vector<TokenId>;

constexpr TokenId kBos = 1;

Tokenizer fixture_tokenizer() { return Tokenizer::load(test::eval_model()); }

Ids plain(const std::string& text) {
  return fixture_tokenizer().encode(text, {.add_special = false});
}

Item item_of(const Encoder& encoder, const std::string& context, const std::string& continuation) {
  Question question;
  question.requests = {{context, continuation}};
  question.lengths = {1};
  return encoder.item(question, 0, "rows.jsonl, line 1");
}

Row row_of(const Encoder& encoder, const std::string& context, const std::string& continuation) {
  return item_of(encoder, context, continuation).rows.at(0);
}

Ids with_bos(Ids ids) {
  ids.insert(ids.begin(), kBos);
  return ids;
}

TEST(Encoder, SplitsWhereTheContextAloneEnds) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 64);
  const Row row = row_of(encoder, "Once the lion", " and a tin");
  EXPECT_EQ(row.ids, with_bos(plain("Once the lion and a tin")));
  EXPECT_EQ(row.scored,
            std::ssize(plain("Once the lion and a tin")) - std::ssize(plain("Once the lion")));
}

TEST(Encoder, SpacesAtTheEndOfTheContextAreScored) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 64);
  const Row row = row_of(encoder, "Once  ", "the lion");
  EXPECT_EQ(row.ids, with_bos(plain("Once  the lion")));
  EXPECT_EQ(row.scored, std::ssize(plain("Once  the lion")) - std::ssize(plain("Once")));
}

TEST(Encoder, ATokenThatMergesOverTheEdgeBelongsToTheContext) {
  // "Once t" is two ids alone; with "he" its last one becomes " the", and what follows is scored.
  const Encoder encoder(fixture_tokenizer(), Begin::never, 64);
  const Row row = row_of(encoder, "Once t", "he lion");
  EXPECT_EQ(row.ids, plain("Once the lion"));
  EXPECT_EQ(row.scored, std::ssize(plain("Once the lion")) - 2);
}

TEST(Encoder, BeginRules) {
  const Tokenizer tokenizer = fixture_tokenizer();
  EXPECT_EQ(Encoder(tokenizer, Begin::tokenizer, 64).begin(), Ids{kBos});
  EXPECT_EQ(Encoder(tokenizer, Begin::always, 64).begin(), Ids{kBos});
  const Encoder never(tokenizer, Begin::never, 64);
  EXPECT_EQ(row_of(never, "Once", " the").ids, plain("Once the"));
  // The name of the token in the text is the token, and it is not put there twice.
  const Encoder always(tokenizer, Begin::always, 64);
  const Ids ids = row_of(always, "<s>Once", " the").ids;
  EXPECT_EQ(ids[0], kBos);
  EXPECT_NE(ids[1], kBos);
}

TEST(Encoder, AnEmptyContextIsTheBeginningTokenWhateverTheRule) {
  for (const Begin begin : {Begin::tokenizer, Begin::always, Begin::never}) {
    const Encoder encoder(fixture_tokenizer(), begin, 64);
    const Row row = row_of(encoder, "", " the lion");
    EXPECT_EQ(row.ids, with_bos(plain(" the lion")));
    EXPECT_EQ(row.scored, std::ssize(plain(" the lion")));
    EXPECT_EQ(row_of(encoder, " ", "the lion").ids, row.ids);
  }
}

TEST(Encoder, ContextIsCutOnTheLeft) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 8);
  const Item item = item_of(encoder, "Once the lion and a tin", " was on");
  const Ids whole = plain("Once the lion and a tin was on");
  const Row& row = item.rows[0];
  EXPECT_TRUE(item.truncated);
  EXPECT_EQ(row.ids, Ids(whole.end() - 9, whole.end()));  // eight are read, the ninth predicted
  EXPECT_EQ(row.scored, std::ssize(plain("Once was on")) - std::ssize(plain("Once")));
  EXPECT_FALSE(item_of(encoder, "On", " a").truncated);
}

TEST(Encoder, WhatCannotBeScoredIsNamed) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 8);
  for (const auto& [context, continuation] : std::vector<std::pair<std::string, std::string>>{
           {"Once", ""}, {"", ""}, {"On th", "e"}, {"Once", " abcdefghijklm"}}) {
    try {
      row_of(encoder, context, continuation);
      ADD_FAILURE() << context << '|' << continuation;
    } catch (const BadFile& error) {
      EXPECT_NE(std::string(error.what()).find("rows.jsonl, line 1"), std::string::npos);
    }
  }
}

TEST(Encoder, HashesKnowPromptsAndLabels) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 64);
  Question question;
  question.requests = {{"a", " b"}, {"a", " c"}};
  question.lengths = {1, 1};
  const auto hash = [&](const Question& q) { return encoder.item(q, 0, "x").facts.hash; };
  Question label = question, moved = question;
  label.label = 1;
  moved.requests[0] = {"a ", "b"};
  EXPECT_EQ(hash(question), hash(question));
  EXPECT_NE(hash(question), hash(label));
  EXPECT_NE(hash(question), hash(moved));
}

// --- Windows of a text ---

const std::string kText = "Once the lion and a tin was on the log, then the ant sat in the sun. ";

// Every id of the text, in order, as the rows score them.
Ids scored_ids(const TextItems& items) {
  Ids ids;
  for (const Item& item : items.items) {
    const Row& row = item.rows.at(0);
    ids.insert(ids.end(), row.ids.end() - row.scored, row.ids.end());
  }
  return ids;
}

std::int64_t bytes_of_items(const TextItems& items) {
  std::int64_t bytes = 0;
  for (const Item& item : items.items) bytes += item.facts.lengths.at(0);
  return bytes;
}

TEST(Windows, EveryIdOnceWithAsMuchContextAsThereIs) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 64);
  const Ids ids = plain(kText);
  for (const std::int64_t stride : {1, 3, 7, 10}) {
    const auto items = encoder.windows(kText, {10, stride, 0}, "x");
    EXPECT_EQ(scored_ids(items), ids) << stride;
    EXPECT_EQ(bytes_of_items(items), std::ssize(kText));
    EXPECT_TRUE(items.lossless);
    for (std::size_t i = 0; i < items.items.size(); ++i) {
      const Row& row = items.items[i].rows[0];
      EXPECT_EQ(row.ids[0], kBos);
      EXPECT_EQ(std::ssize(row.ids), 11);  // ten are read, the last is only predicted
      const bool last = i + 1 == items.items.size();
      if (!last) {
        EXPECT_EQ(row.scored, i == 0 ? 10 : stride);
      }
    }
  }
}

TEST(Windows, WithoutABeginningTokenNothingPredictsTheFirstId) {
  const Encoder encoder(fixture_tokenizer(), Begin::never, 64);
  Ids ids = plain(kText);
  const auto first = fixture_tokenizer().decode(std::span(ids).first(1)).size();
  for (const std::int64_t stride : {1, 4, 10}) {
    const auto items = encoder.windows(kText, {10, stride, 0}, "x");
    EXPECT_EQ(scored_ids(items), Ids(ids.begin() + 1, ids.end())) << stride;
    EXPECT_EQ(bytes_of_items(items), std::ssize(kText) - std::ssize(kText.substr(0, first)));
    for (const Item& item : items.items) EXPECT_EQ(std::ssize(item.rows[0].ids), 11);
  }
}

TEST(Windows, AShortTextIsOneShortWindow) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 64);
  const auto items = encoder.windows("Once a", {32, 16, 0}, "x");
  ASSERT_EQ(items.items.size(), 1u);
  EXPECT_EQ(items.items[0].rows[0].ids, with_bos(plain("Once a")));
}

TEST(Windows, LimitTakesTheFirst) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 64);
  EXPECT_EQ(encoder.windows(kText, {10, 5, 2}, "x").items.size(), 2u);
}

TEST(Windows, ATokenizerThatChangesTheTextSaysSo) {
  const Encoder encoder(fixture_tokenizer(), Begin::tokenizer, 64);
  const auto items = encoder.windows("Once a Qt", {8, 4, 0}, "x");  // Q is unknown to it
  EXPECT_FALSE(items.lossless);
  EXPECT_EQ(bytes_of_items(items), 9);  // and "<unk>" is not in the text
}

TEST(Windows, BadLengthsAndTexts) {
  const Encoder bos(fixture_tokenizer(), Begin::tokenizer, 64),
      none(fixture_tokenizer(), Begin::never, 64);
  EXPECT_THROW(bos.windows(kText, {65, 8, 0}, "x"), BadConfig);
  EXPECT_THROW(bos.windows(kText, {1, 1, 0}, "x"), BadConfig);
  EXPECT_THROW(bos.windows(kText, {8, 9, 0}, "x"), BadConfig);
  EXPECT_THROW(bos.windows("", {8, 4, 0}, "x"), BadFile);
  EXPECT_THROW(none.windows("a", {8, 4, 0}, "x"), BadFile);
  EXPECT_THROW(bos.windows("\xff", {8, 4, 0}, "x"), BadFile);
}

}  // namespace
}  // namespace sinkwise::eval
