// SPDX-License-Identifier: Apache-2.0
// Runs the same thing for every number of a range, on every processor.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace oci_oauth::test {

// `run(i)` for i = 0, 1, … below `count`. Result: what it returned, in the order of i.
template <class Outcome>
std::vector<Outcome> in_parallel(size_t count, const std::function<Outcome(size_t)>& run) {
  std::vector<Outcome> outcomes(count);
  std::mutex mutex;
  size_t next = 0;
  const auto take = [&] {
    const std::lock_guard lock(mutex);
    return next++;
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(2U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&] {
      for (size_t number; (number = take()) < count;) outcomes[number] = run(number);
    });
  }
  threads.clear();
  return outcomes;
}

}  // namespace oci_oauth::test
