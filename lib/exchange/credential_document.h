// SPDX-License-Identifier: Apache-2.0
// The document that contains a login. Only what a refresh changes is edited; every other value, known or not,
// stays at its place in the text, byte for byte.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/provider.h"
#include "exchange/token_answer.h"
#include "token/records.h"
#include "worker/exchange_report.h"

namespace oci_oauth {

// At least one of the two tokens is present.
struct Login {
  Secret access_token;   // empty: a refresh obtains one
  Secret refresh_token;  // empty: the access token cannot be refreshed, and is used until it expires
  std::optional<Time> expires_at;  // nullopt: missing, or not a known time
  std::vector<std::string> scopes;
  std::string client_id;                               // empty: the provider's
  std::string issuer, resource;                        // empty: the provider's, or none
  std::optional<ClientAuthentication> authentication;  // nullopt: the provider's, or what the server takes
  Secret client_secret;                                // empty: the document has none
  Pairs parameters;                                    // of a request, and their values
  std::optional<Time> login_expires_at;
};

// The effective expiry of the access token: if the document has none, a token that can be refreshed has
// expired, and another one never expires.
Time expiry_of(const Login& login);

// Failure: why an access token cannot be used even if it is valid: an HTTP header cannot contain it (RFC 9110
// section 5.5).
Result<void> check_usable(const Secret& access_token);

class CredentialDocument {
 public:
  // Failure: "SHOWN:LINE:COLUMN: reason", "SHOWN: /claudeAiOauth/accessToken: reason"; kind login_required if
  // the document contains no token.
  static Result<CredentialDocument> parse(Secret text, const std::string& shown,
                                          const CredentialFields& fields, const FileStamp& stamp = {});

  // For a new login, which has no token yet: `old` with what it has besides or, if that is not an object, an
  // empty one, marked as made by us.
  static CredentialDocument begin(const Secret& old, const std::vector<std::string>& scopes,
                                  const std::string& client_id, const CredentialFields& fields);
  // Whether that is its origin.
  bool is_made_by_us() const;

  const Login& login() const { return login_; }
  const Secret& text() const { return text_; }
  // Of the file that has this text.
  const FileStamp& stamp() const { return stamp_; }
  void set_stamp(const FileStamp& stamp) { stamp_ = stamp; }
  // What the document does not say: the access token, if it has no place for one, and when that expires.
  void complete(const Secret& access_token, Time expires_at);
  // What `answer` grants, which arrived at `time`; what it leaves open is as in the document.
  Grant granted(const TokenAnswer& answer, const CredentialFields& fields, Time time) const;
  // The document with the grant in it. Scopes are written only if the grant lacks one of them, and the
  // login's expiry only as the provider specifies.
  Secret with(const Grant& grant, const CredentialFields& fields);
  // The client's registration (RFC 7591 section 3.2.1) counts instead of what the document says.
  void complete(const JsonValue& client);
  // The files for containers: the one with the access token, and what `files` list and nothing else. A part
  // in which a refresh token or a client's secret is hidden, by its key or by its value, is left out.
  std::vector<SharedFile> delivered(const std::vector<DeliveredFile>& files,
                                    const Secret& client_secret) const;

 private:
  CredentialDocument(Secret text, JsonDocument document, Login login, const FileStamp& stamp = {})
      : text_(std::move(text)), document_(std::move(document)), login_(std::move(login)), stamp_(stamp) {}
  JsonValue time_at(const std::string& pointer, Time time, TimeUnit unit) const;
  void set(const std::string& pointer, JsonValue value);
  void set_scopes(const std::vector<std::string>& scopes, const std::string& pointer);
  void set_login_end(Time end, const CredentialFields& fields);

  Secret text_;
  JsonDocument document_;  // the parsed text_
  Login login_;
  FileStamp stamp_;
};

}  // namespace oci_oauth
