// SPDX-License-Identifier: Apache-2.0
#include "follower/store_watch.h"

#include <algorithm>
#include <string>

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

Milliseconds part_of(Milliseconds time, double chance) {
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(time.count()) * chance));
}

class Watching {
 public:
  explicit Watching(const StoreWatch& watch) : watch_(watch) {}

  void run() {
    while (is_wanted_) {
      const auto done = read_and_follow();
      if (done) continue;
      is_wanted_ = watch_.lost(done.error());
      if (is_wanted_) watch_.pause(pause_after(++failures_, watch_.chance()));
    }
  }

 private:
  Result<void> read_and_follow() {
    const Listing listing = TRY(watch_.store->list(watch_.prefix));
    watch_.found();
    failures_ = 0;  // members that are replaced one after the other are lost soon, but each has answered
    for (const KeyChange& entry : listing.entries) {
      if (!pass(entry)) return {};
    }
    const auto deadline = std::chrono::steady_clock::now() + safety_read_after(watch_.chance());
    return watch_.store->follow(watch_.prefix, listing, deadline,
                                [&](const KeyChange& change) { return pass(change); });
  }
  bool pass(const KeyChange& change) {
    is_wanted_ = watch_.pass(change);
    return is_wanted_;
  }

  const StoreWatch& watch_;
  bool is_wanted_ = true;
  unsigned failures_ = 0;  // since the store answered
};

}  // namespace

Milliseconds pause_after(unsigned failures, double chance) {
  // A store has no leader for a second or two after a loss, which is not a reason to stay away.
  const unsigned doublings = std::min(std::max(failures, 2U) - 2, 4U);
  const Milliseconds longest = std::min<Milliseconds>(5min, 30s * (1U << doublings));
  return 1s + part_of(longest - 1s, chance);
}

Milliseconds safety_read_after(double chance) {
  return 5min + part_of(5min, chance);
}

void run(const StoreWatch& watch) {
  Watching(watch).run();
}

}  // namespace oci_oauth
