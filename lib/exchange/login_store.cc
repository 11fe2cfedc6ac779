// SPDX-License-Identifier: Apache-2.0
#include "exchange/login_store.h"

#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/path.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t document_limit = MiB;
constexpr size_t journal_limit = 8 * MiB;     // two documents as JSON strings, and what else a run notes
constexpr size_t journal_reserve = 64 * KiB;  // all but the documents
constexpr const char* journal_name = ".oci-oauth.journal";
constexpr const char* unwritable_hint =
    "nothing was sent; a refresh needs to write there before it may rotate the login";

std::string staged_name(const std::string& document) {
  return "." + document + ".oci-oauth";
}

// The journal is lines of JSON; a last line without its newline was never finished.
std::string text_line(const Secret& json) {
  return std::string(json.reveal()) + "\n";
}

Secret lock_line(const DirectoryIdentity& lock) {
  JsonDocument line;
  line.SetObject();
  json_set(line, line, "lock", json_copy(line, lock.path));
  json_set(line, line, "device", JsonValue(lock.device));
  json_set(line, line, "inode", JsonValue(lock.inode));
  json_set(line, line, "born_ns", JsonValue(lock.born_ns));
  return write_json(line);
}

std::optional<DirectoryIdentity> read_lock(const JsonValue& line) {
  const auto path = json_string(line, "lock");
  const auto device = json_uint(line, "device"), inode = json_uint(line, "inode");
  if (!path || !device || !inode) return std::nullopt;
  return DirectoryIdentity{std::string(*path), *device, *inode, json_int(line, "born_ns").value_or(0)};
}

Secret fence_line(const std::string& hash, Time at) {
  JsonDocument line;
  line.SetObject();
  json_set(line, line, "refresh_token_hash", json_copy(line, hash));
  json_set(line, line, "began_at", time_value(at));
  return write_json(line);
}

Secret grant_line(const Grant& grant) {
  JsonDocument line;
  line.SetObject();
  json_set(line, line, "access_token", json_copy(line, grant.access_token.reveal()));
  json_set(line, line, "refresh_token", json_copy(line, grant.refresh_token.reveal()));
  json_set(line, line, "expires_at", time_value(grant.expires_at));
  return write_json(line);
}

std::optional<Grant> read_grant(const JsonValue& line) {
  const auto access = json_string(line, "access_token");
  const auto refresh = json_string(line, "refresh_token");
  const auto expires_at = json_time(line, "expires_at");
  if (!access || !refresh || !expires_at) return std::nullopt;
  return Grant{Secret(*access), Secret(*refresh), *expires_at};
}

Secret rewrite_line(const Secret& old_text, const Secret& new_text) {
  JsonDocument line;
  line.SetObject();
  json_set(line, line, "old_text", json_copy(line, old_text.reveal()));
  json_set(line, line, "new_text", json_copy(line, new_text.reveal()));
  return write_json(line);
}

void read_line(const JsonValue& line, JournalEntry& entry) {
  if (auto lock = read_lock(line)) {
    entry.locks.push_back(std::move(*lock));
  } else if (const auto hash = json_string(line, "refresh_token_hash")) {
    entry.refresh_token_hash = *hash;
    entry.began_at = json_time(line, "began_at").value_or(Time{});
  } else if (auto grant = read_grant(line)) {
    entry.grant = std::move(*grant);
  } else if (const auto new_text = json_string(line, "new_text")) {
    entry.new_text = Secret(*new_text);
    entry.old_text = Secret(json_string(line, "old_text").value_or(""));
  }
}

Result<FileStamp> stamp_of(int fd, const std::string& shown) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return Error::from_errno(errno, shown);
  return FileStamp::of(status);
}

Result<void> reserve(int fd, size_t size, const std::string& shown) {
  int reserved;
  do {
    reserved = ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
  } while (reserved != 0 && errno == EINTR);
  if (reserved != 0 && errno != EOPNOTSUPP) return Error::from_errno(errno, shown);
  return {};
}

// fallocate(2) with FALLOC_FL_KEEP_SIZE does not ask.
Result<void> check_size_limit(size_t size, const std::string& shown) {
  rlimit limit;
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}: this process may write no more than {} bytes to a file", shown, limit.rlim_cur),
        "raise RLIMIT_FSIZE (ulimit -f)"};
  }
  return {};
}

// The journal, locked. It is the same file for everybody unless somebody removed it while we waited.
Result<FileLock> lock_journal(int directory, const std::string& shown, SteadyTime deadline) {
  while (true) {
    auto lock = FileLock::acquire(FileAt{directory, journal_name, shown}, LockMode::exclusive, deadline);
    if (!lock && lock.error().kind != ErrorKind::temporary) {
      return std::move(lock).error().with_hint(unwritable_hint);
    }
    if (!lock) return lock;
    struct stat held, there;
    if (::fstat(lock->fd(), &held) != 0) return Error::from_errno(errno, shown);
    const bool is_there = ::fstatat(directory, journal_name, &there, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && errno != ENOENT) return Error::from_errno(errno, shown);
    if (!S_ISREG(held.st_mode)) {
      return Error{ErrorKind::failed, fmt::format("{}: is {}", shown, file_type(held.st_mode)),
                   "remove it: oci-oauth keeps notes of its refreshes there"};
    }
    if (is_there && held.st_dev == there.st_dev && held.st_ino == there.st_ino) return lock;
  }
}

}  // namespace

bool is_torn(std::string_view text, std::string_view old_text, std::string_view new_text) {
  if (text == old_text || text == new_text) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool old_byte = i < old_text.size() && text[i] == old_text[i];
    const bool new_byte = i < new_text.size() && text[i] == new_text[i];
    const bool never_written = text[i] == '\0';  // after a power cut
    if (!old_byte && !new_byte && !never_written) return false;
  }
  return text.size() >= old_text.size();
}

LoginStore::LoginStore(FileLock journal, UniqueFd directory, std::string directory_path, std::string name)
    : journal_(std::move(journal)),
      directory_(std::move(directory)),
      directory_path_(std::move(directory_path)),
      name_(std::move(name)),
      shown_(directory_path_ + "/" + name_),
      journal_shown_(directory_path_ + "/" + journal_name) {}

Result<LoginStore> LoginStore::open(const std::string& path, SteadyTime deadline) {
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), ::free);
  if (real == nullptr) {
    return Error::from_errno(errno, path)
        .with_hint("log in first, or correct \"credentials\" in the configuration");
  }
  const std::string file = real.get();
  const std::string parent = parent_directory(file);
  auto directory = open_file({.path = parent}, O_RDONLY | O_DIRECTORY);
  if (!directory) return std::move(directory).error();
  auto journal = lock_journal(directory->get(), parent + "/" + journal_name, deadline);
  if (!journal) return std::move(journal).error();
  const std::string name = file.substr(file.rfind('/') + 1);
  // What a killed run staged may hold a login; only the journal is worth keeping.
  ::unlinkat(directory->get(), staged_name(name).c_str(), 0);
  return LoginStore(std::move(*journal), std::move(*directory), parent, name);
}

Result<Secret> LoginStore::read(FileStamp& stamp) const {
  auto fd = open_file({directory_.get(), name_, shown_}, O_RDONLY);
  if (!fd) return std::move(fd).error();
  auto content = read_file(fd->get(), document_limit, shown_);
  if (!content) return std::move(content).error();
  auto read = stamp_of(fd->get(), shown_);
  if (!read) return std::move(read).error();
  stamp = *read;
  return Secret(std::move(*content));
}

Result<void> LoginStore::check_unchanged(const FileStamp& stamp) const {
  struct stat status;
  const bool is_there = ::fstatat(directory_.get(), name_.c_str(), &status, 0) == 0;
  if (!is_there && errno != ENOENT) return Error::from_errno(errno, shown_);
  if (is_there && FileStamp::of(status) == stamp) return {};
  return Error{ErrorKind::temporary, fmt::format("{}: another program changed it meanwhile", shown_), ""};
}

Result<void> LoginStore::prepare(size_t size) {
  auto done = check_replaceable(size);
  // In place, the journal holds the old text and the new one, and escaping may double each.
  journal_room_ = journal_reserve + (replacement_ == Replacement::in_place ? 4 * size : 0);
  if (done) done = check_size_limit(std::max(size, journal_room_), shown_);
  if (done) done = reserve_journal();
  if (done) done = sync_journal();
  if (done) done = stage(size);
  if (!done) return std::move(done).error().with_hint(unwritable_hint);
  return {};
}

Result<void> LoginStore::check_replaceable(size_t size) {
  struct statx file, directory;
  if (::statx(directory_.get(), name_.c_str(), 0, STATX_BASIC_STATS, &file) != 0 ||
      ::statx(directory_.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &directory) != 0) {
    return Error::from_errno(errno, shown_);
  }
  // rename(2) over a mount point is EBUSY: such a file is rewritten in place.
  const bool mounted = (file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  replacement_ = mounted ? Replacement::in_place : Replacement::rename;
  // In a directory that only takes new names (chattr +a) rename(2) is refused.
  if (!mounted && (directory.stx_attributes & STATX_ATTR_APPEND) != 0) {
    return Error::from_errno(EPERM, directory_path_ + ": only takes new names");
  }
  auto writable = open_file({directory_.get(), name_, shown_}, O_WRONLY);
  // A file without write permission can be renamed over; one that is immutable or on a read-only mount
  // cannot.
  if (!writable && !mounted && ::faccessat(directory_.get(), name_.c_str(), W_OK, 0) != 0 &&
      errno == EACCES) {
    return {};
  }
  if (!writable) return std::move(writable).error().in("cannot be replaced");
  return mounted ? reserve(writable->get(), size, shown_) : Result<void>();
}

Result<void> LoginStore::stage(size_t size) {
  struct stat status;
  if (::fstatat(directory_.get(), name_.c_str(), &status, 0) != 0) return Error::from_errno(errno, shown_);
  // The group may be one that the owner is not in; the file then keeps the owner's.
  const mode_t mode = status.st_mode & 07777;
  const bool same_group = status.st_gid == ::getegid() || ::geteuid() == 0;
  const auto owner = same_group ? std::optional(Owner{status.st_uid, status.st_gid}) : std::nullopt;
  auto staged =
      AtomicFile::create(directory_.get(), name_, directory_path_, {mode, owner, staged_name(name_)});
  if (!staged) return std::move(staged).error();
  if (auto done = staged->reserve(size); !done) return done;
  if (auto done = staged->sync(); !done) return done;
  staged_.emplace(std::move(*staged));
  return {};
}

Result<void> LoginStore::note_lock(const DirectoryIdentity& lock) {
  return append_to_journal(lock_line(lock));
}

Result<void> LoginStore::note_request(const std::string& refresh_token_hash, Time at) {
  if (auto written = append_to_journal(fence_line(refresh_token_hash, at)); !written) return written;
  if (auto synced = sync_journal(); !synced) return synced;
  return sync_directory(directory_.get(), directory_path_);
}

Result<void> LoginStore::reserve_journal() {
  return reserve(journal_.fd(), journal_room_, journal_shown_);
}

Result<void> LoginStore::append_to_journal(const Secret& line) {
  const Secret text(text_line(line));
  return write_all(journal_.fd(), text.reveal(), journal_shown_);
}

Result<void> LoginStore::sync_journal() {
  int synced;
  do {
    synced = ::fdatasync(journal_.fd());
  } while (synced != 0 && errno == EINTR);
  if (synced != 0) return Error::from_errno(errno, journal_shown_);
  return {};
}

Result<void> LoginStore::note_grant(const Grant& grant) {
  if (auto written = append_to_journal(grant_line(grant)); !written) return written;
  return sync_journal();
}

Result<FileStamp> LoginStore::replace(const Secret& document) {
  if (!staged_) {
    if (auto prepared = prepare(document.reveal().size()); !prepared) return std::move(prepared).error();
  }
  AtomicFile staged = std::move(*staged_);
  staged_.reset();
  if (replacement_ == Replacement::in_place) return rewrite_in_place(document);
  if (auto done = staged.write(document.reveal()); !done) return std::move(done).error();
  if (auto done = staged.sync(); !done) return std::move(done).error();
  // Taken before the file has its name: afterwards another program may have replaced it.
  auto stamp = stamp_of(staged.fd(), shown_);
  if (!stamp) return stamp;
  if (auto done = staged.commit(); !done) {
    auto rewritten = rewrite_in_place(document);
    return rewritten ? std::move(rewritten) : Result<FileStamp>(std::move(done).error());
  }
  if (auto done = sync_directory(directory_.get(), directory_path_); !done) return std::move(done).error();
  return stamp;
}

// Whole content first, then the new end. A crash in between leaves a mixture of two documents, and the
// journal with both.
Result<FileStamp> LoginStore::rewrite_in_place(const Secret& document) {
  FileStamp old_stamp;
  auto old_text = read(old_stamp);
  if (!old_text) return std::move(old_text).error();
  auto noted = append_to_journal(rewrite_line(*old_text, document));
  if (noted) noted = sync_journal();
  if (!noted) return std::move(noted).error();
  auto file = open_file({directory_.get(), name_, shown_}, O_WRONLY);
  if (!file) return std::move(file).error();
  if (auto written = write_all(file->get(), document.reveal(), shown_); !written) {
    return std::move(written).error();
  }
  if (::ftruncate(file->get(), static_cast<off_t>(document.reveal().size())) != 0 ||
      ::fsync(file->get()) != 0) {
    return Error::from_errno(errno, shown_);
  }
  return stamp_of(file->get(), shown_);
}

Result<void> LoginStore::clear_journal() {
  if (::ftruncate(journal_.fd(), 0) != 0 || ::lseek(journal_.fd(), 0, SEEK_SET) != 0) {
    return Error::from_errno(errno, journal_shown_);
  }
  return {};
}

Result<std::optional<JournalEntry>> LoginStore::journal() {
  if (::lseek(journal_.fd(), 0, SEEK_SET) != 0) return Error::from_errno(errno, journal_shown_);
  auto content = read_file(journal_.fd(), journal_limit, journal_shown_);
  if (!content) {
    return std::move(content).error().with_hint("remove it once you can spare what it notes of a refresh");
  }
  const Secret text(std::move(*content));
  std::string_view rest = text.reveal();
  if (rest.empty()) return std::optional<JournalEntry>();
  JournalEntry entry;
  for (size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    const auto line = parse_json(rest.substr(0, end), journal_shown_);
    if (!line || !line->IsObject()) break;
    read_line(*line, entry);
  }
  // What comes next must not be glued to half a line.
  const auto good = static_cast<off_t>(text.reveal().size() - rest.size());
  if (!rest.empty() &&
      (::ftruncate(journal_.fd(), good) != 0 || ::lseek(journal_.fd(), good, SEEK_SET) != good)) {
    return Error::from_errno(errno, journal_shown_);
  }
  return std::optional<JournalEntry>(std::move(entry));
}

}  // namespace oci_oauth
