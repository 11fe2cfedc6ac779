// SPDX-License-Identifier: Apache-2.0
#include "http/http_request.h"

#include <curl/curl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

using Sent = RequestFailure::Sent;
using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

using Multi = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;

constexpr size_t longest_trusted = 16 * MiB;

// Of an answer that goes on: a server that has vanished is noticed after 50 s, tcp(7).
constexpr int keep_alive_idle_s = 30, keep_alive_interval_s = 10, keep_alive_probes = 2;

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

Headers make_headers(const HttpRequest& request) {
  Headers headers(nullptr, curl_slist_free_all);
  // Without an empty "Expect:", libcurl would send a large request twice to a server that answers 417.
  std::vector<std::string> lines = {"Accept: application/json", "Expect:"};
  if (request.method != "GET") lines.push_back("Content-Type: " + request.content_type);
  lines.insert(lines.end(), request.headers.begin(), request.headers.end());
  for (const std::string& line : lines) {
    curl_slist* const longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) return Headers(nullptr, curl_slist_free_all);
    (void)headers.release();
    headers.reset(longer);
  }
  return headers;
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

std::string reason_of(int number) {
  const char* const reason = strerrordesc_np(number);
  return reason != nullptr ? reason : "unknown error";
}

std::string in_seconds(Milliseconds duration) {
  return fmt::format("{} s", std::chrono::duration<double>(duration).count());
}

void keep_alive(int socket) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  const std::pair<int, int> options[] = {{TCP_KEEPIDLE, keep_alive_idle_s},
                                         {TCP_KEEPINTVL, keep_alive_interval_s},
                                         {TCP_KEEPCNT, keep_alive_probes}};
  for (const auto& [option, value] : options) ::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof value);
}

// One transfer: its settings, what arrives, and how far it got.
class Transfer {
 public:
  // `trusted`: certificates, PEM.
  Transfer(const HttpRequest& request, UrlParts endpoint, const std::string& trusted,
           const RequestEvents& events);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  RequestResult perform();
  RequestResult follow(SteadyTime until, const std::function<bool(const Arrival&)>& part);

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    if (code_ == CURLE_OK) code_ = curl_easy_setopt(easy_.get(), option, value);
  }
  void set_request();
  void set_connection();
  void set_trust(const std::string& trusted);
  void set_callbacks();
  void set_identity(const ClientIdentity& identity);
  bool pass_on(std::string_view bytes);
  void run_until(CURLM* multi, SteadyTime until);

  static int limit_socket(void* self, curl_socket_t socket, curlsocktype purpose);
  static int before_sending(void* self, char*, char*, int, int);
  static size_t receive(char* bytes, size_t, size_t count, void* self);
  static int wait(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  RequestFailure failure() const;
  std::string unsent_reason() const;
  std::string unanswered_reason() const;
  std::string header(const char* name) const;
  HttpReply reply();

  const HttpRequest& request_;
  const UrlParts endpoint_;
  const RequestEvents& events_;
  const Headers headers_;
  Sent sent_ = Sent::no;
  std::string received_;
  bool too_large_ = false;
  const std::function<bool(const Arrival&)>* part_ = nullptr;  // takes the body, if it goes on
  bool has_part_ = false, is_enough_ = false;
  char details_[CURL_ERROR_SIZE] = "";
  CURLcode code_ = CURLE_OK;
  Easy easy_;  // destroyed first, because it points to the others
};

Transfer::Transfer(const HttpRequest& request, UrlParts endpoint, const std::string& trusted,
                   const RequestEvents& events)
    : request_(request),
      endpoint_(std::move(endpoint)),
      events_(events),
      headers_(make_headers(request)),
      easy_(curl_easy_init(), curl_easy_cleanup) {
  if (easy_ == nullptr || headers_ == nullptr) code_ = CURLE_OUT_OF_MEMORY;
  set_request();
  set_connection();
  set_trust(trusted);
  set_callbacks();
  if (request.identity != nullptr) set_identity(*request.identity);
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

void Transfer::set_trust(const std::string& trusted) {
  if (trusted.empty()) return;  // plain http; libcurl 8.22 refuses an empty blob
  curl_blob certificates = {const_cast<char*>(trusted.data()), trusted.size(), CURL_BLOB_NOCOPY};
  set(CURLOPT_CAINFO_BLOB, &certificates);
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // only the file counts
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
}

void Transfer::set_identity(const ClientIdentity& identity) {
  const auto blob = [](std::string_view text) {
    return curl_blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
  };
  curl_blob certificate = blob(identity.certificate), key = blob(identity.key.reveal());
  set(CURLOPT_SSLCERT_BLOB, &certificate);
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
  set(CURLOPT_NOPROGRESS, 0L);
}

// libcurl ignores failures to make a socket non-blocking, and its own timeouts would then have no effect.
int Transfer::limit_socket(void* self, curl_socket_t socket, curlsocktype) {
  const auto& transfer = *static_cast<Transfer*>(self);
  const auto limit = transfer.request_.total_timeout;
  const timeval time = {std::chrono::duration_cast<std::chrono::seconds>(limit).count() + 1, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    ::setsockopt(socket, SOL_SOCKET, option, &time, sizeof time);
  if (transfer.part_ != nullptr) keep_alive(socket);
  return CURL_SOCKOPT_OK;
}

// Called when the connection is open and nothing of the request has been written: the last moment at which it
// is certain that nothing was sent. A second call means that libcurl is about to repeat the request.
int Transfer::before_sending(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.sent_ != Sent::no) return CURL_PREREQFUNC_ABORT;
  if (transfer.events_.may_send && !transfer.events_.may_send()) return CURL_PREREQFUNC_ABORT;
  transfer.sent_ = Sent::perhaps;
  return CURL_PREREQFUNC_OK;
}

bool Transfer::pass_on(std::string_view bytes) {
  has_part_ = true;
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  is_enough_ = !(*part_)({status, header("Date"), bytes});
  return !is_enough_;
}

size_t Transfer::receive(char* bytes, size_t, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.part_ != nullptr) return transfer.pass_on({bytes, count}) ? count : 0;
  transfer.too_large_ = count > transfer.request_.longest_answer - transfer.received_.size();
  if (transfer.too_large_) return 0;
  append_secret(transfer.received_, {bytes, count});
  if (transfer.events_.arriving) {
    long status = 0;
    curl_easy_getinfo(transfer.easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    transfer.events_.arriving({status, transfer.header("Date"), transfer.received_});
  }
  return count;
}

int Transfer::wait(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  if (const auto& waiting = static_cast<Transfer*>(self)->events_.waiting) waiting();
  return 0;
}

RequestResult Transfer::perform() {
  if (code_ == CURLE_OK) code_ = curl_easy_perform(easy_.get());
  if (code_ == CURLE_OK) return reply();
  wipe(received_);
  return failure();
}

// curl_easy_perform(3) would wake up each second.
void Transfer::run_until(CURLM* multi, SteadyTime until) {
  const SteadyTime first_part = std::chrono::steady_clock::now() + request_.total_timeout;
  for (int running = 1; running > 0;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK || running == 0) break;
    const auto left = std::chrono::ceil<Milliseconds>((has_part_ ? until : std::min(first_part, until)) -
                                                      std::chrono::steady_clock::now());
    if (left <= Milliseconds(0)) {
      is_enough_ = has_part_ || first_part > until;
      code_ = is_enough_ ? CURLE_OK : CURLE_OPERATION_TIMEDOUT;
      return;
    }
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(std::min(left, Milliseconds(1h)).count()), nullptr);
  }
  int queued = 0;
  const CURLMsg* const message = curl_multi_info_read(multi, &queued);
  code_ = message != nullptr ? message->data.result : CURLE_RECV_ERROR;
}

RequestResult Transfer::follow(SteadyTime until, const std::function<bool(const Arrival&)>& part) {
  part_ = &part;
  set(CURLOPT_TIMEOUT_MS, 0L);
  set(CURLOPT_NOPROGRESS, 1L);
  if (code_ == CURLE_OK) {
    const Multi multi(curl_multi_init(), curl_multi_cleanup);
    if (multi == nullptr || curl_multi_add_handle(multi.get(), easy_.get()) != CURLM_OK) {
      code_ = CURLE_OUT_OF_MEMORY;
    } else {
      run_until(multi.get(), until);
      curl_multi_remove_handle(multi.get(), easy_.get());
    }
  }
  return code_ == CURLE_OK || is_enough_ ? RequestResult(reply()) : RequestResult(failure());
}

// Empty if the answer has no such header.
std::string Transfer::header(const char* name) const {
  curl_header* found = nullptr;
  const auto code = curl_easy_header(easy_.get(), name, 0, CURLH_HEADER, -1, &found);
  return code == CURLHE_OK ? found->value : "";
}

HttpReply Transfer::reply() {
  HttpReply reply;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  reply.retry_after = header("Retry-After");
  reply.date = header("Date");
  reply.body = Secret(std::move(received_));
  return reply;
}

RequestFailure Transfer::failure() const {
  return {sent_, sent_ == Sent::no ? unsent_reason() : unanswered_reason()};
}

std::string Transfer::unsent_reason() const {
  const std::string connect = "connect to " + endpoint_.shown();
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
      return fmt::format("{}: {}", connect, lower_first(reason_of(static_cast<int>(number))));
    case CURLE_SSL_CACERT_BADFILE:
      return no_certificates(request_);
    case CURLE_PEER_FAILED_VERIFICATION:
      return fmt::format("certificate of {}: {}", endpoint_.shown(), certificate_problem(details));
    default:
      break;
  }
  return fmt::format("{}: {}", connect, lower_first(std::string(details)));
}

// Without libcurl's details, which may quote the answer.
std::string Transfer::unanswered_reason() const {
  if (too_large_) return fmt::format("the answer is larger than {} bytes", request_.longest_answer);
  if (const auto reason = refused_certificate(details_); !reason.empty())
    return fmt::format("{} refuses this client's certificate: {}", endpoint_.shown(), reason);
  switch (code_) {
    case CURLE_OPERATION_TIMEDOUT:
      return fmt::format("no answer within {}", in_seconds(request_.total_timeout));
    case CURLE_PARTIAL_FILE:
      return "the answer is incomplete";
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
      if (request_.identity != nullptr) {
        return fmt::format(
            "{} closed the connection, as a server does that refuses this client's certificate",
            endpoint_.shown());
      }
      return "the connection was closed without an answer";
    default:
      return fmt::format("no answer from {}: {}", endpoint_.shown(), lower_first(curl_easy_strerror(code_)));
  }
}

// The transfer of one request, once its target has been looked at.
RequestResult transfer(const HttpRequest& request, const RequestEvents& events,
                       const std::function<RequestResult(Transfer&)>& perform) {
  static const CURLcode initialised = initialise_libcurl();
  if (initialised != CURLE_OK) {
    return RequestFailure{Sent::no, fmt::format("libcurl: {}", curl_easy_strerror(initialised))};
  }
  auto endpoint = parse_url(request.url);
  if (!endpoint) return RequestFailure{Sent::no, std::move(endpoint).error().message};
  std::string trusted;
  if (endpoint->scheme == "https") {
    auto read = read_file({.path = trusted_file(request)}, longest_trusted);
    if (!read) return RequestFailure{Sent::no, fmt::format("ca_file: {}", read.error().message)};
    if (read->empty()) return RequestFailure{Sent::no, no_certificates(request)};
    trusted = std::move(*read);
  }
  Transfer prepared(request, std::move(*endpoint), trusted, events);
  return perform(prepared);
}

}  // namespace

RequestResult send_request(const HttpRequest& request, const RequestEvents& events) {
  return transfer(request, events, [](Transfer& it) { return it.perform(); });
}

RequestResult follow_answer(const HttpRequest& request, SteadyTime until,
                            const std::function<bool(const Arrival&)>& part) {
  return transfer(request, {}, [&](Transfer& it) { return it.follow(until, part); });
}

}  // namespace oci_oauth
