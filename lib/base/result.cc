// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cerrno>
#include <cstring>

#include "base/fmt.h"

namespace oci_oauth {

Error Error::in(std::string_view context) && {
  message = fmt::format("{}: {}", context, message);
  return std::move(*this);
}

Error Error::with_hint(std::string text) && {
  hint = std::move(text);
  return std::move(*this);
}

Error Error::from_errno(int number, std::string_view what) {
  const char* reason = strerrordesc_np(number);
  return {number == ENOENT ? ErrorKind::not_found : ErrorKind::failed,
          fmt::format("{}: {}", what, reason != nullptr ? reason : "unknown error"),
          number == ENOSPC || number == EDQUOT ? "make room; to see where: df"
          : number == EROFS                    ? "mount it read-write"
                                               : ""};
}

}  // namespace oci_oauth
