// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

#include <memory>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

using CurlText = std::unique_ptr<char, decltype(&curl_free)>;

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  return CurlText(text, curl_free).get();
}

bool is_loopback(const std::string& host) {
  in_addr v4;
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  // libcurl itself resolves this name to loopback addresses.
  return host == "[::1]" || ::strcasecmp(host.c_str(), "localhost") == 0;
}

}  // namespace

Result<UrlParts> check_url(std::string_view text) {
  const auto refused = [](std::string why) { return Error{ErrorKind::configuration, std::move(why)}; };
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  const CURLUcode parsed = curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0);
  if (parsed != CURLUE_OK || text.find('\0') != std::string_view::npos) {
    return refused(fmt::format("'{}' is not an https URL", text));
  }
  // Not quoted, because it may contain a password.
  if (!url_part(url.get(), CURLUPART_USER).empty() || !url_part(url.get(), CURLUPART_PASSWORD).empty()) {
    return refused("contains a user name or password");
  }
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME),
                    host = url_part(url.get(), CURLUPART_HOST);
  if (scheme == "https" || (scheme == "http" && is_loopback(host)))
    return UrlParts{scheme, fmt::format("{}:{}", host, url_part(url.get(), CURLUPART_PORT))};
  return refused(fmt::format("'{}' is neither https nor http to a loopback address", text));
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

Secret percent_encode(std::string_view text) {
  if (text.empty()) return {};  // libcurl takes a length of 0 to mean "up to the NUL"
  const CurlText escaped(curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())), curl_free);
  return escaped ? Secret(std::string_view(escaped.get())) : Secret();
}

}  // namespace oci_oauth
