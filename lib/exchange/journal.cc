// SPDX-License-Identifier: Apache-2.0
#include "exchange/journal.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr std::int64_t journal_version = 1;  // of its lines; a shared journal's lines have none
constexpr size_t journal_limit = 64 * MiB;   // two documents as JSON strings, and what else a run records
constexpr const char* spare_hint = "remove it if its record of a refresh is not needed";

// A line; each starts with {"version": 1, "document": NAME, …}
JsonDocument line_of(const std::string& document) {
  JsonDocument line;
  line.SetObject();
  json_set(line, line, "version", JsonValue(journal_version));
  json_set(line, line, "document", json_copy(line, document));
  return line;
}

std::optional<DirectoryIdentity> read_lock(const JsonValue& line) {
  const auto path = json_string(line, "lock");
  const auto device = json_uint(line, "device"), inode = json_uint(line, "inode");
  if (!path || !device || !inode) return std::nullopt;
  return DirectoryIdentity{std::string(*path), *device, *inode, json_int(line, "born_ns").value_or(0)};
}

void set_fence(JsonDocument& line, const std::string& hash, Time began_at) {
  json_set(line, line, "refresh_token_hash", json_copy(line, hash));
  json_set(line, line, "began_at", time_value(began_at));
}

void read_fence(const JsonValue& line, JournalEntry& entry) {
  const auto hash = json_string(line, "refresh_token_hash");
  if (!hash) return;
  entry.refresh_token_hash = *hash;
  entry.began_at = json_time(line, "began_at").value_or(Time{});
}

void set_grant(JsonDocument& line, const Grant& grant) {
  json_set(line, line, "access_token", json_copy(line, grant.access_token.reveal()));
  json_set(line, line, "refresh_token", json_copy(line, grant.refresh_token.reveal()));
  json_set(line, line, "expires_at", time_value(grant.expires_at));
  if (grant.login_expires_at) json_set(line, line, "login_expires_at", time_value(*grant.login_expires_at));
  JsonValue scopes = json_array();
  for (const std::string& scope : grant.scopes) json_append(scopes, scope);
  json_set(line, line, "scopes", std::move(scopes));
}

std::optional<Grant> read_grant(const JsonValue& line) {
  const auto access = json_string(line, "access_token");
  const auto refresh = json_string(line, "refresh_token");
  const auto expires_at = json_time(line, "expires_at");
  if (!access || !refresh || !expires_at) return std::nullopt;
  Grant grant = {Secret(*access), Secret(*refresh), *expires_at, {}, json_time(line, "login_expires_at")};
  const JsonValue* scopes = json_member(line, "scopes");
  if (scopes == nullptr || !scopes->IsArray()) return grant;
  for (const JsonValue& scope : scopes->GetArray()) {
    if (scope.IsString()) grant.scopes.emplace_back(json_text(scope));
  }
  return grant;
}

// Result: whether the line was a record.
bool read_note(const JsonValue& line, JournalEntry& entry) {
  if (auto lock = read_lock(line)) {
    entry.locks.push_back(std::move(*lock));
  } else if (auto grant = read_grant(line)) {
    entry.grant = std::move(*grant);
    read_fence(line, entry);
  } else if (json_string(line, "refresh_token_hash")) {
    read_fence(line, entry);
  } else if (const auto new_text = json_string(line, "new_text")) {
    entry.new_text = Secret(*new_text);
    entry.old_text = Secret(json_string(line, "old_text").value_or(""));
  } else {
    return false;
  }
  return true;
}

// The line as JSON; nullopt if it is damaged. A power failure may leave NULs in front of it.
std::optional<JsonDocument> parse_line(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('\0'), text.size()));
  auto line = parse_json(text, "");
  if (!line || !line->IsObject()) return std::nullopt;
  return std::move(*line);
}

// `each` is called with every complete line.
template <class Each>
void for_each_line(std::string_view text, const Each& each) {
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    if (const auto line = parse_line(text.substr(0, end))) each(*line);
  }
}

// The journal, locked. It is the same file for all processes unless somebody removed it while we waited.
Result<FileLock> lock_journal(int directory, const std::string& name, const std::string& shown,
                              SteadyTime deadline) {
  while (true) {
    auto lock = FileLock::acquire(FileAt{directory, name, shown}, LockMode::exclusive, deadline);
    if (!lock) return lock;
    struct stat held, there;
    if (::fstat(lock->fd(), &held) != 0) return Error::from_errno(errno, shown);
    const bool is_there = ::fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && errno != ENOENT) return Error::from_errno(errno, shown);
    if (!S_ISREG(held.st_mode)) {
      return Error{ErrorKind::failed, fmt::format("{}: is {}", shown, file_type(held.st_mode)),
                   "remove it: oci-oauth records its refreshes there"};
    }
    if (is_there && held.st_dev == there.st_dev && held.st_ino == there.st_ino) return lock;
  }
}

}  // namespace

std::string journal_name(std::string_view document) {
  return fmt::format(".{}.oci-oauth.journal", document);
}

Journal::Journal(FileLock file, int directory, std::string directory_path, std::string document)
    : file_(std::move(file)),
      directory_(directory),
      directory_path_(std::move(directory_path)),
      document_(std::move(document)),
      shown_(directory_path_ + "/" + journal_name(document_)) {}

Result<Journal> Journal::open(int directory, const std::string& directory_path, const std::string& document,
                              SteadyTime deadline) {
  const std::string name = journal_name(document), shown = directory_path + "/" + name;
  auto file = TRY(lock_journal(directory, name, shown, deadline));
  // New records follow whatever is already there.
  const int flags = ::fcntl(file.fd(), F_GETFL);
  if (flags < 0 || ::fcntl(file.fd(), F_SETFL, flags | O_APPEND) != 0) return Error::from_errno(errno, shown);
  return Journal(std::move(file), directory, directory_path, document);
}

Result<void> Journal::reserve(size_t size) {
  int reserved;
  do {
    reserved = ::fallocate(file_.fd(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
  } while (reserved != 0 && errno == EINTR);
  if (reserved != 0 && errno != EOPNOTSUPP) return Error::from_errno(errno, shown_);
  return sync();
}

Result<void> Journal::append(Secret line) {
  // The next record must not be appended to half a line.
  std::string text(ends_in_half_a_line_ ? "\n" : "");
  append_secret(text, line.reveal());
  append_secret(text, "\n");
  ends_in_half_a_line_ = true;  // if it is not written completely
  auto written = write_all(file_.fd(), Secret(std::move(text)).reveal(), shown_);
  if (written) ends_in_half_a_line_ = false;
  return written;
}

Result<void> Journal::sync() {
  int synced;
  do {
    synced = ::fdatasync(file_.fd());
  } while (synced != 0 && errno == EINTR);
  if (synced != 0) return Error::from_errno(errno, shown_);
  return {};
}

Result<void> Journal::note_lock(const DirectoryIdentity& lock) {
  JsonDocument line = line_of(document_);
  json_set(line, line, "lock", json_copy(line, lock.path));
  json_set(line, line, "device", JsonValue(lock.device));
  json_set(line, line, "inode", JsonValue(lock.inode));
  json_set(line, line, "born_ns", JsonValue(lock.born_ns));
  return append(write_json(line));
}

Result<void> Journal::note_request(const std::string& refresh_token_hash, Time at) {
  JsonDocument line = line_of(document_);
  set_fence(line, refresh_token_hash, at);
  TRY(append(write_json(line)));
  TRY(sync());
  return sync_directory(directory_, directory_path_);
}

// It repeats the fence's content, so that it is usable even if that line is damaged.
Result<void> Journal::note_grant(const std::string& refresh_token_hash, Time began_at, const Grant& grant) {
  JsonDocument line = line_of(document_);
  set_fence(line, refresh_token_hash, began_at);
  set_grant(line, grant);
  TRY(append(write_json(line)));
  return sync();
}

Result<void> Journal::note_rewrite(const Secret& old_text, const Secret& new_text) {
  JsonDocument line = line_of(document_);
  json_set(line, line, "old_text", json_copy(line, old_text.reveal()));
  json_set(line, line, "new_text", json_copy(line, new_text.reveal()));
  TRY(append(write_json(line)));
  return sync();
}

Result<Secret> Journal::read_all(int fd, const std::string& shown) {
  if (::lseek(fd, 0, SEEK_SET) != 0) return Error::from_errno(errno, shown);
  auto content = read_file(fd, journal_limit, shown);
  if (!content) return std::move(content).error().with_hint(spare_hint);
  return Secret(std::move(*content));
}

Result<std::optional<JournalEntry>> Journal::replay() {
  const auto text = read_all(file_.fd(), shown_);
  if (!text) return text.error();
  ends_in_half_a_line_ = !text->empty() && !text->reveal().ends_with('\n');
  if (text->empty()) return std::optional<JournalEntry>();
  JournalEntry entry;
  bool is_newer = false;
  for_each_line(text->reveal(), [&](const JsonValue& line) {
    const auto version = json_int(line, "version");
    is_newer = is_newer || version.value_or(0) > journal_version;
    if (version == journal_version && json_string(line, "document") == document_) read_note(line, entry);
  });
  if (is_newer) {
    return Error{ErrorKind::failed, fmt::format("{}: was written by a newer version of oci-oauth", shown_),
                 fmt::format("install that version again, or {}", spare_hint)};
  }
  return std::optional<JournalEntry>(std::move(entry));
}

Result<void> Journal::copy(const JournalEntry& entry) {
  for (const DirectoryIdentity& lock : entry.locks) {
    TRY(note_lock(lock));
  }
  if (!entry.new_text.empty()) {
    TRY(note_rewrite(entry.old_text, entry.new_text));
  }
  if (entry.refresh_token_hash.empty()) return sync_directory(directory_, directory_path_);
  if (entry.grant) {
    const auto noted = note_grant(entry.refresh_token_hash, entry.began_at, *entry.grant);
    if (!noted) return noted;
    return sync_directory(directory_, directory_path_);
  }
  return note_request(entry.refresh_token_hash, entry.began_at);
}

Result<void> Journal::take_over_shared(const std::function<bool(const JournalEntry&)>& is_ours,
                                       SteadyTime deadline) {
  const std::string shown = directory_path_ + "/" + shared_journal_name;
  auto file = open_file({directory_, shared_journal_name, shown}, O_RDWR | O_NOFOLLOW);
  struct stat status;
  // A file that was never a journal contains no records.
  if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  auto lock = TRY(FileLock::acquire(std::move(*file), LockMode::exclusive, deadline, shown));
  const auto text = read_all(lock.fd(), shown);
  if (!text) return text.error();
  JournalEntry entry;
  for_each_line(text->reveal(), [&](const JsonValue& line) { read_note(line, entry); });
  if (!is_ours(entry)) return {};
  if (!text->empty()) {
    TRY(copy(entry));
  }
  if (::unlinkat(directory_, shared_journal_name, 0) != 0 && errno != ENOENT)
    return Error::from_errno(errno, shown);
  shared_.emplace(std::move(lock));
  return {};
}

Result<void> Journal::clear() {
  if (::ftruncate(file_.fd(), 0) != 0) return Error::from_errno(errno, shown_);
  ends_in_half_a_line_ = false;
  return sync();
}

}  // namespace oci_oauth
