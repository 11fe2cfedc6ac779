// SPDX-License-Identifier: Apache-2.0
#include "http/transfer.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

constexpr size_t longest_trusted = 16 * MiB;

// libcurl's copies of what we send and receive are wiped as well.
void wiping_free(void* memory) {
  if (memory != nullptr) explicit_bzero(memory, malloc_usable_size(memory));
  ::free(memory);
}

void* wiping_realloc(void* old, size_t size) {
  void* const grown = ::malloc(size);
  if (grown == nullptr) return nullptr;
  if (old != nullptr) memcpy(grown, old, std::min(size, malloc_usable_size(old)));
  wiping_free(old);
  return grown;
}

CURLcode initialise_libcurl() {
  // libcurl would write the keys of every connection to the file that this names.
  ::unsetenv("SSLKEYLOGFILE");
  return curl_global_init_mem(CURL_GLOBAL_DEFAULT, ::malloc, wiping_free, wiping_realloc, ::strdup, ::calloc);
}

std::string trusted_file(const HttpRequest& request) {
  if (!request.ca_file.empty()) return request.ca_file;
  const char* const system_file = curl_version_info(CURLVERSION_NOW)->cainfo;
  return system_file != nullptr ? system_file : "/etc/ssl/certs/ca-certificates.crt";
}

std::string no_certificates(const HttpRequest& request) {
  return fmt::format("ca_file: {}: contains no certificates", trusted_file(request));
}

curl_blob blob_of(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

std::string lower_first(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' &&
      !(text.size() > 1 && text[1] >= 'A' && text[1] <= 'Z')) {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

// Without libcurl's words around OpenSSL's: "SSL certificate problem: REASON", in 8.22 "SSL certificate
// OpenSSL verify result: REASON (NUMBER)".
std::string_view certificate_problem(std::string_view details) {
  for (const std::string_view prefix :
       {"SSL certificate problem: ", "SSL certificate OpenSSL verify result: "}) {
    if (details.starts_with(prefix))
      return details.substr(prefix.size(), details.rfind(" (") - prefix.size());
  }
  return details;
}

// Of a server that refuses a client's certificate, which TLS 1.3 (RFC 8446 section 6) lets it do after the
// request was written: "alert certificate expired", in OpenSSL's words; empty: it is something else.
std::string_view refused_certificate(std::string_view details) {
  const size_t alert = details.find("alert ");
  if (alert == std::string_view::npos) return {};
  const auto reason = details.substr(alert, details.find(',', alert) - alert);
  const bool is_about_it =
      reason.find("certificate") != std::string_view::npos || reason.ends_with("unknown ca");
  return is_about_it ? reason.substr(std::string_view("alert ").size()) : std::string_view();
}

std::string in_seconds(Milliseconds duration) {
  return fmt::format("{} s", std::chrono::duration<double>(duration).count());
}

}  // namespace

Transfer::Transfer(const HttpRequest& request, const RequestEvents& events, Take take)
    : request_(request),
      events_(events),
      take_(std::move(take)),
      headers_(nullptr, curl_slist_free_all),
      easy_(nullptr, curl_easy_cleanup) {
  if (auto prepared = prepare(); !prepared) {
    unusable_ = std::move(prepared).error().message;
    code_ = CURLE_FAILED_INIT;
    return;
  }
  headers_ = make_headers(request);
  easy_.reset(curl_easy_init());
  if (easy_ == nullptr || headers_ == nullptr) code_ = CURLE_OUT_OF_MEMORY;
  set_request();
  set_connection();
  set_certificates();
  set_callbacks();
}

Result<void> Transfer::prepare() {
  static const CURLcode initialised = initialise_libcurl();
  if (initialised != CURLE_OK)
    return Error{ErrorKind::failed, fmt::format("libcurl: {}", curl_easy_strerror(initialised))};
  endpoint_ = TRY(check_url(request_.url));
  if (endpoint_.scheme != "https") return {};
  auto read = read_file({.path = trusted_file(request_)}, longest_trusted);
  if (!read) return std::move(read).error().in("ca_file");
  if (read->empty()) return Error{ErrorKind::failed, no_certificates(request_)};
  trusted_ = std::move(*read);
  return {};
}

Transfer::Headers Transfer::make_headers(const HttpRequest& request) {
  Headers headers(nullptr, curl_slist_free_all);
  // Without an empty "Expect:", libcurl would send a large request twice to a server that answers 417.
  std::vector<std::string> lines = {"Accept: application/json", "Expect:"};
  if (request.method != "GET") lines.push_back("Content-Type: " + request.content_type);
  lines.insert(lines.end(), request.headers.begin(), request.headers.end());
  for (const std::string& line : lines) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
    if (headers == nullptr) break;  // out of memory
  }
  return headers;
}

void Transfer::set_request() {
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, endpoint_.scheme.c_str());
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request_.method != "GET") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.reveal().size()));
    set(CURLOPT_POSTFIELDS, request_.body.reveal().data());
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
  if (!request_.user_agent.empty()) set(CURLOPT_USERAGENT, request_.user_agent.c_str());
  if (!request_.bearer.empty()) {
    set(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    set(CURLOPT_XOAUTH2_BEARER, request_.bearer.reveal().data());  // ends in NUL, like every std::string
  }
  if (!request_.password.empty()) {
    set(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    set(CURLOPT_USERNAME, request_.user.reveal().data());
    set(CURLOPT_PASSWORD, request_.password.reveal().data());
  }
}

void Transfer::set_connection() {
  // libcurl repeats a request that was lost on a reused connection, but never on a fresh one.
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.total_timeout.count()));
#if LIBCURL_VERSION_NUM >= 0x075700
  set(CURLOPT_QUICK_EXIT, 1L);  // a hanging resolver must not exceed the timeouts
#endif
  // Both are set even if empty, because otherwise the environment decides. Plain http does not use a proxy.
  set(CURLOPT_PROXY, endpoint_.scheme == "https" ? request_.proxy.c_str() : "");
  set(CURLOPT_NOPROXY, "");
}

void Transfer::set_certificates() {
  if (trusted_.empty()) return;  // plain http; libcurl 8.22 refuses an empty blob
  curl_blob certificates = blob_of(trusted_);
  set(CURLOPT_CAINFO_BLOB, &certificates);
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // only the file counts
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (request_.identity == nullptr) return;
  curl_blob own = blob_of(request_.identity->certificate), key = blob_of(request_.identity->key.reveal());
  set(CURLOPT_SSLCERT_BLOB, &own);
  set(CURLOPT_SSLKEY_BLOB, &key);
}

void Transfer::set_callbacks() {
  set(CURLOPT_ERRORBUFFER, details_);
  set(CURLOPT_SOCKOPTFUNCTION, &Transfer::limit_socket);
  set(CURLOPT_SOCKOPTDATA, this);
  set(CURLOPT_PREREQFUNCTION, &Transfer::before_sending);
  set(CURLOPT_PREREQDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::receive);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::wait);
  set(CURLOPT_XFERINFODATA, this);
  set(CURLOPT_NOPROGRESS, events_.waiting ? 0L : 1L);
}

// libcurl ignores failures to make a socket non-blocking, and its own timeouts would then have no effect.
int Transfer::limit_socket(void* self, curl_socket_t socket, curlsocktype) {
  const auto limit = static_cast<Transfer*>(self)->request_.total_timeout;
  const timeval time = {std::chrono::duration_cast<std::chrono::seconds>(limit).count() + 1, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    ::setsockopt(socket, SOL_SOCKET, option, &time, sizeof time);
  return CURL_SOCKOPT_OK;
}

// Called when the connection is open and nothing of the request has been written: the last moment at which it
// is certain that nothing was sent. A second call means that libcurl is about to repeat the request.
int Transfer::before_sending(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  const auto& may_send = transfer.events_.may_send;
  if (transfer.sent_ != Sent::no || (may_send && !may_send())) return CURL_PREREQFUNC_ABORT;
  transfer.sent_ = Sent::perhaps;
  return CURL_PREREQFUNC_OK;
}

size_t Transfer::receive(char* bytes, size_t, size_t count, void* self) {
  return static_cast<Transfer*>(self)->take_({bytes, count}) ? count : 0;
}

int Transfer::wait(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  static_cast<Transfer*>(self)->events_.waiting();
  return 0;
}

long Transfer::status() const {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::string Transfer::header(const char* name) const {
  curl_header* found = nullptr;
  const auto code = curl_easy_header(easy_.get(), name, 0, CURLH_HEADER, -1, &found);
  return code == CURLHE_OK ? found->value : "";
}

HttpReply Transfer::reply(Secret body) const {
  return {status(), header("Retry-After"), header("Date"), std::move(body)};
}

RequestFailure Transfer::failure() const {
  if (!unusable_.empty()) return {Sent::no, unusable_};
  return {sent_, sent_ == Sent::no ? unsent_reason() : unanswered_reason()};
}

std::string Transfer::unsent_reason() const {
  const std::string connect = "connect to " + endpoint_.server;
  long number = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &number);
  std::string_view details = details_[0] != '\0' ? details_ : curl_easy_strerror(code_);
  switch (code_) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return fmt::format("{}: the host name cannot be resolved", connect);
    case CURLE_COULDNT_RESOLVE_PROXY:
      return fmt::format("{}: the proxy's host name cannot be resolved", connect);
    case CURLE_OPERATION_TIMEDOUT:
      return fmt::format("{}: no connection within {}", connect,
                         in_seconds(std::min(request_.connect_timeout, request_.total_timeout)));
    case CURLE_COULDNT_CONNECT:
      if (number == 0) break;
      return fmt::format("{}: {}", connect,
                         lower_first(std::generic_category().message(static_cast<int>(number))));
    case CURLE_SSL_CACERT_BADFILE:
      return no_certificates(request_);
    case CURLE_PEER_FAILED_VERIFICATION:
      return fmt::format("certificate of {}: {}", endpoint_.server, certificate_problem(details));
    default:
      break;
  }
  return fmt::format("{}: {}", connect, lower_first(std::string(details)));
}

// Without libcurl's details, which may quote the answer.
std::string Transfer::unanswered_reason() const {
  if (const auto reason = refused_certificate(details_); !reason.empty())
    return fmt::format("{} refuses this client's certificate: {}", endpoint_.server, reason);
  switch (code_) {
    case CURLE_WRITE_ERROR:
      return fmt::format("the answer is larger than {} bytes", request_.longest_answer);
    case CURLE_OPERATION_TIMEDOUT:
      return fmt::format("no answer within {}", in_seconds(request_.total_timeout));
    case CURLE_PARTIAL_FILE:
      return "the answer is incomplete";
    case CURLE_RECV_ERROR:  // libcurl 8.14, if the TLS connection was not closed as RFC 8446 section 6.1 asks
      if (status() != 0) return "the answer is incomplete";
      break;
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
      if (request_.identity == nullptr) return "the connection was closed without an answer";
      return endpoint_.server +
             " closed the connection, as a server does that refuses this client's certificate";
    default:
      break;
  }
  return fmt::format("no answer from {}: {}", endpoint_.server, lower_first(curl_easy_strerror(code_)));
}

}  // namespace oci_oauth
