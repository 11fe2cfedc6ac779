// SPDX-License-Identifier: Apache-2.0
#include "token/runtime_dir.h"

#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "config/provider.h"

namespace oci_oauth {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::string_view configuration_suffix = ".config";
constexpr size_t record_limit = 64 * KiB, token_limit = 64 * KiB;
// Creating it takes microseconds.
constexpr auto wait_for_maker = std::chrono::seconds(5);

Result<void> check_private(int directory, const std::string& path) {
  struct stat status;
  if (::fstat(directory, &status) != 0) return Error::from_errno(errno, path);
  if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
    return Error{
        ErrorKind::failed,
        fmt::format("{0}: must belong to uid {3}, without access for others (it has uid {1}, mode {2:04o})",
                    path, status.st_uid, status.st_mode & 07777, ::geteuid()),
        commands_to_own(status.st_uid, "0700", path)};
  }
  return {};
}

// Somebody else's directory is reported as such, because "permission denied" alone would not say what to do.
Error refused_to_look(const std::string& path, Error error) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return error;
  return {ErrorKind::failed,
          fmt::format("{}: belongs to uid {}, and only that user can read it", path, status.st_uid),
          status.st_uid == 0 ? "sudo $0" : fmt::format("sudo -u '#{}' $0", status.st_uid)};
}

// Result: nullopt if there is no file, or why it is ignored. Failure: it cannot be opened.
template <class Record>
Result<std::optional<Result<Record>>> read_cached(const FileAt& file) {
  const auto fd = open_file(file, O_RDONLY | O_NOFOLLOW);
  if (!fd && fd.error().kind == ErrorKind::not_found) return std::optional<Result<Record>>();
  if (!fd) return fd.error();
  const auto text = read_file(fd->get(), record_limit, file.shown);
  return std::optional(text ? read_record<Record>(*text, file.shown) : Result<Record>(text.error()));
}

template <class Record>
Result<std::optional<Record>> read_usable(const FileAt& file) {
  auto cached = TRY(read_cached<Record>(file));
  return cached && *cached ? std::optional(std::move(**cached)) : std::nullopt;
}

// A separate file system protects other files from a container's open_by_handle_at(2). If it were mounted in
// another mount namespace than the host's, which is that of process 1, the host would not see it
// (mount_namespaces(7)).
void mount_own_tmpfs(const std::string& share) {
  const bool is_the_hosts =
      is_same_file(file_id({.path = "/proc/1/ns/mnt"}), file_id({.path = "/proc/self/ns/mnt"}));
  if (!is_the_hosts || !is_host_root()) return;
  (void)::mount("oci-oauth", share.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=16m");
}

// Until share/ is ready, it has mode 0700: both a mount and its creator change that.
bool is_ready(int directory) {
  struct stat status;
  return ::fstatat(directory, "share", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode) &&
         (status.st_mode & 0777) != 0700;
}

bool has_directory(int directory, const char* name) {
  struct stat status;
  return ::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

// By one process at a time, under the lock of `directory`.
Result<void> make_share(int directory, const std::string& share) {
  if (is_ready(directory)) return {};
  // A killed creator leaves an empty one. One that contains something or is mounted on stays.
  ::unlinkat(directory, "share", AT_REMOVEDIR);
  if (::mkdirat(directory, "share", 0700) == 0) {
    mount_own_tmpfs(share);
  } else if (errno != EEXIST) {
    return Error::from_errno(errno, share + ": mkdir");
  }
  const auto opened = TRY(open_directory({directory, "share", share}));
  if (!is_ready(directory) && ::fchmod(opened.get(), 0755) != 0)
    return Error::from_errno(errno, share + ": chmod");
  return {};
}

// A process that finds share/ missing or incomplete waits for its creator, or creates it.
Result<void> ensure_share(int directory, const std::string& share) {
  if (is_ready(directory)) return {};
  auto own = TRY(open_directory({directory, ".", share}));
  const auto lock = FileLock::acquire(std::move(own), LockMode::exclusive,
                                      std::chrono::steady_clock::now() + wait_for_maker, share);
  if (!lock)
    return Error(lock.error())
        .with_hint("another process holds it while it creates the directory: end that process");
  return make_share(directory, share);
}

// Empty if it is not a symbolic link.
std::string read_link(int directory, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(directory, name.c_str(), target, sizeof target);
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

// Empty if it cannot be read.
std::vector<std::string> all_in(const FileAt& directory) {
  auto names = names_in(directory);
  return names ? std::move(*names) : std::vector<std::string>();
}

// A lock without the mark has no common time: each waits for as long as it may.
void set_time(int lock, SteadyTime time) {
  const auto since_start = time.time_since_epoch();
  const auto whole = std::chrono::floor<seconds>(since_start);
  const timespec mark = {whole.count(), nanoseconds(since_start - whole).count()};
  const timespec times[] = {mark, mark};
  (void)::futimens(lock, times);
}

}  // namespace

Result<RuntimeDir> RuntimeDir::open(const std::string& path) {
  RuntimeDir runtime(path);
  runtime.directory_ = TRY(make_directory({.path = path}, 0700));
  TRY(check_private(runtime.directory_.get(), path));
  // Made last.
  if (has_directory(runtime.directory_.get(), "refreshes")) return runtime;
  TRY(ensure_share(runtime.directory_.get(), path + "/share"));
  for (const char* name : {"profiles", "containers", "locks", "refreshes"}) {
    const UniqueFd made = TRY(make_directory(runtime.at(name), 0700));
  }
  return runtime;
}

Result<std::optional<RuntimeDir>> RuntimeDir::open_existing(const std::string& path) {
  RuntimeDir runtime(path);
  auto directory = open_directory({.path = path});
  if (!directory && directory.error().kind == ErrorKind::not_found) return std::optional<RuntimeDir>();
  if (!directory) return refused_to_look(path, std::move(directory).error());
  TRY(check_private(directory->get(), path));
  const int fd = directory->get();
  if (!is_ready(fd) || !has_directory(fd, "profiles") || !has_directory(fd, "containers"))
    return std::optional<RuntimeDir>();
  runtime.directory_ = std::move(*directory);
  return std::optional(std::move(runtime));
}

FileAt RuntimeDir::at(std::string name) const {
  std::string shown = path_ + "/" + name;
  return {directory_.get(), std::move(name), std::move(shown)};
}

ShareStorage RuntimeDir::share_storage() const {
  const auto share = open_directory(at("share"));
  return share && is_in_memory(share->get()) ? ShareStorage::memory : ShareStorage::disk;
}

Result<Secret> RuntimeDir::token(std::string_view profile) const {
  return Secret(TRY(read_file({.path = fmt::format("{}/{}", share_path(profile), token_file)}, token_limit,
                              Links::refused)));
}

Result<UniqueFd> RuntimeDir::share(std::string_view profile) const {
  const FileAt directory = share_directory(profile);
  auto existing = open_directory(directory);
  if (existing || existing.error().kind != ErrorKind::not_found) return existing;
  TRY(ensure_share(directory_.get(), path_ + "/share"));
  return make_directory(directory, 0755);
}

Result<std::optional<FollowerState>> RuntimeDir::follower() const {
  return read_usable<FollowerState>(follower_file());
}

Result<void> RuntimeDir::note_follower(const FollowerState& state) const {
  return replace_file(directory_.get(), follower_file().path, path_, write_record(state).reveal());
}

Result<std::optional<Published>> RuntimeDir::published(std::string_view profile) const {
  return read_usable<Published>(published_file(profile));
}

Result<std::optional<RefreshHistory>> RuntimeDir::history(std::string_view profile) const {
  return read_usable<RefreshHistory>(history_file(profile));
}

Result<KnownProfile> RuntimeDir::known(std::string_view profile) const {
  KnownProfile known = {.is_whole = true};
  const auto take = [&](auto cached, auto& record) {
    known.is_whole = known.is_whole && cached && *cached;
    if (cached && *cached) record = std::move(**cached);
    if (cached && !*cached) known.damage.push_back(std::move(*cached).error());
  };
  take(TRY(read_cached<Published>(published_file(profile))), known.records.published);
  take(TRY(read_cached<RefreshHistory>(history_file(profile))), known.records.history);
  return known;
}

Result<void> RuntimeDir::publish(std::string_view profile, const ProfileRecords& records) const {
  TRY(replace_file(directory_.get(), history_file(profile).path, path_,
                   write_record(records.history).reveal()));
  const auto publish = [&] {
    return replace_file(directory_.get(), published_file(profile).path, path_,
                        write_record(records.published).reveal());
  };
  auto published = publish();
  if (published || published.error().kind != ErrorKind::not_found) return published;
  const UniqueFd made = TRY(make_directory(at("profiles"), 0700));
  return publish();
}

void RuntimeDir::note_configuration(std::string_view profile, const std::string& config) const {
  const std::string link = fmt::format("profiles/{}{}", profile, configuration_suffix);
  if (read_link(directory_.get(), link) == config) return;
  ::unlinkat(directory_.get(), link.c_str(), 0);
  // Without it, a removed profile is not noticed, and its token simply expires.
  if (::symlinkat(config.c_str(), directory_.get(), link.c_str()) != 0) return;
}

std::vector<std::string> RuntimeDir::profiles_of(std::string_view config) const {
  std::vector<std::string> profiles;
  for (const std::string& name : all_in({directory_.get(), "profiles"})) {
    if (!name.ends_with(configuration_suffix) || read_link(directory_.get(), "profiles/" + name) != config)
      continue;
    profiles.push_back(name.substr(0, name.size() - configuration_suffix.size()));
  }
  return profiles;
}

Result<bool> RuntimeDir::withdraw(std::string_view profile) const {
  // First, so that a profile that comes back is published again.
  bool was_there = ::unlinkat(directory_.get(), published_file(profile).path.c_str(), 0) == 0;
  ::unlinkat(directory_.get(), history_file(profile).path.c_str(), 0);
  auto directory = open_directory(share_directory(profile));
  if (!directory && directory.error().kind == ErrorKind::not_found) return was_there;
  if (!directory) return std::move(directory).error();
  for (const std::string& name : all_in({directory->get(), "."})) {
    if (::unlinkat(directory->get(), name.c_str(), 0) != 0)
      return Error::from_errno(errno, fmt::format("{}/{}", share_path(profile), name));
    was_there = true;
  }
  return was_there;
}

Result<UniqueFd> RuntimeDir::sinks() const {
  return make_directory(at("sinks"), 0700);
}

RefreshMark::RefreshMark(int lock, SteadyTime began) : lock_(lock) {
  set_time(lock_, began);
}

RefreshMark::~RefreshMark() {
  clear_refresh_mark(lock_);
}

void clear_refresh_mark(int lock) {
  set_time(lock, SteadyTime{});
}

std::optional<SteadyTime> beginning_of_refresh(const FileAt& lock, SteadyTime now) {
  struct stat status;
  if (::fstatat(lock.directory, lock.path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  const SteadyTime began(seconds(status.st_mtim.tv_sec) + nanoseconds(status.st_mtim.tv_nsec));
  // A lock that nobody has marked has the wall clock's time, which is decades ahead.
  return began > SteadyTime{} && began <= now ? std::optional(began) : std::nullopt;
}

}  // namespace oci_oauth
