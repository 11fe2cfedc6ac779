// SPDX-License-Identifier: Apache-2.0
// A transfer of libcurl's: what every request has, how far it got, and why it failed. What arrives is for the
// classes that are made of it. Private to this layer.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "http/http_request.h"
#include "http/url.h"

namespace oci_oauth {

// A request whose target has been looked at.
struct Prepared {
  UrlParts endpoint;
  std::string trusted;  // certificates, PEM; empty for plain http
};

std::variant<Prepared, RequestFailure> prepare(const HttpRequest& request);

class Transfer {
 public:
  // All of them outlive it.
  Transfer(const HttpRequest& request, const Prepared& prepared, const RequestEvents& events);
  virtual ~Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

 protected:
  using Sent = RequestFailure::Sent;

  void set(CURLoption option, auto value) {
    if (code_ == CURLE_OK) code_ = curl_easy_setopt(easy_.get(), option, value);
  }

  // Takes what has arrived of the body; false ends the transfer.
  virtual bool take(std::string_view bytes) = 0;
  virtual void prepare_socket(curl_socket_t) const {}

  long status() const;
  std::string header(const char* name) const;  // empty if the answer has no such header
  HttpReply reply(Secret body) const;
  RequestFailure failure() const;

  const HttpRequest& request_;
  const RequestEvents& events_;
  bool is_too_large_ = false;
  CURLcode code_ = CURLE_OK;

 private:
  using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

  static Headers make_headers(const HttpRequest& request);
  void set_request();
  void set_connection();
  void set_trust(const std::string& trusted);
  void set_callbacks();
  void set_identity(const ClientIdentity& identity);

  static int limit_socket(void* self, curl_socket_t socket, curlsocktype purpose);
  static int before_sending(void* self, char*, char*, int, int);
  static size_t receive(char* bytes, size_t, size_t count, void* self);
  static int wait(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  std::string unsent_reason() const;
  std::string unanswered_reason() const;

  const UrlParts& endpoint_;
  const Headers headers_;
  Sent sent_ = Sent::no;
  char details_[CURL_ERROR_SIZE] = "";

 protected:
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;  // destroyed first: it points to the others
};

}  // namespace oci_oauth
