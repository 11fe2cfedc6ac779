// SPDX-License-Identifier: Apache-2.0
#include "refresh/login_store.h"

#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "base/path.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t document_limit = MiB;
constexpr size_t journal_reserve = 64 * KiB;
constexpr const char* journal_name = ".oci-oauth.journal";
constexpr const char* unwritable_hint =
    "nothing was sent; a refresh needs to write there before it may rotate the login";

// The journal is lines of JSON, each written by one write(2); a last line without its newline was never
// synced.
std::string text_line(const Secret& json) {
  return std::string(json.reveal()) + "\n";
}

Secret fence_line(const std::string& hash, Time at, const std::vector<DirectoryIdentity>& locks) {
  JsonDocument line;
  line.SetObject();
  json_set(line, line, "refresh_token_hash", json_copy(line, hash));
  json_set(line, line, "began_at", time_value(at));
  JsonValue list(rapidjson::kArrayType);
  for (const DirectoryIdentity& lock : locks) {
    JsonValue entry(rapidjson::kObjectType);
    json_set(line, entry, "path", json_copy(line, lock.path));
    json_set(line, entry, "device", JsonValue(lock.device));
    json_set(line, entry, "inode", JsonValue(lock.inode));
    json_set(line, entry, "born_ns", JsonValue(lock.born_ns));
    list.PushBack(entry, line.GetAllocator());
  }
  json_set(line, line, "locks", std::move(list));
  return write_json(line);
}

std::optional<JournalEntry> read_fence(const JsonValue& line) {
  JournalEntry entry;
  entry.refresh_token_hash = json_string(line, "refresh_token_hash").value_or("");
  entry.began_at = json_time(line, "began_at").value_or(Time{});
  const JsonValue* locks = json_member(line, "locks");
  if (entry.refresh_token_hash.empty() || locks == nullptr || !locks->IsArray()) return std::nullopt;
  for (const JsonValue& lock : locks->GetArray()) {
    const auto device = json_uint(lock, "device"), inode = json_uint(lock, "inode");
    if (!device || !inode) continue;
    entry.locks.push_back({std::string(json_string(lock, "path").value_or("")), *device, *inode,
                           json_int(lock, "born_ns").value_or(0)});
  }
  return entry;
}

Result<FileStamp> stamp_of(int fd, const std::string& shown) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return Error::from_errno(errno, shown);
  return FileStamp::of(status);
}

std::optional<Grant> read_grant(const JsonValue& line) {
  const auto access = json_string(line, "access_token");
  const auto refresh = json_string(line, "refresh_token");
  const auto expires_at = json_time(line, "expires_at");
  if (!access || !refresh || !expires_at) return std::nullopt;
  return Grant{Secret(*access), Secret(*refresh), *expires_at};
}

}  // namespace

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
  auto journal = FileLock::acquire(FileAt{directory->get(), journal_name, parent + "/" + journal_name},
                                   LockMode::exclusive, deadline);
  if (!journal && journal.error().kind == ErrorKind::temporary) return std::move(journal).error();
  if (!journal) return std::move(journal).error().with_hint(unwritable_hint);
  return LoginStore(std::move(*journal), std::move(*directory), parent, file.substr(file.rfind('/') + 1));
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

Result<void> LoginStore::prepare(size_t size) {
  const auto cannot = [](Error error) { return std::move(error).with_hint(unwritable_hint); };
  struct stat status;
  if (::fstatat(directory_.get(), name_.c_str(), &status, 0) != 0)
    return cannot(Error::from_errno(errno, shown_));

  document_room_ = size;
  if (auto reserved = reserve_journal(); !reserved) return cannot(std::move(reserved).error());
  if (::fsync(journal_.fd()) != 0) return cannot(Error::from_errno(errno, journal_shown_));

  // rename(2) over a mount point is EBUSY: such a file is rewritten in place.
  struct statx file;
  const bool mounted = ::statx(directory_.get(), name_.c_str(), 0, STATX_BASIC_STATS, &file) == 0 &&
                       (file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  replacement_ = mounted ? Replacement::in_place : Replacement::rename;
  if (auto writable = open_file({directory_.get(), name_, shown_}, O_WRONLY); !writable) {
    return cannot(std::move(writable).error().in("cannot be replaced"));
  }
  // The group may be one that the owner is not in; the file then keeps the owner's.
  const mode_t mode = status.st_mode & 07777;
  const bool same_group = status.st_gid == ::getegid() || ::geteuid() == 0;
  const auto owner = same_group ? std::optional(Owner{status.st_uid, status.st_gid}) : std::nullopt;
  auto staged = AtomicFile::create(directory_.get(), name_, directory_path_, {mode, owner, ""});
  if (!staged) return cannot(std::move(staged).error());
  if (auto done = staged->reserve(size); !done) return cannot(std::move(done).error());
  if (auto done = staged->sync(); !done) return cannot(std::move(done).error());
  staged_.emplace(std::move(*staged));
  return {};
}

Result<void> LoginStore::note_request(const std::string& refresh_token_hash, Time at,
                                      const std::vector<DirectoryIdentity>& locks) {
  if (auto cleared = clear_journal(); !cleared) return cleared;
  auto written =
      write_all(journal_.fd(), text_line(fence_line(refresh_token_hash, at, locks)), journal_shown_);
  if (!written) return written;
  // Emptying the file gave its reserved space back.
  if (auto reserved = reserve_journal(); !reserved) return reserved;
  if (::fsync(journal_.fd()) != 0 || ::fsync(directory_.get()) != 0) {
    return Error::from_errno(errno, journal_shown_);
  }
  return {};
}

Result<void> LoginStore::reserve_journal() {
  const auto size = static_cast<off_t>(journal_reserve + document_room_);
  int reserved;
  do {
    reserved = ::fallocate(journal_.fd(), FALLOC_FL_KEEP_SIZE, 0, size);
  } while (reserved != 0 && errno == EINTR);
  if (reserved != 0 && errno != EOPNOTSUPP) return Error::from_errno(errno, journal_shown_);
  return {};
}

Result<void> LoginStore::append_to_journal(const Secret& line) {
  const Secret text(text_line(line));
  if (auto written = write_all(journal_.fd(), text.reveal(), journal_shown_); !written) return written;
  int synced;
  do {
    synced = ::fdatasync(journal_.fd());
  } while (synced != 0 && errno == EINTR);
  if (synced != 0) return Error::from_errno(errno, journal_shown_);
  return {};
}

Result<void> LoginStore::note_grant(const Grant& grant) {
  JsonDocument line;
  line.SetObject();
  json_set(line, line, "access_token", json_copy(line, grant.access_token.reveal()));
  json_set(line, line, "refresh_token", json_copy(line, grant.refresh_token.reveal()));
  json_set(line, line, "expires_at", time_value(grant.expires_at));
  return append_to_journal(write_json(line));
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
  if (auto done = staged.commit(); !done) return std::move(done).error();
  if (auto done = sync_directory(directory_.get(), directory_path_); !done) return std::move(done).error();
  return stamp;
}

// Whole content first, then the new end. A crash in between leaves half a document, and the journal with all
// of it.
Result<FileStamp> LoginStore::rewrite_in_place(const Secret& document) {
  JsonDocument line;
  line.SetObject();
  json_set(line, line, "document", json_copy(line, document.reveal()));
  if (auto noted = append_to_journal(write_json(line)); !noted) return std::move(noted).error();
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

Result<std::optional<JournalEntry>> LoginStore::journal() const {
  if (::lseek(journal_.fd(), 0, SEEK_SET) != 0) return Error::from_errno(errno, journal_shown_);
  auto content = read_file(journal_.fd(), document_limit, journal_shown_);
  if (!content) return std::move(content).error();
  const Secret text(std::move(*content));
  std::optional<JournalEntry> entry;
  std::string_view rest = text.reveal();
  for (size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    const auto line = parse_json(rest.substr(0, end), journal_shown_);
    if (!line) break;
    if (!entry) {
      entry = read_fence(*line);
    } else if (!entry->grant) {
      entry->grant = read_grant(*line);
    } else if (const auto document = json_string(*line, "document")) {
      entry->document = Secret(*document);
    }
  }
  return entry;
}

}  // namespace oci_oauth
