// SPDX-License-Identifier: Apache-2.0
#include "delivery/container_ledger.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/text.h"
#include "oci/spec.h"

namespace oci_oauth {

namespace {

constexpr size_t record_limit = 256 * KiB;
constexpr std::string_view suffix = ".json";
constexpr std::string_view temporary_record = ".json.oci-oauth";  // of replace_file()
constexpr const char* containers = "containers";
constexpr auto longest_save = std::chrono::minutes(1);
constexpr const char* written_notes = "written";  // an empty file for each record with a written directory

Error bad(std::string reason) {
  return {ErrorKind::failed, std::move(reason)};
}

// The name of a file in the directory, which must not lead elsewhere.
bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of({"/\0", 2}) == name.npos;
}

bool is_pointer(const std::string& text) {
  return text.empty() || is_json_pointer(text);
}

std::string file_name(std::string_view name) {
  return fmt::format("{}/{}{}", containers, name, suffix);
}

// Lists what a refresh has to update, so that it need not read the records of all other containers.
std::string written_note(std::string_view name) {
  return fmt::format("{}/{}", written_notes, name);
}

// Where the next turn goes on in the directory of the records: an offset of getdents64(2). If it is lost or
// wrong, the turns begin anew.
constexpr const char* position_file = "containers.position";
constexpr size_t longest_position = 32;

off_t load_position(int directory) {
  const auto text = read_file({directory, position_file}, longest_position, Links::refused);
  return text ? number_in<off_t>(*text).value_or(0) : 0;
}

Result<void> note_written(int directory, const std::string& name) {
  if (::mkdirat(directory, written_notes, 0700) != 0 && errno != EEXIST)
    return Error::from_errno(errno, "written: mkdir");
  auto note = TRY(open_file({directory, written_note(name)}, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
  return {};
}

std::vector<std::string> without_hidden(std::vector<std::string> names) {
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  return names;
}

std::vector<std::string> names_of_records(std::vector<std::string> files) {
  std::erase_if(files,
                [](const std::string& file) { return file.starts_with('.') || !file.ends_with(suffix); });
  for (std::string& file : files) file.resize(file.size() - suffix.size());
  return files;
}

bool is_old(int directory, const std::string& path, Time now) {
  struct stat status;
  return ::fstatat(directory, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         now - Time(std::chrono::seconds(status.st_mtim.tv_sec)) > longest_save;
}

}  // namespace

Result<void> check(const WrittenFile& file) {
  if (!is_file_name(file.name)) return bad(fmt::format("'{}' is not a file name", file.name));
  for (const std::string* pointer : {&file.member, &file.access_token, &file.refresh_token}) {
    if (!is_pointer(*pointer)) return bad(fmt::format("'{}' is not a JSON Pointer", *pointer));
  }
  return {};
}

Result<void> check(const DeliveryRecord& delivery) {
  constexpr uid_t unchanged = std::numeric_limits<uid_t>::max();  // chown(2)
  if (delivery.owner.uid == unchanged || delivery.owner.gid == unchanged)
    return bad("no file can have this owner");
  if (delivery.mode > 0777) return bad(fmt::format("mode {:o} is more than permissions", delivery.mode));
  return {};
}

Result<void> check(const ContainerRecord& record) {
  if (!is_valid_container_id(record.id)) return bad(fmt::format("'{}' is not a container id", record.id));
  if (record.process.pid < 0) return bad(fmt::format("{} is not a process id", record.process.pid));
  return {};
}

bool has_written_directory(const ContainerRecord& record) {
  return std::ranges::count(record.deliveries, DeliveryKind::write, &DeliveryRecord::kind) > 0;
}

// A lock belongs to an open file description, so it needs a separate one.
Result<FileLock> ContainerLedger::lock(SteadyTime deadline) const {
  auto own = TRY(open_file({directory_, containers}, O_RDONLY | O_DIRECTORY));
  return FileLock::acquire(std::move(own), LockMode::exclusive, deadline, containers);
}

Result<ContainerRecord> ContainerLedger::find(const std::string& name) const {
  const std::string file = file_name(name);
  auto text = TRY(read_file({directory_, file}, record_limit, Links::refused));
  auto record = TRY(read_record<ContainerRecord>(text, file));
  record.name = name;
  if (record.id == name || name.starts_with(record.id + "@")) return record;
  return Error{ErrorKind::failed,
               fmt::format("{}: is the record of another container, '{}'", file, record.id)};
}

ContainerLedger::Place ContainerLedger::find(const std::string& id, std::string_view bundle) const {
  auto record = find(id);
  const bool is_free = !record && record.error().kind == ErrorKind::not_found;
  if (record && (record->bundle.empty() || record->bundle == bundle)) return {id, std::move(record)};
  std::string other = fmt::format("{}@{:016x}", id, fnv1a(bundle));
  auto second = find(other);
  if (is_free && !second && second.error().kind == ErrorKind::not_found) return {id, std::move(second)};
  return {std::move(other), std::move(second)};
}

Result<void> ContainerLedger::save(const std::string& name, const ContainerRecord& record) const {
  if (has_written_directory(record)) {
    TRY(note_written(directory_, name));
  }
  return replace(name, record);
}

Result<void> ContainerLedger::replace(const std::string& name, const ContainerRecord& record) const {
  return replace_file(directory_, file_name(name), "", write_record(record).reveal());
}

void ContainerLedger::remove(const std::string& name) const {
  ::unlinkat(directory_, written_note(name).c_str(), 0);
  ::unlinkat(directory_, file_name(name).c_str(), 0);
}

void ContainerLedger::remove_leftovers(const std::vector<std::string>& files, Time now) const {
  for (const std::string& file : files) {
    const bool is_temporary = file.starts_with('.') && file.ends_with(temporary_record);
    const std::string path = fmt::format("{}/{}", containers, file);
    if (is_temporary && is_old(directory_, path, now)) ::unlinkat(directory_, path.c_str(), 0);
  }
  const auto noted = names_in({directory_, written_notes});
  if (!noted) return;
  for (const std::string& name : without_hidden(*noted)) {
    const bool has_record = ::faccessat(directory_, file_name(name).c_str(), F_OK, 0) == 0;
    if (!has_record && is_old(directory_, written_note(name), now))
      ::unlinkat(directory_, written_note(name).c_str(), 0);
  }
}

Result<ContainerLedger::Listing> ContainerLedger::load_all(const std::vector<std::string>& names) const {
  Listing listing;
  for (const std::string& name : names) {
    auto record = find(name);
    if (record) {
      listing.records.push_back(std::move(*record));
    } else if (record.error().kind != ErrorKind::not_found) {
      listing.unreadable.push_back(std::move(record).error());
    }
  }
  return listing;
}

Result<ContainerLedger::Listing> ContainerLedger::list() const {
  return load_all(names_of_records(TRY(names_in({directory_, containers}))));
}

Result<ContainerLedger::Listing> ContainerLedger::next_in_turn(size_t most, Time now) const {
  const off_t position = load_position(directory_);
  const auto directory = TRY(open_file({directory_, containers}, O_RDONLY | O_DIRECTORY));
  auto turn = TRY(names_from(directory.get(), position, most));
  if (turn.position != position)
    TRY(replace_file(directory_, position_file, "", fmt::format("{}", turn.position)));
  remove_leftovers(turn.names, now);
  return load_all(names_of_records(std::move(turn.names)));
}

bool ContainerLedger::has_written() const {
  const auto names = names_in({directory_, written_notes});
  return names ? !names->empty() : names.error().kind != ErrorKind::not_found;
}

Result<ContainerLedger::Listing> ContainerLedger::list_written() const {
  auto names = names_in({directory_, written_notes});
  if (!names && names.error().kind == ErrorKind::not_found) return Listing{};
  if (!names) return std::move(names).error();
  return load_all(without_hidden(std::move(*names)));
}

}  // namespace oci_oauth
