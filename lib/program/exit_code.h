// SPDX-License-Identifier: Apache-2.0
// The exit codes of oci-oauth; its manual documents them, and scripts rely on them.
#pragma once

#include "base/result.h"

namespace oci_oauth {

enum class ExitCode : int { fine = 0, failed = 1, usage = 2, login_required = 3, temporary = 4 };

constexpr ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::configuration:
      return ExitCode::usage;
    case ErrorKind::action_required:
      return ExitCode::login_required;
    case ErrorKind::temporary:
      return ExitCode::temporary;
    case ErrorKind::failed:
    case ErrorKind::not_found:
      return ExitCode::failed;
  }
  return ExitCode::failed;
}

// The worse of two: a login that is dead counts more than one that may come back.
constexpr ExitCode worse(ExitCode a, ExitCode b) {
  if (a == ExitCode::fine) return b;
  return b == ExitCode::login_required ? b : a;
}

}  // namespace oci_oauth
