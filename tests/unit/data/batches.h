#pragma once

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "sinkwise/data/task.h"

namespace sinkwise::data::test {

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// The rows of two batches under each other.
inline Batch concatenated(Batch first, const Batch& second) {
  first.rows += second.rows;
  append(first.tokens, second.tokens);
  append(first.targets, second.targets);
  append(first.document_start, second.document_start);
  append(first.features, second.features);
  append(first.regression, second.regression);
  append(first.group, second.group);
  append(first.oracle, second.oracle);
  return first;
}

inline bool same(const Batch& a, const Batch& b) {
  return a.rows == b.rows && a.length == b.length && a.tokens == b.tokens &&
         a.targets == b.targets && a.document_start == b.document_start &&
         a.features == b.features && a.regression == b.regression && a.group == b.group &&
         a.oracle == b.oracle;
}

// The contract of Task, for any task: `again` is built from the same options, `other` from another
// training seed.
inline void expect_task_contract(const Task& task, const Task& again, const Task& other) {
  const Batch whole = task.train_batch(3, 0, 7);
  EXPECT_EQ(whole.rows, 7);
  EXPECT_EQ(whole.length, task.length());
  EXPECT_TRUE(same(whole, again.train_batch(3, 0, 7)));
  EXPECT_TRUE(same(whole, concatenated(task.train_batch(3, 0, 2), task.train_batch(3, 2, 5))));
  EXPECT_FALSE(same(whole, task.train_batch(4, 0, 7)));
  EXPECT_FALSE(same(whole, task.train_batch(3, 1, 7)));
  EXPECT_FALSE(same(whole, other.train_batch(3, 0, 7)));
  EXPECT_EQ(task.train_batch(0, 5, 0).rows, 0);

  const std::int64_t rows = task.validation_rows();
  const Batch held_out = task.validation_batch(0, rows);
  EXPECT_TRUE(same(held_out, other.validation_batch(0, rows)));
  EXPECT_TRUE(same(held_out,
                   concatenated(task.validation_batch(0, 3), task.validation_batch(3, rows - 3))));
  EXPECT_THROW(task.validation_batch(0, rows + 1), BadArgument);
  EXPECT_THROW(task.validation_batch(-1, 1), BadArgument);
  EXPECT_THROW(task.validation_batch(rows + 1, 0), BadArgument);
  EXPECT_THROW(task.train_batch(-1, 0, 1), BadArgument);
  EXPECT_THROW(task.train_batch(0, -1, 1), BadArgument);
  EXPECT_THROW(task.train_batch(0, 0, -1), BadArgument);

  EXPECT_EQ(task.fingerprint(), again.fingerprint());
  EXPECT_NE(task.fingerprint(), other.fingerprint());

  for (const Batch& batch : {whole, held_out}) {
    for (std::size_t i = 0; i < batch.tokens.size(); ++i) {
      ASSERT_GE(batch.tokens[i], 0);
      ASSERT_LT(batch.tokens[i], task.vocabulary());
      if (batch.targets[i] == Batch::kIgnore) continue;
      ASSERT_GE(batch.targets[i], 0);
      ASSERT_LT(batch.targets[i], task.vocabulary());
    }
  }
}

}  // namespace sinkwise::data::test
