// SPDX-License-Identifier: Apache-2.0
// The configured sinks: what gets each new access token besides containers. Pure: it does not open anything
// that a sink names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace oci_oauth {

// A secret on a OneCLI server. Empty fields are taken from env_file or from the environment, under the names
// that OneCLI's users have: ONECLI_OAUTH_SECRET_ID, ONECLI_URL or ONECLI_API_HOST, ONECLI_API_KEY,
// ONECLI_BIN.
struct OneCliSink {
  std::string secret_id;     // a Name (rules.h)
  std::string url;           // http or https; not together with `program`
  std::string api_key_file;  // absolute, like the others
  std::string program, env_file, ca_file;
};

// Either of `exec` and `onecli`.
struct Sink {
  std::string place = {};                  // "/sinks/0", for messages
  std::vector<std::string> profiles = {};  // empty: all
  std::string host = {};                   // the one that runs it; empty: all
  Milliseconds timeout = std::chrono::seconds(30);
  // A program that reads the token from its standard input: an absolute path and its arguments.
  std::vector<std::string> exec = {};
  std::optional<OneCliSink> onecli = {};
};

}  // namespace oci_oauth
