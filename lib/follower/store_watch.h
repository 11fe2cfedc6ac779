// SPDX-License-Identifier: Apache-2.0
// Watches a prefix of a fleet's store for ever: reads it, waits for changes on one connection, and after a
// loss reads again. Many hosts lose the same member at once, so each waits for a time of its own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "fleet/store.h"

namespace oci_oauth {

// How long to wait before the next connection: a random part of a time, 30 s after a loss and after the next
// failure, that then doubles until the store answers, up to 5 min. `chance`: in [0, 1).
Milliseconds pause_after(unsigned failures, double chance);

// When all is read again although nothing was lost: 5 to 10 minutes after it was read.
Milliseconds safety_read_after(double chance);

struct StoreAnswered {};
// That the store has answered, what it has, or that the connection was lost, and why.
using StoreNews = std::variant<StoreAnswered, KeyChange, Error>;

// As a line, for another process. nullopt: it is not one.
std::string line_of(const StoreNews& news);
std::optional<StoreNews> news_of(std::string_view line);  // without its end

struct StoreWatch {
  std::unique_ptr<RecordStore> store;
  std::string_view prefix;
  std::function<bool(const StoreNews&)> tell;  // false: nobody wants more
  std::function<double()> chance;              // as random_fraction()
  std::function<void(Milliseconds)> pause;     // std::this_thread::sleep_for()
};

// Returns when nobody wants more.
void run(const StoreWatch& watch);

}  // namespace oci_oauth
