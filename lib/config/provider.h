// SPDX-License-Identifier: Apache-2.0
// A provider is data: how one kind of login is refreshed, where its document has each field, and what
// containers get. What each key means is in keys.h.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "base/time.h"

namespace oci_oauth {

struct Profile;

enum class BodyEncoding { form, json };  // form is RFC 6749 section 6
constexpr std::array<std::string_view, 2> words_of(BodyEncoding) {
  return {"form", "json"};
}

enum class ScopeRule { stored, listed, none };
constexpr std::array<std::string_view, 3> words_of(ScopeRule) {
  return {"stored", "listed", "none"};
}

// RFC 6749 section 2.3.1, by the names of RFC 7591.
enum class ClientAuthentication { post, basic };
constexpr std::array<std::string_view, 2> words_of(ClientAuthentication) {
  return {"client_secret_post", "client_secret_basic"};
}

enum class TimeUnit { milliseconds, seconds, rfc3339 };
constexpr std::array<std::string_view, 3> words_of(TimeUnit) {
  return {"milliseconds", "seconds", "rfc3339"};
}

enum class TokenFormat { opaque, jwt };  // jwt is RFC 9068
constexpr std::array<std::string_view, 2> words_of(TokenFormat) {
  return {"opaque", "jwt"};
}

enum class DocumentFormat { json, text };
constexpr std::array<std::string_view, 2> words_of(DocumentFormat) {
  return {"json", "text"};
}

enum class LoginEndRule { set, lowered };
constexpr std::array<std::string_view, 2> words_of(LoginEndRule) {
  return {"sets", "lowers"};
}

struct Pair {
  std::string name, value;
};
using Pairs = std::vector<Pair>;

// JSON Pointers (RFC 6901) into the credential document; an empty one: the document has no such field. An
// access token that the document does not have is kept in share/ alone.
struct CredentialFields {
  std::string access_token, refresh_token, expires_at, scopes, login_expires_at, client_id;
  std::string client_secret = {}, issuer = {}, resource = {}, refreshed_at = {};
  Pairs parameters = {}, answer = {};  // names, and their pointers
  TokenFormat format = TokenFormat::opaque;
  DocumentFormat document = DocumentFormat::json;
  LoginEndRule login_end = LoginEndRule::set;
  TimeUnit unit = TimeUnit::milliseconds;
};

// The delivered file that contains only the access token.
constexpr std::string_view token_file = "token";

// A file of the provider's own format: `fields` of the credential document at the same places, others at new
// ones, and constants.
struct DeliveredFile {
  std::string name;
  std::vector<std::string> fields;
  Pairs moved = {};      // the pointer in the file, and in the credential document
  Pairs constants = {};  // the pointer in the file, and the text there
  std::string member =
      {};  // the one that is ours, if others write the document too; empty: the whole file is
  // Where the document has the tokens and the client's secret of the login that this is of, not all of which
  // are delivered.
  std::string access_token = {}, refresh_token = {}, client_secret = {};
};

// The API that the access token is for, and what the proxy lets a container without a token ask of it.
struct Api {
  std::string url;                    // an Origin (rules.h)
  std::vector<std::string> requests;  // each an ApiRequest
  std::string request_size = "64m";   // a ByteCount
  std::string rate = "600/m";         // a Rate
  Pairs environment;
};

enum class LockKind { directory, file, lease };
constexpr std::array<std::string_view, 3> words_of(LockKind) {
  return {"directory", "file", "lease"};
}
enum class LockContent { nothing, holder };
constexpr std::array<std::string_view, 2> words_of(LockContent) {
  return {"none", "holder"};
}

// A lock of other programs.
struct ProviderLock {
  std::string path;  // "{directory}" is the real path of the directory that contains the credential document
  Milliseconds stale_after = std::chrono::seconds(60);
  Milliseconds touch_every = std::chrono::seconds(5);
  LockKind kind = LockKind::directory;
  LockContent content = LockContent::nothing;
};

// Where a client keeps the login: DIRECTORY in its user's home, or what `variable` names instead, and a file
// below it. Empty: nobody knows.
struct LoginPlace {
  std::string directory, variable, file, client_file;
};

struct Provider {
  std::string name;
  LoginPlace place;
  std::string token_url, client_id;  // empty: the profile's, or the document's
  std::string issuer, device_authorization_url, authorization_url, revocation_url;
  std::string redirect_uri;        // of a login; empty: a port of our own on a loopback address
  std::string login_command;       // of the client that makes such a login; empty: we do
  std::string client_secret_file;  // empty: none, or the profile's
  ClientAuthentication authentication = ClientAuthentication::post;
  BodyEncoding body = BodyEncoding::form;
  ScopeRule scope = ScopeRule::stored;
  std::vector<std::string> scopes;
  Pairs parameters;  // of each request, besides those of RFC 6749
  std::string user_agent;
  CredentialFields fields;
  std::vector<std::string> terminal_errors = {"invalid_grant"};  // RFC 6749 section 5.2
  std::vector<DeliveredFile> deliver;
  std::vector<ProviderLock> locks;  // in the order in which they are taken
  std::string lock_owner;           // directory_lock.h; a path as in ProviderLock
  std::vector<ProviderLock> save_locks;
  std::optional<Api> api;
  std::vector<std::string> shadowed_by;
  Pairs environment;
};

// Whether containers may have a file of that name: the token's own, or one that the provider names.
bool delivers(const Provider& provider, std::string_view file);

// One login of a document that has several: its name replaces "{entry}" in the provider's texts, as a JSON
// Pointer spells it. "{entry_word}" is the same with '_' for all but letters and digits, "{entry_sha256}" its
// hash (base/fingerprint.h). "{file}" is the name of the login's file, and "{file_stem}" that up to its last
// '_'.
struct ProviderEntry {
  std::string provider, entry, file = {};

  friend bool operator==(const ProviderEntry&, const ProviderEntry&) = default;
};

// Whether the provider, which was loaded without an entry, needs one.
bool has_entries(const Provider& provider);

// A key whose name says that it contains a refresh token: "refreshToken", "refresh_token", "idpRefreshToken",
// "refresh".
bool names_refresh_token(std::string_view key);

// Failure (kind configuration): what breaks a rule of keys.h; a field, a constant or a parameter that is or
// contains a secret of the login; a lock file outside the login's directory.
Result<Provider> parse_provider(std::string_view text, std::string_view path, std::string_view name);

// Failure (configuration): neither the profile nor the provider has a token_url or an issuer, or there is no
// client_id; the provider is of documents and the profile has a command, or the other way round; the profile
// has delivery "socket", and the provider no API, or a client that needs the profile's loopback_port.
Result<void> check_complete(const Profile& profile, const Provider& provider);

// Environment variables for a container, "NAME=value" each, with the target filled in: those of the API for a
// profile with delivery "socket".
std::vector<std::string> environment_of(const Provider& provider, const Profile& profile,
                                        std::string_view target);

// Where providers are looked for: local ones first, then those installed at `prefix`.
std::vector<std::string> provider_directories(std::string_view prefix);

// Every provider in the directories that can be used, by name; of the same name, the first one.
std::vector<Provider> load_providers(const std::vector<std::string>& directories);

// Looks for NAME.json in each directory in order. Failure: names the directories that were searched; a file
// that other users may write.
Result<Provider> load_provider(const ProviderEntry& which, const std::vector<std::string>& directories);
inline Result<Provider> load_provider(std::string_view name, const std::vector<std::string>& directories) {
  return load_provider(ProviderEntry{std::string(name), ""}, directories);
}
// The profile's, which also delivers the part of the profiles that it delivers. Failure: also for an entry
// that the profile lacks, or should not have.
Result<Provider> load_provider(const Profile& profile, const std::vector<std::string>& directories);

// Whether oci-oauth login makes logins of this provider: it has no client for that, and is known to have a
// server.
bool can_log_in(const Profile& profile, const Provider& provider);

// What to do about a login that is missing: a command, if one makes it.
std::string hint_to_log_in(const Profile& profile, const Provider& provider);

}  // namespace oci_oauth
