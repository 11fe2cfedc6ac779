// SPDX-License-Identifier: Apache-2.0
#include "delivery/failures.h"

#include <algorithm>

#include "base/fmt.h"

namespace oci_oauth {

void Failures::add(const Profile& profile, Error error) {
  const std::string context = fmt::format("profile '{}', container {}", profile.name, container_);
  failures_.push_back({std::move(error).in(context), profile.on_failure == OnFailure::block});
}

void Failures::warn(const Profile& profile, Error error) {
  add(profile, std::move(error));
  failures_.back().blocks = false;
}

bool Failures::block() const {
  return std::ranges::any_of(failures_, &Failure::blocks);
}

Result<void> Failures::judge(const Log& log) const {
  Result<void> verdict;
  for (const Failure& failure : failures_) {
    log.write(failure.blocks ? Priority::error : Priority::warning, failure.error);
    if (failure.blocks && verdict) verdict = failure.error;
  }
  return verdict;
}

}  // namespace oci_oauth
