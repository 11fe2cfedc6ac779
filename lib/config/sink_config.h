// SPDX-License-Identifier: Apache-2.0
// The sinks of the configuration: who, beside the containers, gets each new access token. Pure: nothing that
// a sink names is opened here.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

// A secret of a OneCLI server. What is empty here comes from env_file or from the environment, under the
// names that OneCLI's own users have: ONECLI_OAUTH_SECRET_ID, ONECLI_URL or ONECLI_API_HOST, ONECLI_API_KEY,
// ONECLI_BIN.
struct OneCliSink {
  std::string secret_id;     // is_valid_name()
  std::string url;           // http or https; never beside `program`
  std::string api_key_file;  // absolute, as the rest
  std::string program, env_file, ca_file;
};

// A program that reads the token from its standard input.
struct ExecSink {
  std::vector<std::string> command;  // command[0] is an absolute path
};

struct Sink {
  std::string place;                  // "/sinks/0", for messages
  std::vector<std::string> profiles;  // empty: all
  Milliseconds timeout = std::chrono::seconds(30);
  std::variant<OneCliSink, ExecSink> kind;
};

// Failure (configuration): "SOURCE: PLACE/KEY: reason".
Result<Sink> read_sink(const JsonValue& value, const std::string& source, const std::string& place);

}  // namespace oci_oauth
