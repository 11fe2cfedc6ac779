// SPDX-License-Identifier: Apache-2.0
#include "setup/find_logins.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/environment.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/path_owner.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t login_limit = MiB;

const char* no_environment(const char*) {
  return nullptr;
}

// sudo(8) names its caller in SUDO_USER and SUDO_UID; only root could have changed them.
Result<uid_t> uid_of_sudo(std::string_view number, std::string_view name) {
  uid_t uid = 0;
  const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), uid);
  const passwd* entry =
      failure == std::errc() && end == number.data() + number.size() ? ::getpwuid(uid) : nullptr;
  if (entry != nullptr && name == entry->pw_name) return uid;
  return Error{ErrorKind::usage,
               fmt::format("SUDO_USER '{}' and SUDO_UID '{}' are different users", name, number),
               "name the login with --credentials FILE"};
}

std::string path_of(const LoginPlace& place, const UserHome& home) {
  const char* moved = place.variable.empty() ? nullptr : home.environment(place.variable.c_str());
  if (moved != nullptr && moved[0] == '/') return fmt::format("{}/{}", moved, place.file);
  return fmt::format("{}/{}/{}", home.directory, place.directory, place.file);
}

Error not_ours(const std::string& path, uid_t owner) {
  return {ErrorKind::failed, fmt::format("{}: uid {} could have put it there", path, owner)};
}

// What is opened is checked again, because the path may have changed since it was walked.
Result<Secret> read_login(const std::string& path, uid_t uid) {
  const auto other = TRY(find_other_owner(path, uid));
  if (other) return not_ours(path, other->uid);
  const auto fd = TRY(open_file({.path = path}, O_RDONLY));
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno(errno, path);
  if (status.st_uid != uid && status.st_uid != 0) return not_ours(path, status.st_uid);
  return Secret(TRY(read_file(fd.get(), status, login_limit, path)));
}

Result<void> check_login(const std::string& path, const Provider& provider, uid_t uid) {
  const auto text = TRY(read_login(path, uid));
  const auto document = TRY(parse_json(text.reveal(), path));
  const JsonValue* token = json_at(document, provider.fields.refresh_token);
  if (token != nullptr && token->IsString() && token->GetStringLength() > 0) return {};
  return Error{ErrorKind::action_required,
               fmt::format("{}: has no refresh token of {}", path, provider.name)};
}

}  // namespace

Result<UserHome> home_of_caller() {
  const std::string_view number = from_environment("SUDO_UID"), name = from_environment("SUDO_USER");
  const bool by_sudo = ::geteuid() == 0 && !(number.empty() && name.empty());
  const uid_t uid = by_sudo ? TRY(uid_of_sudo(number, name)) : ::geteuid();
  const passwd* entry = ::getpwuid(uid);
  if (entry == nullptr) {
    return Error{ErrorKind::usage, fmt::format("uid {}: is not in the password database", uid),
                 "name the login with --credentials FILE"};
  }
  return UserHome{entry->pw_dir, uid, entry->pw_name, by_sudo ? no_environment : own_environment};
}

std::vector<FoundLogin> find_logins(const UserHome& home, const std::vector<Provider>& providers) {
  std::vector<FoundLogin> logins;
  for (const Provider& provider : providers) {
    if (provider.place.file.empty()) continue;
    const std::string path = path_of(provider.place, home);
    logins.push_back({provider.name, path, check_login(path, provider, home.uid)});
  }
  return logins;
}

}  // namespace oci_oauth
