// SPDX-License-Identifier: Apache-2.0
#include "exchange/server_metadata.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr const char* issuer_hint = "compare \"issuer\" with the server's documentation";

Error bad(const std::string& url, std::string_view reason) {
  return {ErrorKind::failed, fmt::format("{}: {}", url, reason), issuer_hint};
}

// Whether the array lists the word; also if there is no array.
bool may_have(const JsonValue& json, std::string_view key, std::string_view word) {
  const JsonValue* const list = json_member(json, key);
  if (list == nullptr || !list->IsArray()) return true;
  return std::ranges::any_of(list->GetArray(),
                             [&](const auto& one) { return one.IsString() && json_text(one) == word; });
}

std::string_view without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

struct SplitUrl {
  std::string_view origin, path;  // the path without a slash at its end
};

SplitUrl split(std::string_view url) {
  url = without_slash(url);
  const size_t host = url.find("://");
  const size_t path = host == url.npos ? url.npos : url.find('/', host + 3);
  const std::string_view origin = url.substr(0, path);
  return {origin, url.substr(origin.size())};
}

// An origin is often written with a slash, as browsers do.
bool is_same_issuer(std::string_view a, std::string_view b) {
  const bool are_origins = split(a).path.empty() && split(b).path.empty();
  return a == b || (are_origins && split(a).origin == split(b).origin);
}

struct Found {
  std::string url;
  Secret text;
};

// Failure: temporary if the server does not answer; another kind, with its first answer, if none of the
// addresses has anything.
Result<Found> get_first(const TokenRequest& client, const std::vector<std::string>& urls) {
  HttpRequest request = metadata_request(client);
  std::optional<Error> first;
  for (const std::string& url : urls) {
    request.url = url;
    RequestResult result = send_request(request);
    if (const auto* failure = std::get_if<RequestFailure>(&result))
      return Error{ErrorKind::temporary, fmt::format("{}: {}", url, failure->message)};
    auto& reply = std::get<HttpReply>(result);
    if (reply.status == 200) return Found{url, std::move(reply.body)};
    if (first) continue;
    first = bad(url, fmt::format("answered {}", reply.status));
    if (reply.status >= 500 || reply.status == 429) first->kind = ErrorKind::temporary;
  }
  return std::move(*first);
}

Result<std::string> find_issuer(const TokenRequest& client) {
  TRY(check_url(client.resource));
  const auto found = get_first(client, resource_metadata_urls(client.resource));
  if (found) return parse_resource_metadata(found->text.reveal(), found->url, client.resource);
  if (found.error().kind == ErrorKind::temporary) return found.error();
  return std::string(split(client.resource).origin);
}

}  // namespace

ClientAuthentication ServerMetadata::accepted(ClientAuthentication wanted) const {
  if (takes_post == takes_basic) return wanted;
  return takes_post ? ClientAuthentication::post : ClientAuthentication::basic;
}

std::vector<std::string> resource_metadata_urls(std::string_view resource) {
  const auto [origin, path] = split(resource);
  const std::string at_root = fmt::format("{}/.well-known/oauth-protected-resource", origin);
  return path.empty() ? std::vector{at_root} : std::vector{fmt::format("{}{}", at_root, path), at_root};
}

Result<std::string> parse_resource_metadata(std::string_view text, const std::string& url,
                                            std::string_view resource) {
  const auto json = TRY(parse_json(text, url));
  if (!json.IsObject()) return bad(url, "is not an object");
  const std::string named(without_slash(json_string(json, "resource").value_or("")));
  const bool is_it = split(named).origin == split(resource).origin && resource.starts_with(named) &&
                     (resource.size() == named.size() || resource[named.size()] == '/');
  if (!is_it) return bad(url, fmt::format("does not say that it is about '{}'", resource));
  const JsonValue* const server = json_at(json, "/authorization_servers/0");
  if (server == nullptr || !server->IsString()) return bad(url, "names no authorization server");
  return std::string(json_text(*server));
}

std::vector<std::string> metadata_urls(std::string_view issuer) {
  const auto [origin, path] = split(issuer);
  return {fmt::format("{}/.well-known/oauth-authorization-server{}", origin, path),
          fmt::format("{}{}/.well-known/openid-configuration", origin, path)};
}

Result<ServerMetadata> parse_metadata(std::string_view text, const std::string& url,
                                      std::string_view issuer) {
  const auto json = TRY(parse_json(text, url));
  if (!json.IsObject()) return bad(url, "is not an object");
  ServerMetadata metadata;
  metadata.issuer = json_string(json, "issuer").value_or("");
  if (!is_same_issuer(metadata.issuer, issuer))
    return bad(url, fmt::format("does not say that the issuer is '{}'", issuer));
  const std::pair<const char*, std::string*> endpoints[] = {
      {"token_endpoint", &metadata.token_url},
      {"authorization_endpoint", &metadata.authorization_url},
      {"device_authorization_endpoint", &metadata.device_authorization_url},
      {"revocation_endpoint", &metadata.revocation_url}};
  for (const auto& [key, endpoint] : endpoints) {
    *endpoint = json_string(json, key).value_or("");
    if (endpoint->empty()) continue;
    if (const auto usable = check_url(*endpoint); !usable)
      return bad(url, fmt::format("/{}: {}", key, usable.error().message));
  }
  const JsonValue* const names_itself = json_member(json, "authorization_response_iss_parameter_supported");
  metadata.names_itself = names_itself != nullptr && names_itself->IsTrue();
  const char* const methods = "token_endpoint_auth_methods_supported";
  metadata.takes_post = may_have(json, methods, word(ClientAuthentication::post));
  metadata.takes_basic = may_have(json, methods, word(ClientAuthentication::basic));
  metadata.supports_s256 = may_have(json, "code_challenge_methods_supported", "S256");
  return metadata;
}

HttpRequest metadata_request(const TokenRequest& client) {
  HttpRequest request(client);
  request.method = "GET";
  request.total_timeout = std::min<Milliseconds>(request.total_timeout, longest_look);
  return request;
}

Result<ServerMetadata> discover(const TokenRequest& client) {
  const std::string issuer = client.issuer.empty() ? TRY(find_issuer(client)) : client.issuer;
  if (auto usable = check_url(issuer); !usable) return std::move(usable).error().in("issuer");
  const auto found = TRY(get_first(client, metadata_urls(issuer)));
  return parse_metadata(found.text.reveal(), found.url, issuer);
}

}  // namespace oci_oauth
