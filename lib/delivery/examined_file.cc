// SPDX-License-Identifier: Apache-2.0
#include "delivery/examined_file.h"

#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/fmt.h"
#include "base/selinux.h"

namespace oci_oauth {

namespace {

constexpr size_t size_limit = MiB;
// On file systems that support it, our file is recognised even after a reboot, when there is no record.
constexpr const char* mark_name = "user.oci-oauth.sha256";
constexpr size_t mark_size = 64;

// The process id keeps concurrent writers of one directory apart.
std::string temporary_name(const std::string& name) {
  return fmt::format(".{}.{}{}", name, ::getpid(), temporary_suffix);
}

bool is_login(const struct stat& file, const FileStamp& login) {
  return file.st_dev == login.device && file.st_ino == login.inode;
}

bool leads_to_login(const NameIn& link, const FileStamp& login) {
  struct stat status;
  return ::fstatat(link.directory, link.name.c_str(), &status, 0) == 0 && is_login(status, login);
}

// Empty if its text may be read.
std::string why_foreign(const NameIn& name, const struct stat& status, const FileStamp& login) {
  if (S_ISLNK(status.st_mode))
    return leads_to_login(name, login) ? "is the login itself" : "is a symbolic link";
  if (is_login(status, login)) return "is the login itself";
  if (!S_ISREG(status.st_mode)) return fmt::format("is {}", file_type(status.st_mode));
  return "";
}

std::string read_mark(int file) {
  char mark[mark_size];
  const ssize_t size = ::fgetxattr(file, mark_name, mark, sizeof mark);
  return size == static_cast<ssize_t>(mark_size) ? std::string(mark, mark_size) : "";
}

// Under the name `aside`, it is still what was looked at.
Result<void> check_unchanged(const NameIn& name, const std::string& aside, const FileStamp& stamp,
                             const std::string& shown) {
  struct stat status;
  const bool is_there = ::fstatat(name.directory, aside.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && FileStamp::of(status) == stamp) return {};
  return Error{ErrorKind::temporary,
               fmt::format("{}/{}: keeps changing while it is being replaced", shown, name.name)};
}

}  // namespace

ExaminedFile examine_file(const NameIn& name, const FileStamp& login) {
  ExaminedFile file;
  const UniqueFd found(::openat(name.directory, name.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status;
  if (!found || ::fstat(found.get(), &status) != 0) return file;
  file.exists = true;
  file.stamp = FileStamp::of(status);
  file.access = {{status.st_uid, status.st_gid}, status.st_mode & 07777};
  file.foreign = why_foreign(name, status, login);
  if (!file.foreign.empty()) return file;
  // Opened only after it is known to be a regular file, because opening a device can have effects.
  auto opened =
      open_file({.path = fmt::format("/proc/self/fd/{}", found.get()), .shown = name.name}, O_RDONLY);
  auto text =
      opened ? read_file(opened->get(), status, size_limit, name.name) : Result<std::string>(opened.error());
  if (!text) {
    file.foreign = "cannot be read completely and may contain a refresh token";
    file.unreadable = std::move(text).error().message;
    return file;
  }
  file.text = Secret(std::move(*text));
  file.mark = read_mark(opened->get());
  return file;
}

Result<void> replace_examined(const NameIn& name, const ExaminedFile& looked_at,
                              const Replacement& replacement, const std::string& shown) {
  AtomicFile::Options options = {replacement.access.mode, std::nullopt, temporary_name(name.name)};
  // Without root in its user namespace, a process cannot give files away: they keep the calling user.
  if (::geteuid() == 0) options.owner = replacement.access.owner;
  auto file = TRY(AtomicFile::create(name.directory, name.name, shown, std::move(options)));
  if (!replacement.label.empty() && selinux_is_on())
    TRY(set_selinux_label(file.fd(), replacement.label, shown + "/" + name.name));
  TRY(file.write(replacement.text.reveal()));
  if (!replacement.mark.empty())
    (void)::fsetxattr(file.fd(), mark_name, replacement.mark.data(), replacement.mark.size(), 0);
  return file.commit_if(
      [&](const std::string& aside) { return check_unchanged(name, aside, looked_at.stamp, shown); });
}

// Checked once more when nobody can swap it any more.
Result<void> remove_examined(const NameIn& name, const ExaminedFile& looked_at, const std::string& shown) {
  const std::string aside = temporary_name(name.name);
  const auto failure = [&] { return Error::from_errno(errno, fmt::format("{}/{}", shown, name.name)); };
  if (::renameat(name.directory, name.name.c_str(), name.directory, aside.c_str()) != 0) return failure();
  if (auto same = check_unchanged(name, aside, looked_at.stamp, shown); !same) {
    (void)restore(name.directory, aside, name.name);
    return same;
  }
  if (::unlinkat(name.directory, aside.c_str(), 0) != 0) return failure();
  return {};
}

// ".NAME.PID.oci-oauth"
std::string name_of_temporary(const std::string& temporary) {
  if (!temporary.starts_with('.') || !temporary.ends_with(temporary_suffix)) return "";
  const std::string inner = temporary.substr(1, temporary.size() - 1 - temporary_suffix.size());
  const size_t dot = inner.rfind('.');
  const bool has_pid = dot != std::string::npos && dot + 1 < inner.size() &&
                       inner.find_first_not_of("0123456789", dot + 1) == std::string::npos;
  return has_pid ? inner.substr(0, dot) : "";
}

bool restore(int directory, const std::string& temporary, const std::string& name) {
  if (::renameat2(directory, temporary.c_str(), directory, name.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  // File systems without that flag, such as NFS, have hard links.
  return ::linkat(directory, temporary.c_str(), directory, name.c_str(), 0) == 0 &&
         ::unlinkat(directory, temporary.c_str(), 0) == 0;
}

}  // namespace oci_oauth
