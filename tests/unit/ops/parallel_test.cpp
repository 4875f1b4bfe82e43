#include "cpu/parallel.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>

namespace sinkwise::ops::cpu {
namespace {

// Each call waits for the other to have begun, which only two threads at the same time can do.
TEST(TorchExecutor, RunsCallsAtTheSameTime) {
  at::set_num_threads(2);
  const kernels::Executor executor = torch_executor();
  ASSERT_EQ(executor.threads, 2);
  std::atomic<int> begun{0}, met{0};
  executor.run(2, [&](std::int64_t) {
    ++begun;
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (begun < 2 && std::chrono::steady_clock::now() < late) std::this_thread::yield();
    met += begun == 2;
  });
  EXPECT_EQ(met, 2);
}

TEST(TorchExecutor, RunsEveryCallOnceWhereThereAreFewerThreads) {
  at::set_num_threads(1);
  std::vector<int> calls(5);
  torch_executor().run(5, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
  EXPECT_EQ(calls, std::vector<int>(5, 1));
}

}  // namespace
}  // namespace sinkwise::ops::cpu
