// SPDX-License-Identifier: Apache-2.0
#include "config/trusted_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr uid_t unmapped = 65534;
constexpr size_t longest_secret = 4 * KiB;

Result<void> check_is_private(const struct stat& status, uid_t owner, const std::string& path) {
  const auto refuse = [&](std::string reason) { return Error::configuration(std::move(reason)).in(path); };
  if (!S_ISREG(status.st_mode)) return refuse(fmt::format("is {}", file_type(status.st_mode)));
  if (status.st_uid != 0 && status.st_uid != owner)
    return refuse(fmt::format("belongs to uid {}, not to root or the login's owner", status.st_uid));
  if ((status.st_mode & 077) != 0)
    return refuse("other users can access it").with_hint("chmod 0600 " + shell_word(path));
  if (status.st_nlink != 1) return refuse("has another hard link");
  return {};
}

}  // namespace

Result<std::string> read_trusted_file(const std::string& path, size_t limit, Owners owners) {
  const auto fd = TRY(open_file({.path = path}, O_RDONLY));
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno(errno, path);
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid() ||
                    (owners == Owners::or_unmapped && status.st_uid == unmapped);
  if (S_ISREG(status.st_mode) && (!ours || (status.st_mode & 022) != 0)) {
    return Error::configuration(fmt::format("{}: other users can change it (it has uid {}, mode {:04o})",
                                            path, status.st_uid, status.st_mode & 07777))
        .with_hint(commands_to_own(status.st_uid, "go-w", path, RootsFile::kept));
  }
  return read_file(fd.get(), status, limit, path);
}

Result<Secret> read_private_file(const std::string& path, uid_t owner, size_t limit) {
  const auto fd = open_without_links(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd && errno == ELOOP) return Error::configuration("leads through a symbolic link").in(path);
  struct stat status;
  if (!fd || ::fstat(fd.get(), &status) != 0)
    return Error::configuration(Error::from_errno(errno, path).message);
  TRY(check_is_private(status, owner, path));
  auto text = read_file(fd.get(), status, limit, path);
  if (!text) return Error::configuration(text.error().message);
  return Secret(std::move(*text));
}

Result<Secret> read_client_secret(const std::string& path, uid_t owner) {
  const Secret whole = TRY(read_private_file(path, owner, longest_secret));
  const std::string_view line = whole.reveal().substr(0, whole.reveal().find_first_of("\r\n"));
  if (line.empty()) return Error::configuration("has no secret on its first line").in(path);
  return Secret(line);
}

}  // namespace oci_oauth
