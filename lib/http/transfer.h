// SPDX-License-Identifier: Apache-2.0
// A transfer of libcurl's: what every request has, how far it got, and why it failed. Private to this layer.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/http_request.h"
#include "http/url.h"

namespace oci_oauth {

class Transfer {
 public:
  // Takes what has arrived of the body; false ends the transfer.
  using Take = std::function<bool(std::string_view bytes)>;

  // The request and the events outlive it. A request that cannot be sent has failed from the start.
  Transfer(const HttpRequest& request, const RequestEvents& events, Take take);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void set(CURLoption option, auto value) {
    if (code_ == CURLE_OK) code_ = curl_easy_setopt(easy_.get(), option, value);
  }

  CURL* handle() const { return easy_.get(); }
  bool has_failed() const { return code_ != CURLE_OK; }
  // Notes how the transfer ended, unless it had failed before.
  void end(CURLcode code) {
    if (!has_failed()) code_ = code;
  }

  long status() const;                         // 0: no answer has begun
  std::string header(const char* name) const;  // empty if the answer has no such header
  HttpReply reply(Secret body) const;
  RequestFailure failure() const;

 private:
  using Sent = RequestFailure::Sent;
  using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

  Result<void> prepare();
  static Headers make_headers(const HttpRequest& request);
  void set_request();
  void set_connection();
  void set_certificates();
  void set_callbacks();

  static int limit_socket(void* self, curl_socket_t socket, curlsocktype purpose);
  static int before_sending(void* self, char*, char*, int, int);
  static size_t receive(char* bytes, size_t, size_t count, void* self);
  static int wait(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  std::string unsent_reason() const;
  std::string unanswered_reason() const;

  const HttpRequest& request_;
  const RequestEvents& events_;
  const Take take_;
  Headers headers_;
  UrlParts endpoint_;
  std::string trusted_;   // certificates, PEM; empty for plain http
  std::string unusable_;  // why the request cannot be sent; empty: it can
  CURLcode code_ = CURLE_OK;
  Sent sent_ = Sent::no;
  char details_[CURL_ERROR_SIZE] = "";
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;  // destroyed first: it points to the others
};

}  // namespace oci_oauth
