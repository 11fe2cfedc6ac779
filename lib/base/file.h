// SPDX-License-Identifier: Apache-2.0
// Reads whole files up to a limit, and replaces whole files by rename(2), so that no reader sees a partial
// file; and what a file is, and is on.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

// Sizes in bytes.
constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

// A path relative to a directory descriptor (AT_FDCWD: absolute), with the name that messages use.
struct FileAt {
  int directory = AT_FDCWD;
  std::string path;
  std::string shown = path;
};

enum class Links { followed, refused };

// Which file it is, whatever its name: stat(2), st_dev and st_ino.
struct FileId {
  std::uint64_t device = 0, inode = 0;

  static FileId of(const struct stat& status) { return {status.st_dev, status.st_ino}; }
  friend bool operator==(const FileId&, const FileId&) = default;
};

// nullopt if it cannot be examined: fstat(2), fstatat(2).
std::optional<FileId> file_id(int fd);
std::optional<FileId> file_id(const FileAt& file, Links links = Links::followed);

// False if either is unknown.
inline bool is_same_file(const std::optional<FileId>& one, const std::optional<FileId>& other) {
  return one && one == other;
}

// Where `path` leads, without symbolic links: realpath(3). Failure: "PATH: reason".
Result<std::string> real_path(const std::string& path);
// readlink(2). Failure: "PATH: reason".
Result<std::string> link_target(const std::string& path);

// The names in a directory but "." and "..", in no order. Failure: "DIRECTORY: reason".
Result<std::vector<std::string>> names_in(const FileAt& directory);

// `most` of these names, or all if there are no more: from `position` on, and at the end from the beginning
// again. What appears or disappears meanwhile may be missing; it has its turn when the position has come
// round.
struct NamesInTurn {
  std::vector<std::string> names;
  off_t position = 0;  // where the next turn goes on, getdents64(2); 0: at the beginning
};
Result<NamesInTurn> names_from(int directory, off_t position, size_t most);

// open(2) with O_CLOEXEC; does not block on a FIFO and does not acquire a terminal. Failure: "PATH: reason".
Result<UniqueFd> open_file(const FileAt& file, int flags, mode_t mode = 0);

// A directory itself, no symbolic link to it, open for reading.
Result<UniqueFd> open_directory(const FileAt& directory);
// The same, made first if it is missing: mkdirat(2).
Result<UniqueFd> make_directory(const FileAt& directory, mode_t mode);

// openat(2) with O_CLOEXEC that follows no symbolic link: one name after the other, because a service with
// RestrictSUIDSGID= (systemd.exec(5)) has no openat2(2). Invalid on failure: errno is ELOOP for a link.
UniqueFd open_without_links(int directory, std::string_view path, int flags);

// Result: the whole content of a regular file. Failure: "PATH: reason" for any other file (FIFO, directory,
// device), and for more than `limit` bytes; not_found if there is no such file.
Result<std::string> read_file(const FileAt& file, size_t limit, Links links = Links::followed);

// The same for an open descriptor; `shown` names it in messages.
Result<std::string> read_file(int fd, size_t limit, std::string_view shown);
// The same with its fstat(2).
Result<std::string> read_file(int fd, const struct stat& status, size_t limit, std::string_view shown);

// Reads a pipe or a socket until its end. Excess data is read and dropped, so that the writer does not fail.
// Failure: more than `limit` bytes.
Result<std::string> read_to_end(int fd, size_t limit, std::string_view shown);

// Reserves `size` bytes on the disk (fallocate(2)), so that writing as much later cannot fail for lack of
// space. A file system that cannot do this is no failure.
Result<void> reserve_space(int fd, size_t size, std::string_view shown);

Result<void> write_all(int fd, std::string_view bytes, std::string_view shown);

// "a FIFO", "a directory", …: the file type in a mode, for messages.
std::string_view file_type(mode_t mode);

// False for a file system that another host or program serves (NFS, SMB, 9p, FUSE, ...), where root may be
// refused and any access may take long. Also false if statfs(2) fails.
bool is_local_file_system(const std::string& path);

// tmpfs and ramfs. False if it cannot be found out.
bool is_in_memory(int fd);

bool is_read_only(int fd);  // its mount is: statvfs(3). False if it cannot be found out.

// The commands that make a file this process's user's, with these permissions as chmod(1) has them; chown(8)
// only if `owner` is another one, and not root where root's files are trusted as well.
enum class RootsFile { taken, kept };
std::string commands_to_own(uid_t owner, std::string_view permissions, const std::string& path,
                            RootsFile roots = RootsFile::taken);

// A text as a file in memory, for a program that reads files: it is on no disk, and freed when nobody has it
// open.
class MemoryFile {
 public:
  // Failure: out of descriptors or memory.
  static Result<MemoryFile> holding(std::string_view text);

  // At its beginning, and closed on exec.
  int fd() const { return fd_.get(); }
  // The path for a child process that keeps fd() (spawn.h).
  const std::string& path() const { return path_; }

 private:
  MemoryFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

struct Owner {
  uid_t uid;
  gid_t gid;
  friend bool operator==(const Owner&, const Owner&) = default;
};

// A file with a temporary name beside its final one. Only commit() renames it; without commit(), the
// temporary file is removed and the final name is left as it is.
class AtomicFile {
 public:
  struct Options {
    mode_t mode = 0600;
    std::optional<Owner> owner = {};  // set before the file gets its final name
    std::string temporary = {};  // default ".NAME.oci-oauth" beside it; a stale file of that name is removed
  };

  // `name`: a path below `directory`, which must outlive the file. Failure: "SHOWN_DIRECTORY/NAME: reason".
  static Result<AtomicFile> create(int directory, std::string_view name, std::string_view shown_directory,
                                   Options options);
  AtomicFile(AtomicFile&&) = default;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Result<void> reserve(size_t size);  // as reserve_space()
  // Replaces what has been written so far.
  Result<void> write(std::string_view bytes);
  Result<void> sync();
  // rename(2) to the final name. Durability is sync() before and sync_directory() after.
  Result<void> commit();
  // The same, but a file with the final name is first moved to the temporary name (renameat2(2), Linux 3.15),
  // and moved back if `may_go(NAME)`, called with that name, refuses: no file is lost, whenever it appeared.
  // On a file system that cannot exchange names this is a plain commit().
  Result<void> commit_if(const std::function<Result<void>(const std::string& name)>& may_go);

  int fd() const { return fd_.get(); }

 private:
  AtomicFile(UniqueFd fd, int directory, std::string name, std::string temporary, std::string shown);
  Error failure(std::string_view call) const;
  bool rename(unsigned flags) const;
  bool has_temporary_name() const;

  UniqueFd fd_;
  int directory_;
  std::string name_, temporary_, shown_;
  bool written_ = false;
};

// fsync(2) of a directory that is open for reading.
Result<void> sync_directory(int directory, std::string_view shown);

// Writes `bytes` to `name` in `directory`: create, write, commit; no sync.
Result<void> replace_file(int directory, std::string_view name, std::string_view shown_directory,
                          std::string_view bytes, AtomicFile::Options options = {});

// The same for a file that several processes may write at once: they take turns, by a lock (flock(2)) on
// `directory`, which is open for reading. On a file system without such locks they may collide.
Result<void> replace_file_in_turn(int directory, std::string_view name, std::string_view shown_directory,
                                  std::string_view bytes, AtomicFile::Options options = {});

}  // namespace oci_oauth
