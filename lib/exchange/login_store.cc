// SPDX-License-Identifier: Apache-2.0
#include "exchange/login_store.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t document_limit = 4 * MiB;    // beside tokens of the largest size that an answer can contain
constexpr size_t journal_reserve = 64 * KiB;  // everything except the documents
constexpr const char* unwritable_hint =
    "nothing was sent; what keeps a refresh from writing there: oci-oauth doctor";

Result<FileStamp> stamp_of(int fd, const std::string& shown) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return Error::from_errno(errno, shown);
  return FileStamp::of(status);
}

// fallocate(2) with FALLOC_FL_KEEP_SIZE does not check this limit.
Result<void> check_size_limit(size_t size, const std::string& shown) {
  rlimit limit;
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= size) return {};
  return Error{ErrorKind::failed,
               fmt::format("{}: this process can write at most {} bytes to a file", shown, limit.rlim_cur),
               "raise RLIMIT_FSIZE (ulimit -f)"};
}

// The real file behind symbolic links. One that is to be created is in a directory that exists.
Result<std::string> real_file(const std::string& path, Document document) {
  auto file = real_path(path);
  if (file) return file;
  if (document == Document::required || file.error().kind != ErrorKind::not_found)
    return std::move(file).error().with_hint("log in first, or correct \"credentials\" in the configuration");
  struct stat link;
  if (::lstat(path.c_str(), &link) == 0)
    return Error{ErrorKind::failed, fmt::format("{}: is a symbolic link to a missing file", path)};
  const std::string parent = parent_directory(path);
  auto directory = real_path(parent);
  if (!directory) return std::move(directory).error().with_hint("mkdir -p -m 700 " + shell_word(parent));
  return fmt::format("{}/{}", *directory, base_name(path));
}

constexpr const char* access_list = "system.posix_acl_access";  // acl(5), xattr(7)

bool lacks_lists(int reason) {
  return reason == ENODATA || reason == EOPNOTSUPP;
}

// Whether `from` has a list, and whether `to` has the same one: a new file may inherit a list from its
// directory.
struct ListKept {
  bool there, same;
};

ListKept keep_list(int from, int to) {
  const ssize_t size = ::fgetxattr(from, access_list, nullptr, 0);
  const bool there = size >= 0 || !lacks_lists(errno);
  if (!there) return {there, ::fremovexattr(to, access_list) == 0 || lacks_lists(errno)};
  std::vector<char> list(static_cast<size_t>(size < 0 ? 0 : size));
  const ssize_t read = ::fgetxattr(from, access_list, list.data(), list.size());
  const bool same =
      size >= 0 && read == size && ::fsetxattr(to, access_list, list.data(), list.size(), 0) == 0;
  return {there, same};
}

// If the owner cannot be kept, it is the user who refreshes and who can write to this directory anyway.
bool keep_group(const struct stat& status, int to) {
  return ::fchown(to, status.st_uid, status.st_gid) == 0 ||
         ::fchown(to, static_cast<uid_t>(-1), status.st_gid) == 0;
}

}  // namespace

Result<void> keep_access(int from, int to, const std::string& shown) {
  struct stat status;
  if (::fstat(from, &status) != 0) return Error::from_errno(errno, shown);
  mode_t mode = status.st_mode & 07777;
  const bool same_group = keep_group(status, to);
  const ListKept list = keep_list(from, to);
  if (!same_group || !list.same) {
    (void)::fremovexattr(to, access_list);
    // Members of the old group, and people on its list, then count as others.
    const mode_t others = list.there ? 0 : mode & (mode >> 3) & S_IRWXO;
    mode = (mode & (S_IRWXU | S_ISUID | S_ISVTX)) | others;
  }
  if (::fchmod(to, mode) != 0) return Error::from_errno(errno, fmt::format("{}: fchmod", shown));
  return {};
}

bool is_torn(std::string_view text, std::string_view old_text, std::string_view new_text) {
  if (text == old_text || text == new_text) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool old_byte = i < old_text.size() && text[i] == old_text[i];
    const bool new_byte = i < new_text.size() && text[i] == new_text[i];
    const bool never_written = text[i] == '\0';  // after a power failure
    if (!old_byte && !new_byte && !never_written) return false;
  }
  return text.size() >= old_text.size();
}

LoginStore::LoginStore(Journal journal, UniqueFd directory, std::string directory_path, std::string name,
                       Document document)
    : directory_(std::move(directory)),
      journal_(std::move(journal)),
      directory_path_(std::move(directory_path)),
      name_(std::move(name)),
      shown_(directory_path_ + "/" + name_),
      document_(document) {}

Result<LoginStore> LoginStore::open(const std::string& path, SteadyTime deadline, Document document,
                                    const std::string& entry) {
  const auto file = TRY(real_file(path, document));
  const std::string parent = parent_directory(file), name = base_name(file);
  auto directory = TRY(open_file({.path = parent}, O_RDONLY | O_DIRECTORY));
  auto journal = Journal::open(directory.get(), parent, {name, entry}, deadline);
  if (!journal && journal.error().kind != ErrorKind::temporary && journal.error().hint.empty())
    journal.error().hint = unwritable_hint;
  if (!journal) return std::move(journal).error();
  // A staged file (file.h) of a killed run may contain a login, but only the journal is worth keeping.
  ::unlinkat(directory.get(), fmt::format(".{}.oci-oauth", name).c_str(), 0);
  return LoginStore(std::move(*journal), std::move(directory), parent, name, document);
}

Result<LoginStore::Content> LoginStore::read() const {
  const auto fd = TRY(open_file({directory_.get(), name_, shown_}, O_RDONLY));
  Secret text(TRY(read_file(fd.get(), document_limit, shown_)));
  return Content{std::move(text), TRY(stamp_of(fd.get(), shown_))};
}

Result<CredentialDocument> LoginStore::read(const CredentialFields& fields) const {
  auto content = TRY(read());
  return CredentialDocument::parse(std::move(content.text), shown_, fields, content.stamp);
}

Result<void> LoginStore::check_unchanged(const FileStamp& stamp) const {
  struct stat status;
  const bool is_there = ::fstatat(directory_.get(), name_.c_str(), &status, 0) == 0;
  if (!is_there && errno != ENOENT) return Error::from_errno(errno, shown_);
  if (is_there && FileStamp::of(status) == stamp) return {};
  return Error{ErrorKind::temporary, fmt::format("{}: another program changed it in the meantime", shown_)};
}

Result<void> LoginStore::prepare(size_t size) {
  auto done = check_replaceable(size);
  // For writing in place, the journal contains the old and the new text, and escaping may double the size of
  // each.
  const size_t journal_room = journal_reserve + (is_mounted_ ? 4 * size : 0);
  if (done) done = check_size_limit(std::max(size, journal_room), shown_);
  if (done) done = journal_.reserve(journal_room);
  if (done) done = stage(size);
  if (!done) return std::move(done).error().with_hint(unwritable_hint);
  return {};
}

bool LoginStore::is_new() const {
  return document_ == Document::created && ::faccessat(directory_.get(), name_.c_str(), F_OK, 0) != 0 &&
         errno == ENOENT;
}

Result<void> LoginStore::check_replaceable(size_t size) {
  struct statx file = {}, directory;
  const bool exists = !is_new();
  if ((exists && ::statx(directory_.get(), name_.c_str(), 0, STATX_BASIC_STATS, &file) != 0) ||
      ::statx(directory_.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &directory) != 0) {
    return Error::from_errno(errno, shown_);
  }
  // rename(2) over a mount point fails with EBUSY: such a file is rewritten in place.
  is_mounted_ = (file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  // In an append-only directory (chattr +a), rename(2) fails.
  if (!is_mounted_ && (directory.stx_attributes & STATX_ATTR_APPEND) != 0) {
    return Error::from_errno(EPERM, directory_path_ + ": is append-only");
  }
  if (!exists) return {};
  auto writable = open_file({directory_.get(), name_, shown_}, O_WRONLY);
  // A file without write permission can be replaced by rename; one that is immutable or on a read-only mount
  // cannot.
  if (!writable && !is_mounted_ && ::faccessat(directory_.get(), name_.c_str(), W_OK, 0) != 0 &&
      errno == EACCES) {
    return {};
  }
  if (!writable) return std::move(writable).error().in("cannot be replaced");
  return is_mounted_ ? reserve_space(writable->get(), size, shown_) : Result<void>();
}

Result<void> LoginStore::stage(size_t size) {
  auto staged = TRY(AtomicFile::create(directory_.get(), name_, directory_path_, {}));
  creates_ = is_new();
  if (!creates_) {
    const auto old = TRY(open_file({directory_.get(), name_, shown_}, O_RDONLY));
    TRY(keep_access(old.get(), staged.fd(), shown_));
  }
  TRY(staged.reserve(size));
  TRY(staged.sync());
  staged_.emplace(std::move(staged));
  return {};
}

Result<FileStamp> LoginStore::replace(const Secret& document) {
  if (!staged_) TRY(prepare(document.reveal().size()));
  AtomicFile staged = std::move(*staged_);
  staged_.reset();
  if (is_mounted_) return rewrite_in_place(document);
  TRY(staged.write(document.reveal()));
  TRY(staged.sync());
  // Taken before the file gets its name, because afterwards another program may have replaced it.
  auto stamp = stamp_of(staged.fd(), shown_);
  if (!stamp) return stamp;
  if (creates_) {
    TRY(staged.commit_if([this](const std::string&) {
      return Error{ErrorKind::temporary,
                   fmt::format("{}: another program created it in the meantime", shown_)};
    }));
  } else if (auto done = staged.commit(); !done) {
    auto rewritten = rewrite_in_place(document);
    return rewritten ? std::move(rewritten) : Result<FileStamp>(std::move(done).error());
  }
  TRY(sync_directory(directory_.get(), directory_path_));
  return stamp;
}

Result<void> LoginStore::remove() {
  if (::unlinkat(directory_.get(), name_.c_str(), 0) != 0) return Error::from_errno(errno, shown_);
  ::unlinkat(directory_.get(), journal_name(name_).c_str(), 0);
  return sync_directory(directory_.get(), directory_path_);
}

// The whole content first, then the new length. A crash in between leaves a mixture of two documents, and the
// journal with both.
Result<FileStamp> LoginStore::rewrite_in_place(const Secret& document) {
  const Content old = TRY(read());
  TRY(journal_.note_rewrite(old.text, document));
  auto file = TRY(open_file({directory_.get(), name_, shown_}, O_WRONLY));
  TRY(write_all(file.get(), document.reveal(), shown_));
  if (::ftruncate(file.get(), static_cast<off_t>(document.reveal().size())) != 0 ||
      ::fsync(file.get()) != 0) {
    return Error::from_errno(errno, shown_);
  }
  return stamp_of(file.get(), shown_);
}

}  // namespace oci_oauth
