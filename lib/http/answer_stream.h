// SPDX-License-Identifier: Apache-2.0
// Requests whose answers go on, as those of a store that tells each change. As http_request.h otherwise.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/http_request.h"

namespace oci_oauth {

// How the first of several answers ended.
struct StreamEnd {
  size_t which = 0;      // the request's number
  RequestResult result;  // without a body
  std::string rest;      // what came after its last line
};

// Sends all requests at once. `line` takes each line of an answer, of at most the request's longest_answer
// bytes, with the request's number, and returns false to end all of them.
// Result: also if the server or `until` ended it. Failure: no answer began within total_timeout; a connection
// was lost; a line is too long. Nothing wakes up the process meanwhile.
StreamEnd follow_lines(const std::vector<HttpRequest>& requests, SteadyTime until,
                       const std::function<bool(size_t which, std::string_view line)>& line);

}  // namespace oci_oauth
