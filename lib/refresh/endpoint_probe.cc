// SPDX-License-Identifier: Apache-2.0
#include "refresh/endpoint_probe.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <memory>

#include "refresh/http_request.h"

namespace oci_oauth {

namespace {

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

void set_up(CURL* easy, const EndpointProbe& probe, const char* details) {
  const char* const system_file = curl_version_info(CURLVERSION_NOW)->cainfo;
  curl_easy_setopt(easy, CURLOPT_URL, probe.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(probe.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, details);
  if (!probe.user_agent.empty()) curl_easy_setopt(easy, CURLOPT_USERAGENT, probe.user_agent.c_str());
  // Both are set, even if empty: else the environment decides. Plain http goes through no proxy.
  curl_easy_setopt(easy, CURLOPT_PROXY, probe.url.starts_with("https:") ? probe.proxy.c_str() : "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_CAINFO, probe.ca_file.empty() ? system_file : probe.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
}

Error failure(CURLcode code, const EndpointProbe& probe, std::string_view details) {
  const auto error = [&](std::string_view what, std::string hint) {
    return Error{ErrorKind::temporary, fmt::format("{}: {}", probe.url, what), std::move(hint)};
  };
  if (details.empty()) details = curl_easy_strerror(code);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return error("the host name cannot be resolved",
                   "check this host's DNS, or set \"proxy\" in the profile");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return error("the proxy's host name cannot be resolved", "correct \"proxy\" in the profile");
    case CURLE_PEER_FAILED_VERIFICATION:
      return error(details,
                   "set \"ca_file\" in the profile to the authority's certificate, or check the clock");
    case CURLE_SSL_CACERT_BADFILE:
      return error(
          fmt::format("ca_file '{}': cannot be read as certificates", probe.ca_file),
          probe.ca_file.empty() ? "apt-get install ca-certificates" : "correct \"ca_file\" in the profile");
    default:
      return error(details, "check the way to it: firewall, \"proxy\" and \"token_url\" in the profile");
  }
}

std::optional<Time> server_time(CURL* easy) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return std::nullopt;
  const time_t date = curl_getdate(header->value, nullptr);
  if (date == -1) return std::nullopt;
  return Time(std::chrono::seconds(date));
}

}  // namespace

Result<EndpointAnswer> probe_endpoint(const EndpointProbe& probe) {
  if (auto checked = check_url(probe.url); !checked) return std::move(checked).error();
  ::unsetenv("SSLKEYLOGFILE");
  const Easy easy(curl_easy_init(), curl_easy_cleanup);
  if (easy == nullptr) return Error{ErrorKind::failed, "libcurl: cannot be initialised", ""};
  char details[CURL_ERROR_SIZE] = "";
  set_up(easy.get(), probe, details);
  const CURLcode code = curl_easy_perform(easy.get());
  EndpointAnswer answer;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  if (answer.status == 0) return failure(code, probe, details);
  answer.date = server_time(easy.get());
  return answer;
}

}  // namespace oci_oauth
