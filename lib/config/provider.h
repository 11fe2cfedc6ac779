// SPDX-License-Identifier: Apache-2.0
// A provider is data: how one kind of login is refreshed, where its document has each field, and what
// containers get.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

struct Profile;

enum class BodyEncoding { form, json };  // form is RFC 6749 section 6; some servers want JSON
constexpr std::array<std::string_view, 2> words_of(BodyEncoding) {
  return {"form", "json"};
}

// Which scopes a request names: the document's, else the provider's; the provider's; or none.
enum class ScopeRule { stored, listed, none };
constexpr std::array<std::string_view, 3> words_of(ScopeRule) {
  return {"stored", "listed", "none"};
}

// RFC 6749 section 2.3.1, by the names of RFC 7591.
enum class ClientAuthentication { post, basic };
constexpr std::array<std::string_view, 2> words_of(ClientAuthentication) {
  return {"client_secret_post", "client_secret_basic"};
}

enum class TimeUnit { milliseconds, seconds, rfc3339 };  // numbers count from 1970
constexpr std::array<std::string_view, 3> words_of(TimeUnit) {
  return {"milliseconds", "seconds", "rfc3339"};
}

// Whether an access token says when it expires (RFC 9068).
enum class TokenFormat { opaque, jwt };
constexpr std::array<std::string_view, 2> words_of(TokenFormat) {
  return {"opaque", "jwt"};
}

// A text is the access token alone.
enum class DocumentFormat { json, text };
constexpr std::array<std::string_view, 2> words_of(DocumentFormat) {
  return {"json", "text"};
}

// What an answer's refresh_token_expires_in does to the login's expiry in the document.
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
  std::string client_secret = {};
  std::string issuer = {};        // of the login
  std::string resource = {};      // what the token is for: RFC 8707
  std::string refreshed_at = {};  // set to the time of each refresh
  Pairs parameters = {};          // of a request, with the pointer to each one's value
  Pairs answer = {};              // members of an answer, with the pointer to where each is written
  TokenFormat format = TokenFormat::opaque;
  DocumentFormat document = DocumentFormat::json;
  LoginEndRule login_end = LoginEndRule::set;
  TimeUnit unit = TimeUnit::milliseconds;  // for numbers, and if the document has no time yet
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
  // If others write the document too: the one member that is ours, a JSON Pointer. Empty: the whole file is.
  std::string member = {};
  // Where the document has the tokens and the client's secret of the login that this is of, not all of which
  // are delivered.
  std::string access_token = {}, refresh_token = {}, client_secret = {};
};

// The API that the access token is for, and what the proxy lets a container without a token ask of it.
struct Api {
  std::string url;                    // an Origin (rules.h)
  std::vector<std::string> requests;  // "METHOD PATH"; a segment "*" of the path matches any one segment
  std::string request_size = "64m";   // at most; "k" or "m"
  std::string rate = "600/m";         // of a container's requests
  Pairs environment;                  // of a container; "{target}" stands for the profile's target
};

// Made by mkdir(2), locked by flock(2), or made with O_EXCL (open(2)) by its holder, whom it names.
enum class LockKind { directory, file, lease };
constexpr std::array<std::string_view, 3> words_of(LockKind) {
  return {"directory", "file", "lease"};
}
enum class LockContent { nothing, holder };  // of a file: "PID:SECONDS", the time of the last touch
constexpr std::array<std::string_view, 2> words_of(LockContent) {
  return {"none", "holder"};
}

// A lock of other programs, and how long after its last touch they take it for abandoned. In the path
// "{directory}" is the real path of the directory that contains the credential document.
struct ProviderLock {
  std::string path;
  Milliseconds stale_after = std::chrono::seconds(60);
  Milliseconds touch_every = std::chrono::seconds(5);
  LockKind kind = LockKind::directory;
  LockContent content = LockContent::nothing;
};

// Where a client keeps the login: DIRECTORY in its user's home, or what `variable` names instead, and a file
// below it. Empty: nobody knows. A "*" stands for any text in a name: there may be several.
struct LoginPlace {
  std::string directory, variable, file;
  std::string client_file = {};  // how its client's file ends, where its own has what follows the last "*"
};

struct Provider {
  std::string name;
  LoginPlace place;
  std::string token_url, client_id;  // empty: the profile's, or the document's
  // What else a server has: its identifier (RFC 8414), by whose metadata its endpoints are found that are not
  // given here; for a login (RFC 8628, RFC 6749 section 3.1) and its end (RFC 7009).
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
  // OAuth error codes after which a login is dead (RFC 6749 section 5.2, and what servers use instead).
  std::vector<std::string> terminal_errors = {"invalid_grant"};
  std::vector<DeliveredFile> deliver;
  // Locks that other programs take before they refresh, in order, and the file in which the holder of the
  // first one records who it is (lock_owner.h); paths as in ProviderLock.
  std::vector<ProviderLock> locks;
  std::string lock_owner;
  // Locks that other programs take while they change the credential document. They are held for the last read
  // and the rename, and never during the request to the token endpoint.
  std::vector<ProviderLock> save_locks;
  std::optional<Api> api;
  // Environment variables that the client in the container uses instead of the delivered files.
  std::vector<std::string> shadowed_by;
  // Environment variables for containers; "{target}" stands for the profile's target.
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
