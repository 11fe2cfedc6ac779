// SPDX-License-Identifier: Apache-2.0
#include "delivery/delivery.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/fmt.h"
#include "base/json.h"
#include "base/selinux.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t delivered_limit = MiB;
constexpr std::string_view temporary_suffix = ".oci-oauth";
constexpr int most_parents = 64;

bool names_refresh_token(std::string_view key) {
  return key == "refreshToken" || key == "refresh_token";
}

Error refuse_login(const std::string& shown, std::string_view name, std::string_view why) {
  return Error{ErrorKind::failed, fmt::format("{}/{}: {}, so it is left alone", shown, name, why),
               "set the profile's target to a directory of its own, for example /run/secrets/claude"};
}

// A name in a directory whose owner may plant and swap anything meanwhile.
struct Planted {
  int directory;
  const std::string& name;
  const std::string& shown_directory;
  const std::string& shown_name;
};

// Opened only once it is known to be a regular file: opening a device can do things.
Result<std::string> read_planted(int file, const std::string& shown) {
  return read_file({.path = fmt::format("/proc/self/fd/{}", file), .shown = shown}, delivered_limit);
}

bool is_login(const struct stat& file, const FileStamp& login) {
  return file.st_dev == login.device && file.st_ino == login.inode;
}

bool leads_to_login(const Planted& link, const FileStamp& login) {
  struct stat status;
  return ::fstatat(link.directory, link.name.c_str(), &status, 0) == 0 && is_login(status, login);
}

// Result: the file's stamp from before it was read; an empty one where no file is there. Refuses where it is
// something that a person would miss.
Result<FileStamp> check_replaceable(const Planted& file, const FileStamp& login) {
  const auto& [directory, name, shown, shown_name] = file;
  struct stat status;
  const UniqueFd found(::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!found || ::fstat(found.get(), &status) != 0) return FileStamp{};
  // A link is replaced, never followed: what it leads to is not ours to read.
  const bool is_link = S_ISLNK(status.st_mode);
  if (is_link ? leads_to_login(file, login) : is_login(status, login))
    return refuse_login(shown, shown_name, "is the login itself");
  if (is_link) return FileStamp{};
  if (!S_ISREG(status.st_mode)) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}/{}: is {}, so it is left alone", shown, shown_name, file_type(status.st_mode)),
        "remove it, or set the profile's target to another directory"};
  }
  auto content = read_planted(found.get(), fmt::format("{}/{}", shown, shown_name));
  if (!content) return refuse_login(shown, shown_name, "cannot be read whole and may hold a refresh token");
  const Secret document(std::move(*content));
  if (holds_refresh_token(document.reveal())) return refuse_login(shown, shown_name, "holds a refresh token");
  return FileStamp::of(status);
}

// What was checked need not be read again while nobody has changed it.
Result<void> check_again(const Planted& file, const FileStamp& login, const FileStamp& checked) {
  struct stat status;
  const bool is_there = ::fstatat(file.directory, file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && FileStamp::of(status) == checked) return {};
  const auto again = check_replaceable(file, login);
  return again ? Result<void>() : again.error();
}

// The process id keeps two writers of one directory apart.
std::string temporary_name(const std::string& name, pid_t writer) {
  return fmt::format(".{}.{}{}", name, writer, temporary_suffix);
}

struct Target {
  int directory;
  const std::string& shown;
  const FileAccess& access;
  const FileStamp& login;
  // Without root in its user namespace nobody can give files away: they stay the person's.
  std::optional<Owner> owner = ::geteuid() == 0 ? std::optional(access.owner) : std::nullopt;
  pid_t writer = ::getpid();
};

// Puts `bytes` in the place of what was `checked`, and puts back what is there if it turns out to be
// somebody's login.
Result<void> write_file(const Target& target, const std::string& name, const Secret& bytes,
                        const FileStamp& checked) {
  auto file = AtomicFile::create(target.directory, name, target.shown,
                                 {target.access.mode, target.owner, temporary_name(name, target.writer)});
  if (!file) return std::move(file).error();
  if (!target.access.label.empty() && selinux_is_on()) {
    auto labelled = set_selinux_label(file->fd(), target.access.label, target.shown + "/" + name);
    if (!labelled) return labelled;
  }
  if (auto written = file->write(bytes.reveal()); !written) return written;
  return file->commit_if([&](const std::string& aside) {
    return check_again({target.directory, aside, target.shown, name}, target.login, checked);
  });
}

bool is_share(int directory, const ShareContent& share) {
  struct stat status;
  return ::fstat(directory, &status) == 0 && status.st_dev == share.device && status.st_ino == share.inode;
}

template <class Predicate>
Result<std::vector<std::string>> entries(int directory, const Predicate& wanted) {
  UniqueFd again(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again) return Error::from_errno(errno, "readdir");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.release()), ::closedir);
  if (stream == nullptr) return Error::from_errno(errno, "readdir");
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    if (entry->d_type == DT_REG && wanted(entry->d_name)) names.emplace_back(entry->d_name);
  }
  return names;
}

// All but what AtomicFile has while it writes.
Result<std::vector<std::string>> published_files(int share) {
  auto names = entries(share, [](std::string_view name) { return !name.ends_with(temporary_suffix); });
  if (!names) return std::move(names).error().in("share");
  return names;
}

bool is_temporary_of(const std::vector<std::string>& names, std::string_view entry) {
  return entry.ends_with(temporary_suffix) &&
         std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return entry.starts_with(fmt::format(".{}.", name)); });
}

bool is_removable(int target, const std::string& name, const FileStamp& login) {
  const std::string shown;
  struct stat status;
  return ::fstatat(target, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
         check_replaceable({target, name, shown, name}, login).has_value();
}

// Looks once more when nobody can swap it any longer, and puts a login back.
void remove_file(int target, const std::string& name, const FileStamp& login) {
  const std::string aside = temporary_name(name, ::getpid());
  if (::renameat(target, name.c_str(), target, aside.c_str()) != 0) return;
  if (is_removable(target, aside, login)) {
    ::unlinkat(target, aside.c_str(), 0);
  } else {
    ::renameat2(target, aside.c_str(), target, name.c_str(), RENAME_NOREPLACE);
  }
}

}  // namespace

// The depth is bounded: parse_json made the value.
bool holds_refresh_token(const JsonValue& value) {
  if (value.IsArray()) {
    for (const JsonValue& element : value.GetArray()) {
      if (holds_refresh_token(element)) return true;
    }
  }
  if (!value.IsObject()) return false;
  for (const auto& member : value.GetObject()) {
    const bool named = names_refresh_token(json_text(member.name));
    if (named && member.value.IsString() && member.value.GetStringLength() > 0) return true;
    if (holds_refresh_token(member.value)) return true;
  }
  return false;
}

bool holds_refresh_token(std::string_view document) {
  // Neither name can be written without these letters but by escaping one.
  if (document.find("refresh") == std::string_view::npos && document.find('\\') == std::string_view::npos)
    return false;
  const auto parsed = parse_json(document, "");
  if (parsed) return holds_refresh_token(*parsed);
  return document.find("refreshToken") != std::string_view::npos ||
         document.find("refresh_token") != std::string_view::npos;
}

Result<ShareContent> read_share(int share) {
  struct stat status;
  if (::fstat(share, &status) != 0) return Error::from_errno(errno, "share");
  auto names = published_files(share);
  if (!names) return std::move(names).error();
  ShareContent content = {status.st_dev, status.st_ino, {}};
  for (std::string& name : *names) {
    auto text = read_file({share, name, fmt::format("share: {}", name)}, delivered_limit, Links::refused);
    if (!text) return std::move(text).error();
    content.files.emplace_back(std::move(name), Secret(std::move(*text)));
  }
  return content;
}

Result<std::vector<std::string>> deliver_files(const ShareContent& share, int target,
                                               const std::string& shown, const FileAccess& access,
                                               const FileStamp& login) {
  std::vector<std::string> names;
  // Bound by a person under a name that is not the configured one, for example through a symbolic link.
  if (is_share(target, share)) return names;
  std::vector<FileStamp> checked;
  for (const auto& [name, content] : share.files) {
    auto stamp = check_replaceable({target, name, shown, name}, login);
    if (!stamp) return std::move(stamp).error();
    checked.push_back(*stamp);
  }
  const Target place = {target, shown, access, login};
  for (size_t i = 0; i < share.files.size(); ++i) {
    const auto& [name, content] = share.files[i];
    if (auto written = write_file(place, name, content, checked[i]); !written)
      return std::move(written).error();
    names.push_back(name);
  }
  return names;
}

bool is_open_to_others(int directory) {
  UniqueFd here(::openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; here && i < most_parents; ++i) {
    struct stat status, above;
    if (::fstat(here.get(), &status) != 0 || (status.st_mode & S_IXOTH) == 0) return false;
    UniqueFd parent(::openat(here.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent || ::fstat(parent.get(), &above) != 0) return false;
    if (above.st_dev == status.st_dev && above.st_ino == status.st_ino) return true;
    here = std::move(parent);
  }
  return false;
}

Result<void> label_share(int share, std::string_view mount_label) {
  if (mount_label.empty() || !selinux_is_on()) return {};
  const std::string label = without_categories(mount_label);
  if (auto labelled = set_selinux_label(share, label, "share"); !labelled) return labelled;
  auto names = published_files(share);
  if (!names) return std::move(names).error();
  for (const std::string& name : *names) {
    auto file = open_file({share, name, "share: " + name}, O_RDONLY | O_NOFOLLOW);
    if (!file) return std::move(file).error();
    if (auto labelled = set_selinux_label(file->get(), label, "share: " + name); !labelled) return labelled;
  }
  return {};
}

void remove_delivered(int target, const std::vector<std::string>& names, const FileStamp& login) {
  for (const std::string& name : names) {
    if (is_removable(target, name, login)) remove_file(target, name, login);
  }
  auto left = entries(target, [&](std::string_view entry) { return is_temporary_of(names, entry); });
  if (!left) return;
  for (const std::string& name : *left) {
    if (is_removable(target, name, login)) ::unlinkat(target, name.c_str(), 0);
  }
}

}  // namespace oci_oauth
