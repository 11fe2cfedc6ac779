// SPDX-License-Identifier: Apache-2.0
#include "login/authorization.h"

#include <algorithm>
#include <charconv>

#include "base/fmt.h"
#include "base/printable.h"
#include "base/text.h"
#include "login/pkce.h"

namespace oci_oauth {

namespace {

// nullopt: "%" without two digits.
std::optional<std::string> form_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const char* const digits = text.data() + i + 1;
    unsigned char byte = 0;
    if (text.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
      return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

}  // namespace

std::string authorization_address(const std::string& url, const TokenRequest& client,
                                  const Authorization& authorization) {
  const std::string scope = fmt::format("{}", fmt::join(client.scopes, " "));
  const std::string challenge = code_challenge(authorization.verifier.reveal());
  Parameters parameters = {{"response_type", "code"},
                           {"client_id", client.client_id},
                           {"redirect_uri", authorization.redirect_uri},
                           {"state", authorization.state.reveal()},
                           {"code_challenge", challenge},
                           {"code_challenge_method", "S256"}};
  if (!scope.empty()) parameters.emplace_back("scope", scope);
  for (const auto& [name, value] : client.parameters) parameters.emplace_back(name, value);
  const char* const joint = url.find('?') == url.npos ? "?" : "&";
  return url + joint + std::string(form_body(parameters).reveal());
}

std::optional<Redirect> parse_redirect(std::string_view query) {
  Redirect redirect;
  std::string code;
  const std::pair<std::string_view, std::string*> known[] = {{"code", &code},
                                                             {"state", &redirect.state},
                                                             {"iss", &redirect.issuer},
                                                             {"error", &redirect.error},
                                                             {"error_description", &redirect.description}};
  while (!query.empty()) {
    std::string_view value = next_part(query, '&');
    const auto name = form_decoded(next_part(value, '='));
    auto text = form_decoded(value);
    if (!name || !text) return std::nullopt;
    for (const auto& [key, member] : known) {
      if (key != *name) continue;
      if (!member->empty()) return std::nullopt;
      *member = std::move(*text);
    }
  }
  redirect.code = Secret(std::move(code));
  return redirect;
}

std::optional<std::string> pasted_query(std::string_view address, std::string_view redirect_uri) {
  while (!address.empty() && address.front() == ' ') address.remove_prefix(1);
  while (!address.empty() && (address.back() == ' ' || address.back() == '\r')) address.remove_suffix(1);
  if (!address.starts_with(redirect_uri)) return std::nullopt;
  address.remove_prefix(redirect_uri.size());
  if (!address.starts_with('?')) return std::nullopt;
  address.remove_prefix(1);
  return std::string(address.substr(0, address.find('#')));
}

bool is_answer(const Redirect& redirect, const Authorization& authorization) {
  return is_same_word(redirect.state, authorization.state.reveal()) &&
         redirect.code.empty() != redirect.error.empty();
}

Result<void> check_answer(const Redirect& redirect, const ServerMetadata& server) {
  const bool is_missing = redirect.issuer.empty() && server.names_itself;
  const bool is_other =
      !redirect.issuer.empty() && !server.issuer.empty() && redirect.issuer != server.issuer;
  if (is_missing || is_other) {
    return Error{ErrorKind::failed, fmt::format("the answer is not from '{}': its iss is '{}'", server.issuer,
                                                printable(redirect.issuer, longest_words))};
  }
  if (redirect.error.empty()) return {};
  return Error{ErrorKind::action_required,
               "the server refused: " + server_words(redirect.error, redirect.description)};
}

std::string server_words(std::string_view error, std::string_view description) {
  std::string words = printable(error, longest_words);
  if (!description.empty()) words += ": " + printable(description, longest_words);
  return words;
}

}  // namespace oci_oauth
