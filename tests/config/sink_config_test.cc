// SPDX-License-Identifier: Apache-2.0
#include "config/sink_config.h"

#include <fmt/format.h>

#include "config/config.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

Result<Config> parse(std::string_view sinks) {
  return parse_config(
      fmt::format(R"({{"sinks": [{}], "profiles": {{"claude": {{"credentials": "/c.json"}}}}}})", sinks),
      "f");
}

Sink sink_of(std::string_view text) {
  auto config = parse(text);
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  return config->sinks.at(0);
}

std::string reason_of_sinks(std::string_view text) {
  const auto config = parse(text);
  if (config) return "";
  CHECK(config.error().kind == ErrorKind::configuration);
  return config.error().message;
}

}  // namespace

TEST_CASE("an exec sink is a command, for every profile unless some are named") {
  const Sink sink = sink_of(R"({"exec": ["/bin/cmd", "arg"]})");
  CHECK(sink.exec == std::vector<std::string>{"/bin/cmd", "arg"});
  CHECK(sink.profiles.empty());
  CHECK(sink.timeout == 30s);
  CHECK(sink.place == "/sinks/0");
  const Sink bounded = sink_of(R"({"exec": ["/bin/cmd"], "profiles": ["claude"], "timeout": "2m"})");
  CHECK(bounded.profiles == std::vector<std::string>{"claude"});
  CHECK(bounded.timeout == 2min);
}

TEST_CASE("a OneCLI sink may leave everything to its environment") {
  const auto sink = sink_of(R"({"onecli": {}})");
  const auto& onecli = sink.onecli.value();
  CHECK((onecli.secret_id.empty() && onecli.url.empty() && onecli.program.empty()));
}

TEST_CASE("a OneCLI sink reads each of its keys") {
  const auto sink = sink_of(R"({"onecli": {"secret_id": "s-1", "url": "https://one.example/",
      "api_key_file": "/k//f", "env_file": "/e", "ca_file": "/ca"}})");
  const auto& onecli = sink.onecli.value();
  CHECK(onecli.secret_id == "s-1");
  CHECK(onecli.url == "https://one.example/");
  CHECK(onecli.api_key_file == "/k/f");
  CHECK(onecli.env_file == "/e");
  CHECK(onecli.ca_file == "/ca");
}

TEST_CASE("each mistake in a sink names its key") {
  const std::pair<std::string, std::string> mistakes[] = {
      {"{}", "f: /sinks/0: needs either \"onecli\" or \"exec\""},
      {R"({"exec": ["/c"], "onecli": {}})", "f: /sinks/0: needs either \"onecli\" or \"exec\""},
      {R"("exec")", "f: /sinks/0: is not an object"},
      {R"({"exec": ["/c"], "colour": 1})", "f: /sinks/0/colour: is not a known key"},
      {R"({"exec": []})", "f: /sinks/0/exec: does not begin with an absolute path"},
      {R"({"exec": ["cmd"]})", "f: /sinks/0/exec: does not begin with an absolute path"},
      {R"({"exec": "/c"})", "f: /sinks/0/exec: is not an array of strings"},
      {R"({"exec": ["/c", 1]})", "f: /sinks/0/exec: is not an array of strings"},
      {R"({"exec": ["/c", "a\u0000b"]})", "f: /sinks/0/exec: contains a NUL character"},
      {R"({"exec": ["/c"], "timeout": "0s"})", "f: /sinks/0/timeout: '0s' is not between 1s and 10m"},
      {R"({"exec": ["/c"], "timeout": "11m"})", "f: /sinks/0/timeout: '11m' is not between 1s and 10m"},
      {R"({"exec": ["/c"], "timeout": 30})", "f: /sinks/0/timeout: is not a non-empty string"},
      {R"({"exec": ["/c"], "profiles": ["other"]})", "f: /sinks/0/profiles: there is no profile 'other'"},
      {R"({"exec": ["/c"]}, {"exec": ["c"]})", "f: /sinks/1/exec: does not begin with an absolute path"},
      {R"({"onecli": 1})", "f: /sinks/0/onecli: is not an object"},
      {R"({"onecli": {"key": "k"}})", "f: /sinks/0/onecli/key: is not a known key"},
      {R"({"onecli": {"secret_id": "../x"}})",
       "f: /sinks/0/onecli/secret_id: '../x' is not a valid name: use letters, digits, '.', '_' and '-'"},
      {R"({"onecli": {"url": "one.example"}})",
       "f: /sinks/0/onecli/url: 'one.example' does not begin with https:// or http://"},
      {R"({"onecli": {"url": "https://one.example/?a"}})",
       "f: /sinks/0/onecli/url: 'https://one.example/?a' has a query or a fragment"},
      {R"({"onecli": {"api_key_file": "key"}})",
       "f: /sinks/0/onecli/api_key_file: 'key' is not an absolute path without '..'"},
      {R"({"onecli": {"url": "https://a", "program": "/b"}})",
       "f: /sinks/0/onecli/program: cannot be combined with \"url\""},
  };
  for (const auto& [text, message] : mistakes) CHECK(reason_of_sinks(text) == message);
}
