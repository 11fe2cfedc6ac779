// SPDX-License-Identifier: Apache-2.0
#include "token/delivery.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "base/json.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t delivered_limit = MiB;

bool names_refresh_token(std::string_view key) {
  return key == "refreshToken" || key == "refresh_token";
}

// Looks for the key in a document that parse_json accepted, whose depth is bounded.
bool value_holds_refresh_token(const JsonValue& value) {
  if (value.IsArray()) {
    for (const JsonValue& element : value.GetArray()) {
      if (value_holds_refresh_token(element)) return true;
    }
  }
  if (!value.IsObject()) return false;
  for (const auto& member : value.GetObject()) {
    const bool named = names_refresh_token(json_text(member.name));
    if (named && member.value.IsString() && member.value.GetStringLength() > 0) return true;
    if (value_holds_refresh_token(member.value)) return true;
  }
  return false;
}

Error refuse_login(const std::string& shown, std::string_view name, std::string_view why) {
  return Error{ErrorKind::failed, fmt::format("{}/{}: {}, so it is left alone", shown, name, why),
               "set the profile's target to a directory of its own, for example /run/secrets/claude"};
}

// Refuses where `name` in `target` is something that a person would miss.
Result<void> check_replaceable(int target, const std::string& shown, const std::string& name,
                               const FileStamp& login) {
  struct stat status;
  if (::fstatat(target, name.c_str(), &status, 0) == 0 && status.st_dev == login.device &&
      status.st_ino == login.inode) {
    return refuse_login(shown, name, "is the login itself");
  }
  // A link is replaced, never followed: what it leads to is not ours to read.
  if (::fstatat(target, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISLNK(status.st_mode))
    return {};
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorKind::failed,
                 fmt::format("{}/{}: is {}, so it is left alone", shown, name, file_type(status.st_mode)),
                 "remove it, or set the profile's target to another directory"};
  }
  auto content =
      read_file({target, name, fmt::format("{}/{}", shown, name)}, delivered_limit, Links::refused);
  if (!content) return refuse_login(shown, name, "cannot be read whole and may hold a refresh token");
  const Secret document(std::move(*content));
  if (holds_refresh_token(document.reveal())) return refuse_login(shown, name, "holds a refresh token");
  return {};
}

bool is_same_directory(int one, int other) {
  struct stat a, b;
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

Result<std::vector<std::string>> regular_files(int directory) {
  UniqueFd again(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again) return Error::from_errno(errno, "share");
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(again.release()), ::closedir);
  if (entries == nullptr) return Error::from_errno(errno, "share");
  std::vector<std::string> names;
  // Names that AtomicFile uses while it writes begin with a dot and end in its suffix.
  while (const dirent* entry = ::readdir(entries.get())) {
    if (entry->d_type == DT_REG && !std::string_view(entry->d_name).ends_with(".oci-oauth")) {
      names.emplace_back(entry->d_name);
    }
  }
  return names;
}

}  // namespace

bool holds_refresh_token(std::string_view document) {
  const auto parsed = parse_json(document, "");
  if (parsed) return value_holds_refresh_token(*parsed);
  return document.find("refreshToken") != std::string_view::npos ||
         document.find("refresh_token") != std::string_view::npos;
}

Result<std::vector<std::string>> deliver_files(int share, int target, const std::string& shown, Owner owner,
                                               mode_t mode, const FileStamp& login) {
  // Bound by a person under a name that is not the configured one, for example through a symbolic link.
  if (is_same_directory(share, target)) return std::vector<std::string>();
  auto names = regular_files(share);
  if (!names) return names;
  for (const std::string& name : *names) {
    if (auto checked = check_replaceable(target, shown, name, login); !checked)
      return std::move(checked).error();
  }
  // A person's own refresher cannot give files away: outside the container's user namespace they stay that
  // person's.
  const std::optional<Owner> new_owner = ::geteuid() == 0 ? std::optional(owner) : std::nullopt;
  for (const std::string& name : *names) {
    auto content = read_file({share, name, fmt::format("share: {}", name)}, delivered_limit, Links::refused);
    if (!content) return std::move(content).error();
    const Secret bytes(std::move(*content));
    // The process id keeps two writers of one directory apart.
    const AtomicFile::Options options = {mode, new_owner, fmt::format(".{}.{}.oci-oauth", name, ::getpid())};
    if (auto written = replace_file(target, name, shown, bytes.reveal(), options); !written) {
      return std::move(written).error();
    }
  }
  return names;
}

void remove_delivered(int target, const std::vector<std::string>& names, const FileStamp& login) {
  for (const std::string& name : names) {
    struct stat status;
    const bool ours =
        ::fstatat(target, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
    if (ours && check_replaceable(target, "", name, login)) ::unlinkat(target, name.c_str(), 0);
  }
}

}  // namespace oci_oauth
