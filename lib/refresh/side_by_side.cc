// SPDX-License-Identifier: Apache-2.0
#include "refresh/side_by_side.h"

#include "base/child.h"

namespace oci_oauth {

std::vector<std::optional<int>> run_side_by_side(const std::vector<std::function<int()>>& jobs,
                                                 const Patience& patience) {
  Supervision supervision(patience);
  std::vector<std::optional<int>> results(jobs.size());
  std::vector<Child> children(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto child = run_in_child([&] {
      supervision.restore_signals();
      return jobs[i]();
    });
    if (child) children[i] = std::move(*child);
  }
  const auto tell = [&] {
    for (const Child& child : children) child.signal(SIGTERM);
  };
  while (true) {
    std::vector<pollfd> running;
    for (size_t i = 0; i < jobs.size(); ++i) {
      if (!children[i]) continue;
      if (const auto end = children[i].wait_until(SteadyTime{})) {
        if (end->signal() == 0) results[i] = end->code();
      } else {
        running.push_back(readable(children[i].fd()));
      }
    }
    if (running.empty() || !supervision.wait(running, tell)) return results;
  }
}

}  // namespace oci_oauth
