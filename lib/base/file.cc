// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <dirent.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <utility>

#include "base/fmt.h"
#include "base/secret.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr int rename_attempts = 16;
constexpr size_t size_of_proc_files = 4 * KiB;  // for most of them; the kernel does not report it

// From linux/magic.h and the file systems' own sources, statfs(2); virtiofs uses FUSE's.
constexpr std::uint32_t served_elsewhere[] = {
    0x6969,      // NFS
    0x65735546,  // FUSE
    0x517b,      // SMB
    0xff534d42,  // CIFS
    0xfe534d42,  // SMB 2
    0x01021997,  // 9p
    0x5346414f,  // AFS
    0x6b414653,  // AFS in the kernel
    0x73757245,  // Coda
    0x00c36400,  // Ceph
    0x7461636f,  // OCFS2
    0x01161970,  // GFS2
    0x47504653,  // GPFS
    0x0bd00bd0,  // Lustre
    0x0187,      // autofs
};

}  // namespace

std::string_view file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

std::string commands_to_own(uid_t owner, std::string_view permissions, const std::string& path,
                            RootsFile roots) {
  const std::string word = shell_word(path);
  std::string change = fmt::format("chmod {} {}", permissions, word);
  if (owner == ::geteuid()) return change;
  if (owner == 0 && roots == RootsFile::kept) return "sudo " + change;
  return fmt::format("chown {} {} && {}", ::geteuid(), word, change);
}

std::optional<FileId> file_id(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 ? std::optional(FileId::of(status)) : std::nullopt;
}

std::optional<FileId> file_id(const FileAt& file, Links links) {
  struct stat status;
  const int flags = links == Links::refused ? AT_SYMLINK_NOFOLLOW : 0;
  const bool is_there = ::fstatat(file.directory, file.path.c_str(), &status, flags) == 0;
  return is_there ? std::optional(FileId::of(status)) : std::nullopt;
}

Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), ::free);
  if (real == nullptr) return Error::from_errno(errno, path);
  return std::string(real.get());
}

Result<std::string> link_target(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  if (size < 0) return Error::from_errno(errno, path);
  return std::string(target, static_cast<size_t>(size));
}

Result<std::vector<std::string>> names_in(const FileAt& directory) {
  const auto fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  auto all = names_from(fd.get(), 0, std::numeric_limits<size_t>::max());
  if (!all) return std::move(all).error().in(directory.shown);
  return std::move(all->names);
}

Result<NamesInTurn> names_from(int directory, off_t position, size_t most) {
  alignas(dirent64) char buffer[32 * KiB];
  NamesInTurn turn = {{}, position};
  bool is_again = position == 0 || ::lseek(directory, position, SEEK_SET) < 0;  // from the beginning
  while (true) {
    ssize_t size = ::getdents64(directory, buffer, sizeof buffer);
    if (size <= 0 && is_again) {
      if (size < 0) return Error::from_errno(errno, "getdents64");
      return NamesInTurn{std::move(turn.names), 0};
    }
    if (size <= 0) {
      is_again = true;
      ::lseek(directory, 0, SEEK_SET);
    }
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      const std::string_view name = entry->d_name;
      if (is_again && position != 0 && !turn.names.empty() && name == turn.names.front()) return turn;
      turn.position = entry->d_off;
      if (name != "." && name != "..") turn.names.emplace_back(name);
      if (turn.names.size() == most) return turn;
      at += entry->d_reclen;
    }
  }
}

Result<UniqueFd> open_file(const FileAt& file, int flags, mode_t mode) {
  UniqueFd fd(::openat(file.directory, file.path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode));
  if (fd) return fd;
  if (errno == ELOOP && (flags & O_NOFOLLOW) != 0)
    return Error{ErrorKind::failed, fmt::format("{}: is a symbolic link", file.shown)};
  return Error::from_errno(errno, file.shown);
}

Result<UniqueFd> open_directory(const FileAt& directory) {
  return open_file(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Result<UniqueFd> make_directory(const FileAt& directory, mode_t mode) {
  auto existing = open_directory(directory);
  if (existing || existing.error().kind != ErrorKind::not_found) return existing;
  if (::mkdirat(directory.directory, directory.path.c_str(), mode) != 0 && errno != EEXIST)
    return Error::from_errno(errno, directory.shown + ": mkdir");
  return open_directory(directory);
}

UniqueFd open_without_links(int directory, std::string_view path, int flags) {
  UniqueFd at(::openat(directory, path.starts_with('/') ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (at && !path.empty()) {
    const size_t end = path.find('/');
    const std::string name(path.substr(0, end));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    if (name.empty()) continue;
    const int here = path.empty() ? flags : O_PATH | O_DIRECTORY;
    UniqueFd next(::openat(at.get(), name.c_str(), here | O_NOFOLLOW | O_CLOEXEC));
    struct stat status;
    if (!next && errno == ENOTDIR && ::fstatat(at.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
      errno = S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;
    at = std::move(next);
  }
  return at;
}

Result<std::string> read_file(int fd, size_t limit, std::string_view shown) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return Error::from_errno(errno, shown);
  return read_file(fd, status, limit, shown);
}

Result<std::string> read_file(int fd, const struct stat& status, size_t limit, std::string_view shown) {
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: is {}, not a regular file", shown, file_type(status.st_mode))};
  }
  const Error too_large{ErrorKind::failed, fmt::format("{}: is larger than {} bytes", shown, limit), ""};
  if (static_cast<size_t>(status.st_size) > limit) return too_large;

  // One allocation, so that a growing buffer does not leave secrets behind.
  const auto told = static_cast<size_t>(status.st_size);
  std::string content(told == 0 ? size_of_proc_files : told + 1, '\0');
  size_t size = 0;
  while (true) {
    const ssize_t count = ::read(fd, content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int reason = errno;
      wipe(content);
      return Error::from_errno(reason, shown);
    }
    size += static_cast<size_t>(count);
    // There was space for one more byte.
    if (count == 0 || (size == told && size < content.size())) break;
    if (size < content.size()) continue;
    // The file grew while it was read, which does not happen to files that are replaced by rename.
    if (size > limit) {
      wipe(content);
      return too_large;
    }
    std::string larger(size * 2 + 512, '\0');
    larger.replace(0, size, content, 0, size);
    wipe(content);
    content = std::move(larger);
  }
  content.resize(size);
  return content;
}

Result<std::string> read_file(const FileAt& file, size_t limit, Links links) {
  auto fd = TRY(open_file(file, O_RDONLY | (links == Links::refused ? O_NOFOLLOW : 0)));
  return read_file(fd.get(), limit, file.shown);
}

Result<std::string> read_to_end(int fd, size_t limit, std::string_view shown) {
  std::string text;
  for (char buffer[4 * KiB];;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error::from_errno(errno, shown);
    if (count == 0) break;
    if (text.size() <= limit) append_secret(text, {buffer, static_cast<size_t>(count)});
  }
  if (text.size() <= limit) return text;
  return Error{ErrorKind::failed, fmt::format("{}: is larger than {} bytes", shown, limit)};
}

bool is_local_file_system(const std::string& path) {
  struct statfs status;
  if (::statfs(path.c_str(), &status) != 0) return false;
  const auto type = static_cast<std::uint32_t>(status.f_type);
  return std::ranges::find(served_elsewhere, type) == std::end(served_elsewhere);
}

bool is_in_memory(int fd) {
  struct statfs status;
  return ::fstatfs(fd, &status) == 0 && (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

bool is_read_only(int fd) {
  struct statvfs status;
  return ::fstatvfs(fd, &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

Result<void> reserve_space(int fd, size_t size, std::string_view shown) {
  int reserved = 0;
  do {
    reserved = size == 0 ? 0 : ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
  } while (reserved != 0 && errno == EINTR);
  if (reserved != 0 && errno != EOPNOTSUPP) return Error::from_errno(errno, shown);
  return {};
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view shown) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error::from_errno(errno, shown);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<MemoryFile> MemoryFile::holding(std::string_view text) {
  UniqueFd fd(::memfd_create("oci-oauth", MFD_CLOEXEC));
  if (!fd) return Error::from_errno(errno, "memfd_create");
  std::string path = fmt::format("/dev/fd/{}", fd.get());
  TRY(write_all(fd.get(), text, path));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return Error::from_errno(errno, "lseek");
  return MemoryFile(std::move(fd), std::move(path));
}

AtomicFile::AtomicFile(UniqueFd fd, int directory, std::string name, std::string temporary, std::string shown)
    : fd_(std::move(fd)),
      directory_(directory),
      name_(std::move(name)),
      temporary_(std::move(temporary)),
      shown_(std::move(shown)) {}

AtomicFile::~AtomicFile() {
  if (fd_) ::unlinkat(directory_, temporary_.c_str(), 0);
}

Error AtomicFile::failure(std::string_view call) const {
  return Error::from_errno(errno, fmt::format("{}: {}", shown_, call));
}

Result<AtomicFile> AtomicFile::create(int directory, std::string_view name, std::string_view shown_directory,
                                      Options options) {
  const size_t base = name.rfind('/') + 1;
  std::string temporary = options.temporary.empty()
                              ? fmt::format("{}.{}.oci-oauth", name.substr(0, base), name.substr(base))
                              : options.temporary;
  const std::string shown =
      shown_directory.empty() ? std::string(name) : fmt::format("{}/{}", shown_directory, name);
  const auto open_new = [&] {
    return ::openat(directory, temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  };
  int fd = open_new();
  if (fd < 0 && errno == EEXIST && ::unlinkat(directory, temporary.c_str(), 0) == 0) fd = open_new();
  if (fd < 0)
    return Error::from_errno(errno, fmt::format("{}: cannot create a temporary file beside it", shown));
  AtomicFile file(UniqueFd(fd), directory, std::string(name), std::move(temporary), shown);
  if (options.owner && ::fchown(fd, options.owner->uid, options.owner->gid) != 0)
    return file.failure("fchown");
  // After open, because the umask must not remove any permissions; it leaves those of the owner.
  if (options.mode != 0600 && ::fchmod(fd, options.mode) != 0) return file.failure("fchmod");
  return file;
}

Result<void> AtomicFile::reserve(size_t size) {
  return reserve_space(fd_.get(), size, shown_ + ": reserve space");
}

Result<void> AtomicFile::write(std::string_view bytes) {
  const bool again = std::exchange(written_, true);
  if (again && ::lseek(fd_.get(), 0, SEEK_SET) < 0) return failure("lseek");
  TRY(write_all(fd_.get(), bytes, shown_));
  if (again && ::ftruncate(fd_.get(), static_cast<off_t>(bytes.size())) != 0) return failure("ftruncate");
  return {};
}

Result<void> AtomicFile::sync() {
  if (::fsync(fd_.get()) != 0) return failure("fsync");
  return {};
}

Result<void> AtomicFile::commit() {
  if (::renameat(directory_, temporary_.c_str(), directory_, name_.c_str()) != 0) return failure("rename");
  fd_.reset();
  return {};
}

bool AtomicFile::rename(unsigned flags) const {
  return ::renameat2(directory_, temporary_.c_str(), directory_, name_.c_str(), flags) == 0;
}

bool AtomicFile::has_temporary_name() const {
  return is_same_file(file_id(fd_.get()), file_id({directory_, temporary_}, Links::refused));
}

Result<void> AtomicFile::commit_if(const std::function<Result<void>(const std::string& name)>& may_go) {
  // The final name may appear and disappear at the same time; give up after some attempts.
  for (int attempt = 0; attempt < rename_attempts; ++attempt) {
    if (rename(RENAME_EXCHANGE)) {
      auto gone = may_go(temporary_);
      // If a third file has replaced ours, the newest one keeps the final name.
      if (!gone && rename(RENAME_EXCHANGE) && !has_temporary_name()) (void)rename(RENAME_EXCHANGE);
      return gone;
    }
    if (errno == EINVAL) return commit();
    if (errno != ENOENT) break;
    if (rename(RENAME_NOREPLACE)) {
      fd_.reset();
      return {};
    }
    if (errno == EINVAL) return commit();
    if (errno != EEXIST) break;
  }
  return failure("rename");
}

Result<void> sync_directory(int directory, std::string_view shown) {
  // EINVAL: the file system cannot sync directories (fsync(2)), so nothing more can be done.
  if (::fsync(directory) != 0 && errno != EINVAL) {
    return Error::from_errno(errno, fmt::format("{}: fsync", shown));
  }
  return {};
}

Result<void> replace_file_in_turn(int directory, std::string_view name, std::string_view shown_directory,
                                  std::string_view bytes, AtomicFile::Options options) {
  while (::flock(directory, LOCK_EX) != 0 && errno == EINTR) continue;
  auto replaced = replace_file(directory, name, shown_directory, bytes, std::move(options));
  (void)::flock(directory, LOCK_UN);
  return replaced;
}

Result<void> replace_file(int directory, std::string_view name, std::string_view shown_directory,
                          std::string_view bytes, AtomicFile::Options options) {
  auto file = TRY(AtomicFile::create(directory, name, shown_directory, std::move(options)));
  TRY(file.write(bytes));
  return file.commit();
}

}  // namespace oci_oauth
