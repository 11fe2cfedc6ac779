// SPDX-License-Identifier: Apache-2.0
// One refresh of a profile, from the decision to every container: exchange, publish, deliver. One at a time
// for each profile, however many processes ask.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/result.h"
#include "config/config.h"
#include "token/published.h"
#include "token/runtime_dir.h"
#include "worker/exchange_request.h"
#include "worker/worker.h"

namespace oci_oauth {

struct Refresher {
  const RuntimeDir& runtime;
  std::vector<std::string> provider_directories;
  Exchanger exchanger;
};

struct RefreshOptions {
  Force force = Force::no;
  Milliseconds min_ttl{0};
  Endpoint endpoint = Endpoint::asked;  // left alone: publish what the login holds, however old
  std::string rejected_token_hash =
      {};  // a token that a server refused: refresh it if it is still the current one
  // Of another profile with this login, which has asked the endpoint just now: what came of it counts.
  const Published* follows = nullptr;
  // Held already by the process that asked (the hook); empty: taken here.
  std::optional<FileLock> lock = std::nullopt;
};

struct RefreshOutcome {
  Published published;                     // as it is now
  bool refreshed = false;                  // the endpoint granted a new token in this run
  std::optional<ExchangeFailure> failure;  // a refresh was due and did not happen
  std::vector<std::string> notices;
  std::vector<Error> deliveries_failed;  // written directories that could not be updated
};

// Result: also where the refresh itself failed, or had no provider. Failure: runtime_dir; nothing was tried.
Result<RefreshOutcome> refresh_profile(const Refresher& refresher, const Profile& profile,
                                       RefreshOptions options);

// The error, with its exit code's kind, that a failure means for a caller who wanted a valid token.
Error to_error(const ExchangeFailure& failure);

}  // namespace oci_oauth
