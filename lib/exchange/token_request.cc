// SPDX-License-Identifier: Apache-2.0
#include "exchange/token_request.h"

#include <utility>

#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

using Parameters = std::vector<std::pair<std::string_view, std::string_view>>;

Secret json_body(const Parameters& parameters) {
  JsonValue document = json_object();
  for (const auto& [name, value] : parameters) {
    json_set(document, name, value);
  }
  return write_json(document);
}

Secret form_body(const Parameters& parameters) {
  size_t size = 0;
  for (const auto& [name, value] : parameters) size += name.size() + 3 * value.size() + 2;
  std::string body;
  body.reserve(size);  // a growing string leaves copies behind
  for (const auto& [name, value] : parameters) {
    if (!body.empty()) body += '&';
    body.append(name).append("=").append(percent_encode(value).reveal());
  }
  return Secret(std::move(body));
}

bool is_basic(const TokenRequest& request) {
  return !request.client_secret.empty() && request.authentication == ClientAuthentication::basic;
}

// RFC 6749 section 6, and section 3.2.1 for the client_id of a public client.
Secret request_body(const TokenRequest& request, const Secret& refresh_token) {
  const std::string scope = fmt::format("{}", fmt::join(request.scopes, " "));
  Parameters parameters = {{"grant_type", "refresh_token"}, {"refresh_token", refresh_token.reveal()}};
  if (!is_basic(request)) {
    if (!request.client_id.empty()) parameters.emplace_back("client_id", request.client_id);
    if (!request.client_secret.empty())
      parameters.emplace_back("client_secret", request.client_secret.reveal());
  }
  if (!scope.empty()) parameters.emplace_back("scope", scope);
  for (const auto& [name, value] : request.parameters) parameters.emplace_back(name, value);
  return request.body == BodyEncoding::json ? json_body(parameters) : form_body(parameters);
}

}  // namespace

TokenRequest token_request(const Profile& profile, const Provider& provider, const Login& login,
                           const Secret& client_secret) {
  const auto either = [](const std::string& own, const std::string& other) {
    return own.empty() ? other : own;
  };
  TokenRequest request;
  request.url = either(profile.token_url, provider.token_url);
  request.client_id = either(profile.client_id, either(login.client_id, provider.client_id));
  request.client_secret = Secret((client_secret.empty() ? login.client_secret : client_secret).reveal());
  request.authentication = provider.authentication;
  request.parameters = provider.parameters;
  request.parameters.insert(request.parameters.end(), login.parameters.begin(), login.parameters.end());
  request.user_agent = either(profile.user_agent, provider.user_agent);
  request.ca_file = profile.ca_file;
  request.proxy = profile.proxy;
  request.body = provider.body;
  if (provider.scope == ScopeRule::stored) request.scopes = login.scopes;
  if (provider.scope != ScopeRule::none && request.scopes.empty()) request.scopes = provider.scopes;
  return request;
}

RequestResult post_token_request(const TokenRequest& request, const Secret& refresh_token,
                                 const RequestEvents& events) {
  if (auto checked = check_url(request.url); !checked) {
    return RequestFailure{RequestFailure::Sent::no, "token_url: " + checked.error().message};
  }
  HttpRequest http;
  http.url = request.url;
  http.content_type =
      request.body == BodyEncoding::json ? "application/json" : "application/x-www-form-urlencoded";
  http.body = request_body(request, refresh_token);
  if (is_basic(request)) {
    http.user = percent_encode(request.client_id);
    http.password = percent_encode(request.client_secret.reveal());
  }
  http.user_agent = request.user_agent;
  http.ca_file = request.ca_file;
  http.proxy = request.proxy;
  http.connect_timeout = request.connect_timeout;
  http.total_timeout = request.total_timeout;
  return send_request(http, events);
}

}  // namespace oci_oauth
