// SPDX-License-Identifier: Apache-2.0
#include "follower/store_watch.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

Milliseconds part_of(Milliseconds time, double chance) {
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(time.count()) * chance));
}

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

std::string line_of(const StoreNews& news) {
  if (const auto* const why = std::get_if<Error>(&news))
    return fmt::format("lost {}\n", base64(why->message));
  const auto* const change = std::get_if<KeyChange>(&news);
  if (change == nullptr) return "answered\n";
  if (!change->stored) return fmt::format("removed {}\n", base64(change->key));
  return fmt::format("stored {} {} {}\n", base64(change->key), base64(change->stored->bytes),
                     base64(change->stored->version));
}

std::optional<StoreNews> news_of(std::string_view line) {
  const std::string_view what = next_part(line, ' ');
  auto first = from_base64(next_part(line, ' ')), bytes = from_base64(next_part(line, ' ')),
       version = from_base64(line);
  if (!first || !bytes || !version) return std::nullopt;
  if (what == "answered") return StoreAnswered();
  if (what == "lost") return Error{ErrorKind::temporary, std::move(*first)};
  if (what == "removed") return KeyChange{std::move(*first), std::nullopt};
  if (what == "stored") return KeyChange{std::move(*first), Stored{std::move(*bytes), std::move(*version)}};
  return std::nullopt;
}

void run(const StoreWatch& watch) {
  bool is_wanted = true;
  unsigned failures = 0;  // since the store answered
  const auto tell = [&](const StoreNews& news) { return is_wanted = watch.tell(news); };
  const auto read_and_follow = [&]() -> Result<void> {
    Listing listing = TRY(watch.store->list(watch.prefix));
    failures = 0;  // members that are replaced one after the other are lost soon, but each has answered
    if (!tell(StoreAnswered())) return {};
    for (KeyChange& entry : listing.entries) {
      if (!tell(std::move(entry))) return {};
    }
    const auto deadline = std::chrono::steady_clock::now() + safety_read_after(watch.chance());
    return watch.store->follow(watch.prefix, listing, deadline, tell);
  };
  while (is_wanted) {
    const auto done = read_and_follow();
    if (!done && tell(done.error())) watch.pause(pause_after(++failures, watch.chance()));
  }
}

}  // namespace oci_oauth
