// SPDX-License-Identifier: Apache-2.0
// What goes wrong on a token's way to a container: collected, and judged once, by the token that the
// container has in the end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "program/log.h"

namespace oci_oauth {

class Failures {
 public:
  explicit Failures(std::string_view container) : container_(container) {}

  // The container has no valid token of `profile`.
  void add(const Profile& profile, Error error);
  // Something failed, but the container has a valid token.
  void warn(const Profile& profile, Error error);

  bool empty() const { return failures_.empty(); }
  // Whether one of those without a valid token has on_failure "block": the container is not to be created.
  bool block() const;

  // Logs each, with the profile and the container. Failure: the first of those without a valid token whose
  // profile has on_failure "block".
  Result<void> judge(const Log& log) const;

 private:
  struct Failure {
    Error error;
    bool blocks;
  };
  std::string container_;
  std::vector<Failure> failures_;
};

}  // namespace oci_oauth
