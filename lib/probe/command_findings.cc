// SPDX-License-Identifier: Apache-2.0
// Whether the command of a source can be run; it is not.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/fmt.h"
#include "probe/login_findings.h"

namespace oci_oauth {

Findings examine_command(const Profile& profile) {
  const std::string check = fmt::format("login '{}'", profile.name);
  const std::string& program = profile.source->exec.front();
  if (::faccessat(AT_FDCWD, program.c_str(), X_OK, AT_EACCESS) != 0) {
    return {problem(check, Error::from_errno(errno, program)
                               .with_hint("install it, or correct \"source\" in the configuration"))};
  }
  return {{check, Verdict::ok, fmt::format("{}: uid {} can run it", program, ::geteuid()), ""}};
}

}  // namespace oci_oauth
