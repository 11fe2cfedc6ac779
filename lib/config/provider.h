// SPDX-License-Identifier: Apache-2.0
// A provider is data: how one kind of login is refreshed, where its document keeps each field, what
// containers get.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

enum class BodyEncoding { json, form };  // form is RFC 6749 section 6; some servers want JSON
enum class ScopeRule { stored, none };   // send the scopes of the document, or leave the parameter out
enum class ExpiryUnit { milliseconds, seconds };  // since the epoch

// What an answer's refresh_token_expires_in does to the end of the login that the document tells.
enum class LoginEndRule { set, lowered };

// JSON Pointers (RFC 6901) into the credential document; an empty one: the document has no such field.
struct CredentialFields {
  std::string access_token, refresh_token, expires_at, scopes, login_expires_at, client_id;
  LoginEndRule login_end = LoginEndRule::set;
  ExpiryUnit unit = ExpiryUnit::milliseconds;
};

// The delivered file that holds the access token alone.
constexpr std::string_view token_file = "token";

// A file of the provider's own format, holding `fields` of the credential document at the same places.
struct DeliveredFile {
  std::string name;
  std::vector<std::string> fields;
  // Where others write the document too: the one member of its root that is ours, a JSON Pointer. Empty: the
  // whole file is.
  std::string member = {};
};

// The API that the access token is for, and what an agent asks of it: what a proxy lets pass.
struct Api {
  std::string url;                    // https, without a path
  std::vector<std::string> requests;  // "METHOD PATH", where a segment "*" of the path is any one segment
};

// A directory that other programs take as a lock, and how long after its last touch they take it for
// abandoned. In the path "{directory}" is the real path of the directory that holds the credential document.
struct ProviderLock {
  std::string path;
  Milliseconds stale_after = std::chrono::seconds(60);
};

struct Provider {
  std::string name;
  std::string token_url;
  std::string client_id;
  BodyEncoding body = BodyEncoding::form;
  ScopeRule scope = ScopeRule::stored;
  std::string user_agent;
  CredentialFields fields;
  // Codes of an error answer that end a login (RFC 6749 section 5.2, and what servers made of it).
  std::vector<std::string> terminal_errors = {"invalid_grant"};
  std::vector<DeliveredFile> deliver;
  // Locks that other programs take before they refresh, in order, and where the holder of the first one
  // writes down who it is (lock_owner.h); paths as ProviderLock's.
  std::vector<std::string> locks;
  std::string lock_owner;
  // Locks that other programs take around each change of the credential document: held for the last read and
  // the rename, never while the token endpoint is asked.
  std::vector<ProviderLock> save_locks;
  Api api;
  // Variables of a container's environment that its client obeys before it looks at the delivered files.
  std::vector<std::string> shadowed_by;
  // What a container wants in its environment; "{target}" is the profile's target.
  std::vector<std::pair<std::string, std::string>> environment;
};

// Failure (kind configuration): unknown key, wrong type, a pointer that is none, a delivered field that is or
// contains the refresh token, a delivered name that is no plain file name, a request that is not
// "METHOD PATH".
Result<Provider> parse_provider(std::string_view text, std::string_view path, std::string_view name);

// What a container wants in its environment, "NAME=value" each, with the profile's target filled in.
std::vector<std::string> environment_of(const Provider& provider, std::string_view target);

// Where providers are looked for: a person's own first, then those installed at `prefix`.
std::vector<std::string> provider_directories(std::string_view prefix);

// Looks for NAME.json in each directory in order. Failure: names the directories that were searched.
Result<Provider> load_provider(std::string_view name, const std::vector<std::string>& directories);

}  // namespace oci_oauth
