// SPDX-License-Identifier: Apache-2.0
// The document that holds a login. Only what a refresh changes is touched; every other value, known or not,
// stays where it was in the text, byte for byte.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/provider.h"

namespace oci_oauth {

// One of the two tokens is there.
struct Login {
  Secret access_token;   // empty: a refresh brings one
  Secret refresh_token;  // empty: the access token cannot be refreshed, and is used until it expires
  std::optional<Time> expires_at;  // nullopt: missing, or nothing that is known as a time
  std::vector<std::string> scopes;
  std::string client_id;  // empty: the provider's
  std::optional<Time> login_expires_at;
};

// What a successful answer changes (RFC 6749 section 5.1).
struct Grant {
  Secret access_token;
  Secret refresh_token;  // empty: the old one stays
  Time expires_at;
  std::vector<std::string> scopes;       // empty: as they were
  std::optional<Time> login_expires_at;  // nullopt: as it was
};

// What counts as the access token's expiry: where the document does not say, one that can be refreshed has
// expired, and another never does.
Time expiry_of(const Login& login);

// Failure: why an access token is of no use, however valid: no HTTP header can carry it (RFC 9110 section
// 5.5).
Result<void> check_usable(const Secret& access_token);

class CredentialDocument {
 public:
  // Failure: "SHOWN:LINE:COLUMN: reason", "SHOWN: /claudeAiOauth/accessToken: reason"; kind login_required
  // where the document holds no token.
  static Result<CredentialDocument> parse(Secret text, const std::string& shown,
                                          const CredentialFields& fields);

  const Login& login() const { return login_; }
  // The document with the grant in it. Scopes are written only where the grant lacks one of them, and the end
  // of the login only as the provider says.
  Secret with(const Grant& grant, const CredentialFields& fields);
  // A file for containers: the listed fields at the same places, nothing else, and none in which a refresh
  // token is hidden.
  Secret delivered(const DeliveredFile& file) const;

 private:
  CredentialDocument(Secret text, JsonDocument document, Login login)
      : text_(std::move(text)), document_(std::move(document)), login_(std::move(login)) {}
  void set(const std::string& pointer, JsonValue value);
  void set_scopes(const std::vector<std::string>& scopes, const std::string& pointer);
  void set_login_end(Time end, const CredentialFields& fields);

  Secret text_;
  JsonDocument document_;  // what text_ says
  Login login_;
};

}  // namespace oci_oauth
