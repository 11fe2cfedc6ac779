// SPDX-License-Identifier: Apache-2.0
// The file that holds a login, in its owner's own format: read by JSON Pointers, changed in three places, and
// otherwise kept, byte for byte.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"
#include "token/provider.h"

namespace oci_oauth {

struct Login {
  Secret access_token, refresh_token;
  Time expires_at;
  std::vector<std::string> scopes;
  std::optional<Time> login_expires_at;
};

// What a successful answer changes (RFC 6749 section 5.1).
struct Grant {
  Secret access_token;
  Secret refresh_token;  // empty: the old one stays
  Time expires_at;
};

class CredentialDocument {
 public:
  // Failure: "SHOWN:LINE:COLUMN: reason", "SHOWN: /claudeAiOauth/expiresAt: reason"; kind login_required
  // where the document holds no refresh token.
  static Result<CredentialDocument> parse(Secret text, const std::string& shown,
                                          const CredentialFields& fields);

  const Login& login() const { return login_; }
  // The document with the grant in it.
  Secret with(const Grant& grant, const CredentialFields& fields);
  // A file for containers: the listed fields at the same places, nothing else, and none in which a refresh
  // token is hidden.
  Secret delivered(const DeliveredFile& file) const;

 private:
  CredentialDocument(Secret text, JsonDocument document, Login login)
      : text_(std::move(text)), document_(std::move(document)), login_(std::move(login)) {}
  Secret text_;
  JsonDocument document_;  // what text_ says
  Login login_;
};

}  // namespace oci_oauth
