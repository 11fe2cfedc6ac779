// SPDX-License-Identifier: Apache-2.0
// A provider is data: how one kind of login is refreshed, where its document has each field, and what
// containers get.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

enum class BodyEncoding { json, form };  // form is RFC 6749 section 6; some servers want JSON
constexpr std::array<std::string_view, 2> words_of(BodyEncoding) {
  return {"json", "form"};
}
enum class ScopeRule { stored, none };  // send the document's scopes, or omit the parameter
constexpr std::array<std::string_view, 2> words_of(ScopeRule) {
  return {"stored", "none"};
}
enum class ExpiryUnit { milliseconds, seconds };  // since the epoch
constexpr std::array<std::string_view, 2> words_of(ExpiryUnit) {
  return {"milliseconds", "seconds"};
}

// What an answer's refresh_token_expires_in does to the login's expiry in the document.
enum class LoginEndRule { set, lowered };
constexpr std::array<std::string_view, 2> words_of(LoginEndRule) {
  return {"sets", "lowers"};
}

// JSON Pointers (RFC 6901) into the credential document; empty: the document does not have the field.
struct CredentialFields {
  std::string access_token, refresh_token, expires_at, scopes, login_expires_at, client_id;
  LoginEndRule login_end = LoginEndRule::set;
  ExpiryUnit unit = ExpiryUnit::milliseconds;

  friend bool operator==(const CredentialFields&, const CredentialFields&) = default;
};

// The delivered file that contains only the access token.
constexpr std::string_view token_file = "token";

// A file in the provider's own format, with `fields` of the credential document at the same places.
struct DeliveredFile {
  std::string name;
  std::vector<std::string> fields;
  // If others write to the document too: a JSON Pointer to the one member of its root that is ours. Empty:
  // the whole file is ours.
  std::string member = {};

  friend bool operator==(const DeliveredFile&, const DeliveredFile&) = default;
};

// The API that the access token is for, and the requests that an agent makes: what a proxy allows.
struct Api {
  std::string url;                    // https, without a path
  std::vector<std::string> requests;  // "METHOD PATH"; a segment "*" of the path matches any one segment

  friend bool operator==(const Api&, const Api&) = default;
};

// A directory that other programs create as a lock, and how long after its last update they regard it as
// abandoned. In the path, "{directory}" stands for the real path of the credential document's directory.
struct ProviderLock {
  std::string path;
  Milliseconds stale_after = std::chrono::seconds(60);

  friend bool operator==(const ProviderLock&, const ProviderLock&) = default;
};

struct Provider {
  std::string name;
  std::string token_url;
  std::string client_id;
  BodyEncoding body = BodyEncoding::form;
  ScopeRule scope = ScopeRule::stored;
  std::string user_agent;
  CredentialFields fields;
  // OAuth error codes after which a login is dead (RFC 6749 section 5.2, and what servers use instead).
  std::vector<std::string> terminal_errors = {"invalid_grant"};
  std::vector<DeliveredFile> deliver;
  // Locks that other programs take before they refresh, in order, and the file in which the holder of the
  // first one records who it is (lock_owner.h); paths as in ProviderLock.
  std::vector<std::string> locks;
  std::string lock_owner;
  // Locks that other programs take while they change the credential document. They are held for the last read
  // and the rename, and never during the request to the token endpoint.
  std::vector<ProviderLock> save_locks;
  Api api;
  // Environment variables that the client in the container uses instead of the delivered files.
  std::vector<std::string> shadowed_by;
  // Environment variables for containers; "{target}" stands for the profile's target.
  std::vector<std::pair<std::string, std::string>> environment;

  friend bool operator==(const Provider&, const Provider&) = default;
};

// Failure (kind configuration): an unknown key, a wrong type, an invalid pointer, a delivered field that is
// or contains the refresh token, an invalid name for a delivered file, a request that is not "METHOD PATH".
Result<Provider> parse_provider(std::string_view text, std::string_view path, std::string_view name);

// Environment variables for a container, "NAME=value" each, with the profile's target filled in.
std::vector<std::string> environment_of(const Provider& provider, std::string_view target);

// Where providers are looked for: local ones first, then those installed at `prefix`.
std::vector<std::string> provider_directories(std::string_view prefix);

// Looks for NAME.json in each directory in order. Failure: names the searched directories.
Result<Provider> load_provider(std::string_view name, const std::vector<std::string>& directories);

}  // namespace oci_oauth
