// SPDX-License-Identifier: Apache-2.0
#include "setup/find_logins.h"

#include <glob.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t login_limit = MiB;

const char* no_environment(const char*) {
  return nullptr;
}

// sudo(8) names its caller in SUDO_USER and SUDO_UID; only root could have changed them.
Result<uid_t> uid_of_sudo(std::string_view number, std::string_view name) {
  const auto uid = number_in<uid_t>(number);
  const passwd* entry = uid ? ::getpwuid(*uid) : nullptr;
  if (entry != nullptr && name == entry->pw_name) return *uid;
  return Error{ErrorKind::usage,
               fmt::format("SUDO_USER '{}' and SUDO_UID '{}' are different users", name, number),
               "$0 --credentials FILE"};
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
Result<JsonDocument> read_json(const std::string& path, uid_t uid) {
  if (const auto other = TRY(find_other_owner(path, uid))) return not_ours(path, other->uid);
  const auto fd = TRY(open_file({.path = path}, O_RDONLY));
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno(errno, path);
  if (status.st_uid != uid && status.st_uid != 0) return not_ours(path, status.st_uid);
  const Secret text(TRY(read_file(fd.get(), status, login_limit, path)));
  return parse_json(text.reveal(), path);
}

bool has_text(const JsonValue& document, const std::string& pointer) {
  const JsonValue* value = json_at(document, pointer);
  return value != nullptr && value->IsString() && value->GetStringLength() > 0;
}

Error no_token(const FoundLogin& login, std::string_view what) {
  return {ErrorKind::action_required,
          fmt::format("{}: {}has no {} of {}", login.path,
                      login.entry.empty() ? "" : fmt::format("'{}' ", login.entry), what, login.provider)};
}

std::string missing_of(const JsonValue& document, const JsonValue& client, const Provider& provider) {
  const CredentialFields& fields = provider.fields;
  if (!has_text(document, fields.refresh_token)) return "refresh token";
  if (!has_text(document, fields.client_id) && !has_text(client, "/client_id")) return "client";
  const bool has_server =
      has_text(document, fields.issuer) || has_text(document, fields.resource) || has_text(client, "/issuer");
  return has_server ? "" : "server";
}

// The only login of a client, which can be refreshed, or one of several.
bool is_only(const Provider& provider) {
  return !has_entries(provider) && provider.place.file.find('*') == std::string::npos;
}

// Whether the login is usable, and what it lacks. Each of several has a client and a server of its own.
FoundLogin examined(FoundLogin login, const JsonValue& document, const Provider& provider, uid_t uid) {
  const CredentialFields& fields = provider.fields;
  const bool is_refreshable = has_text(document, fields.refresh_token);
  if (is_only(provider) && login.entry.empty()) {
    if (!is_refreshable) login.usable = no_token(login, "refresh token");
    return login;
  }
  JsonDocument client = json_object();
  if (!login.client_file.empty()) {
    auto read = read_json(login.client_file, uid);
    if (read) client = *std::move(read);
    if (!read) login.client_file.clear();
  }
  login.lacks = missing_of(document, client, provider);
  if (!is_refreshable && !has_text(document, fields.access_token)) login.usable = no_token(login, "token");
  return login;
}

// The names of the logins in a document.
std::vector<std::string> entries_of(const JsonValue& document, const Provider& provider) {
  const std::string& pointer = provider.fields.refresh_token;
  const std::string parent = pointer.substr(0, pointer.find("/{entry}"));
  const JsonValue* const object = parent.empty() ? &document : json_at(document, parent);
  std::vector<std::string> entries;
  if (object == nullptr || !object->IsObject()) return entries;
  for (const auto& member : object->GetObject()) {
    if (member.value.IsObject()) entries.emplace_back(json_text(member.name));
  }
  return entries;
}

// The files that a pattern stands for.
std::vector<std::string> files_of(const std::string& pattern) {
  glob_t matches = {};
  std::vector<std::string> files;
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0)
    files.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  return files;
}

// HASH_client.json beside HASH_tokens.json, by their endings.
std::string client_file_of(const std::string& path, const LoginPlace& place) {
  if (place.client_file.empty()) return "";
  const size_t ending = place.file.size() - place.file.rfind('*') - 1;
  return path.substr(0, path.size() - ending) + place.client_file;
}

std::vector<FoundLogin> logins_at(const std::string& path, const Provider& provider, const UserHome& home,
                                  const std::vector<std::string>& directories) {
  const auto document = read_json(path, home.uid);
  if (!document) return {{.provider = provider.name, .path = path, .usable = document.error()}};
  if (!has_entries(provider)) {
    return {examined({provider.name, path, "", client_file_of(path, provider.place)}, *document, provider,
                     home.uid)};
  }
  std::vector<FoundLogin> logins;
  for (const std::string& entry : entries_of(*document, provider)) {
    const auto own = load_provider(ProviderEntry{provider.name, entry}, directories);
    if (own) logins.push_back(examined({provider.name, path, entry}, *document, *own, home.uid));
  }
  return logins;
}

}  // namespace

Result<UserHome> home_of_caller() {
  const std::string_view number = from_environment("SUDO_UID"), name = from_environment("SUDO_USER");
  const bool by_sudo = ::geteuid() == 0 && !(number.empty() && name.empty());
  const uid_t uid = by_sudo ? TRY(uid_of_sudo(number, name)) : ::geteuid();
  const passwd* entry = ::getpwuid(uid);
  // In a container, the ids of users may have no names.
  const std::string_view home = from_environment("HOME");
  if (entry == nullptr && !by_sudo && home.starts_with('/'))
    return UserHome{std::string(home), uid, fmt::format("uid {}", uid), own_environment};
  if (entry == nullptr) {
    return Error{ErrorKind::usage, fmt::format("uid {}: is not in the password database", uid),
                 "$0 --credentials FILE"};
  }
  return UserHome{entry->pw_dir, uid, entry->pw_name, by_sudo ? no_environment : own_environment};
}

std::vector<FoundLogin> find_logins(const UserHome& home, const std::vector<Provider>& providers,
                                    const std::vector<std::string>& directories) {
  std::vector<FoundLogin> logins;
  for (const Provider& provider : providers) {
    if (provider.place.file.empty()) continue;
    const std::string pattern = path_of(provider.place, home);
    for (const std::string& path : is_only(provider) ? std::vector{pattern} : files_of(pattern))
      std::ranges::move(logins_at(path, provider, home, directories), std::back_inserter(logins));
  }
  return logins;
}

}  // namespace oci_oauth
