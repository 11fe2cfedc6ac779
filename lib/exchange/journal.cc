// SPDX-License-Identifier: Apache-2.0
#include "exchange/journal.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t journal_limit = 64 * MiB;  // two documents as JSON strings, and what else a run records
constexpr size_t longest_kept = MiB;        // with records of other logins
constexpr const char* spare_hint = "remove it if its record of a refresh is not needed";

void add(JournalEntry& entry, JournalLine line, std::string_view own) {
  if (!line.new_text.empty()) {
    entry.old_text = std::move(line.old_text);
    entry.new_text = std::move(line.new_text);
  }
  if (line.entry != own) return;
  if (line.is_end) entry = {};
  if (!line.lock.path.empty()) entry.locks.push_back(std::move(line.lock));
  if (!line.refresh_token_hash.empty()) {
    entry.refresh_token_hash = std::move(line.refresh_token_hash);
    entry.began_at = line.began_at;
  }
  if (!line.grant.access_token.empty()) entry.grant = std::move(line.grant);
  if (line.rotation) {
    // The answer to an earlier request is not this one's.
    if (line.rotation->progress == RotationStage::claiming) entry.grant.reset();
    entry.rotation = std::move(line.rotation);
  }
}

// The line as JSON; nullopt if it is damaged. A power failure may leave NULs in front of it.
std::optional<JsonDocument> parse_line(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('\0'), text.size()));
  auto line = parse_json(text, "");
  if (!line || !line->IsObject()) return std::nullopt;
  return std::move(*line);
}

// `each` is called with every complete line.
void for_each_line(std::string_view text, const auto& each) {
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    if (const auto line = parse_line(text.substr(0, end))) each(*line);
  }
}

// The other logins with records that they have not discarded.
std::set<std::string, std::less<>> others_in(std::string_view text, std::string_view own) {
  std::set<std::string, std::less<>> others;
  for_each_line(text, [&](const JsonValue& json) {
    const std::string entry(json_string(json, "entry").value_or(""));
    const JsonValue* const end = json_member(json, "end");
    if (entry != own) others.insert(entry);
    if (end != nullptr && end->IsTrue()) others.erase(entry);
  });
  return others;
}

// The journal, locked; new records follow whatever is already there. It is the same file for all processes
// unless somebody removed it while we waited.
Result<FileLock> lock_journal(const FileAt& file, SteadyTime deadline) {
  while (true) {
    auto fd = TRY(open_file(file, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0600));
    auto lock = TRY(FileLock::acquire(std::move(fd), LockMode::exclusive, deadline, file.shown));
    struct stat held, there;
    if (::fstat(lock.fd(), &held) != 0) return Error::from_errno(errno, file.shown);
    const bool is_there = ::fstatat(file.directory, file.path.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && errno != ENOENT) return Error::from_errno(errno, file.shown);
    if (!S_ISREG(held.st_mode))
      return Error{ErrorKind::failed, fmt::format("{}: is {}", file.shown, file_type(held.st_mode)),
                   "rm -r " + shell_word(file.shown)};
    if (is_there && FileId::of(held) == FileId::of(there)) return lock;
  }
}

}  // namespace

std::string journal_name(std::string_view document) {
  return fmt::format(".{}.oci-oauth.journal", document);
}

Result<JournalEntry> read_notes(std::string_view text, const JournalSubject& subject,
                                const std::string& shown) {
  JournalEntry entry;
  bool is_newer = false;
  for_each_line(text, [&](const JsonValue& json) {
    const auto version = json_int(json, "version");
    is_newer = is_newer || version.value_or(0) > JournalLine::version;
    if (version != JournalLine::version) return;
    auto line = read_record<JournalLine>(json, shown);
    if (line && line->document == subject.document) add(entry, std::move(*line), subject.entry);
  });
  if (!is_newer) return entry;
  return Error{ErrorKind::failed, fmt::format("{}: was written by a newer version of oci-oauth", shown),
               fmt::format("install that version again, or {}", spare_hint)};
}

Result<Journal> Journal::open(int directory, const std::string& directory_path, const JournalSubject& subject,
                              SteadyTime deadline) {
  const std::string name = journal_name(subject.document);
  const FileAt file = {directory, name, directory_path + "/" + name};
  auto locked = TRY(lock_journal(file, deadline));
  return Journal(std::move(locked), directory, directory_path, subject, file.shown);
}

Result<void> Journal::reserve(size_t size) {
  TRY(reserve_space(file_.fd(), size, shown_));
  return sync();
}

Result<void> Journal::append(JournalLine line, const std::string& entry) {
  line.document = subject_.document;
  line.entry = entry;
  // The next record must not be appended to half a line.
  std::string text(ends_in_half_a_line_ ? "\n" : "");
  append_secret(text, write_record(line).reveal());
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
  return append({.lock = lock});
}

Result<void> Journal::note_request(const std::string& refresh_token_hash, Time at) {
  TRY(append({.refresh_token_hash = refresh_token_hash, .began_at = at}));
  TRY(sync());
  return sync_directory(directory_, directory_path_);
}

Result<void> Journal::note_grant(const std::string& refresh_token_hash, Time began_at, const Grant& grant) {
  TRY(append({.refresh_token_hash = refresh_token_hash, .began_at = began_at, .grant = grant.copy()}));
  return sync();
}

Result<void> Journal::note_rotation(const RotationNote& note) {
  TRY(append({.rotation = note}));
  TRY(sync());
  return sync_directory(directory_, directory_path_);
}

Result<void> Journal::note_rewrite(const Secret& old_text, const Secret& new_text) {
  TRY(append({.old_text = old_text.copy(), .new_text = new_text.copy()}));
  return sync();
}

Result<Secret> Journal::read_all() {
  if (::lseek(file_.fd(), 0, SEEK_SET) != 0) return Error::from_errno(errno, shown_);
  auto content = read_file(file_.fd(), journal_limit, shown_);
  if (!content) return std::move(content).error().with_hint(spare_hint);
  return Secret(std::move(*content));
}

Result<std::optional<JournalEntry>> Journal::replay() {
  const Secret text = TRY(read_all());
  ends_in_half_a_line_ = !text.empty() && !text.reveal().ends_with('\n');
  if (text.empty()) return std::optional<JournalEntry>();
  return std::optional(TRY(read_notes(text.reveal(), subject_, shown_)));
}

Result<std::map<std::string, JournalEntry>> Journal::others() {
  const Secret text = TRY(read_all());
  std::map<std::string, JournalEntry> notes;
  for (const std::string& entry : others_in(text.reveal(), subject_.entry))
    notes.emplace(entry, TRY(read_notes(text.reveal(), {subject_.document, entry}, shown_)));
  return notes;
}

Result<void> Journal::discard(const std::string& entry) {
  return append({.is_end = true}, entry);
}

Result<void> Journal::clear() {
  const Secret text = TRY(read_all());
  if (text.reveal().size() < longest_kept && !others_in(text.reveal(), subject_.entry).empty()) {
    TRY(append({.is_end = true}));
    return sync();
  }
  if (::ftruncate(file_.fd(), 0) != 0) return Error::from_errno(errno, shown_);
  ends_in_half_a_line_ = false;
  return sync();
}

}  // namespace oci_oauth
