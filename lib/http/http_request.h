// SPDX-License-Identifier: Apache-2.0
// One HTTP request, exactly once: no retry, no redirect, no reused connection, https only (http for a
// loopback address), bounded in time and size, no proxy, CA or keys from the environment.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/url.h"

namespace oci_oauth {

// Where a request goes, and how.
struct HttpTarget {
  std::string url, user_agent, ca_file, proxy;  // ca_file, proxy: empty is the system's, or none
  Milliseconds connect_timeout = std::chrono::seconds(10);
  Milliseconds total_timeout = std::chrono::seconds(25);
  size_t longest_answer = MiB;
};

// What a server of mutual TLS knows a client by, in PEM.
struct ClientIdentity {
  std::string certificate;  // and those between it and its authority
  Secret key;
};

struct HttpRequest : HttpTarget {
  HttpRequest() = default;
  explicit HttpRequest(const HttpTarget& target) : HttpTarget(target) {}

  std::string method = "POST", content_type;
  Secret body;
  Secret bearer;          // RFC 6750 section 2.1; empty: none
  Secret user, password;  // RFC 7617; empty: none
  const ClientIdentity* identity = nullptr;
  std::vector<std::string> headers = {};  // "NAME: VALUE", besides those that every request has
};

struct HttpReply {
  long status = 0;
  std::string retry_after = {}, date = {};  // header values; empty if absent
  Secret body = {};
};

struct RequestFailure {
  enum class Sent { no, perhaps };  // no: nothing of the request left this host, so trying again is safe
  Sent sent = Sent::no;
  std::string message;  // "connect to localhost:1: connection refused"
};

using RequestResult = std::variant<HttpReply, RequestFailure>;

// The part of an answer that has arrived.
struct Arrival {
  long status = 0;
  std::string date;       // the header's value; empty if absent
  std::string_view body;  // so far
};

// Callbacks during a request. Each may be empty.
struct RequestEvents {
  // About once a second until the answer has arrived.
  std::function<void()> waiting = {};
  // The connection is open and nothing has been written: false cancels the request, and nothing is sent.
  std::function<bool()> may_send = {};
  // Each time more of the body has arrived, before anything else happens.
  std::function<void(const Arrival&)> arriving = {};
};

RequestResult send_request(const HttpRequest& request, const RequestEvents& events = {});

// How the first of several answers ended.
struct StreamEnd {
  size_t which = 0;      // the request's number
  RequestResult result;  // without a body
  std::string rest;      // what came after its last line
};

// Takes a line of the answer to a request; false ends all of them.
using TakeLine = std::function<bool(size_t which, std::string_view line)>;

// For answers that go on, as those of a store that tells each change: sends all requests at once. A line has
// at most the request's longest_answer bytes. Result: also if the server or `until` ended it. Failure: no
// answer began within total_timeout; a connection was lost; a line is too long. Nothing wakes up the process
// meanwhile.
StreamEnd follow_lines(const std::vector<HttpRequest>& requests, SteadyTime until, const TakeLine& line);

}  // namespace oci_oauth
