// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

std::string with_profile(std::string_view members) {
  return fmt::format(R"({{"profiles": {{"claude": {{"credentials": "/c.json"{}{}}}}}}})",
                     members.empty() ? "" : ", ", members);
}

std::string reason(std::string_view text) {
  const auto config = parse_config(text, "f");
  if (config) return "";
  CHECK(config.error().kind == ErrorKind::configuration);
  return config.error().message;
}

Result<Config> parse_sinks(std::string_view sinks) {
  return parse_config(
      fmt::format(R"({{"sinks": [{}], "profiles": {{"claude": {{"credentials": "/c.json"}}}}}})", sinks),
      "f");
}

Sink sink_of(std::string_view text) {
  auto config = parse_sinks(text);
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  return config->sinks.at(0);
}

std::string reason_of_sinks(std::string_view text) {
  const auto config = parse_sinks(text);
  if (config) return "";
  CHECK(config.error().kind == ErrorKind::configuration);
  return config.error().message;
}

}  // namespace

TEST_CASE("what a profile leaves out has the documented default") {
  const auto config = parse_config(with_profile(""), "f");
  REQUIRE(config);
  const Profile& profile = config->profiles.at(0);
  CHECK(profile.provider == "claude");
  CHECK(profile.target == "/run/secrets/claude");
  CHECK(profile.hook_wait == 8s);
  CHECK(profile.refresh_before == 60min);
  CHECK(profile.mode == 0444);
  CHECK(profile.deliver_to == DeliverTo::chosen);
  CHECK_FALSE(profile.trusts_annotations);
  CHECK(profile.on_failure == OnFailure::start);
}

TEST_CASE("comments are part of the format") {
  CHECK(reason("// a\n{ /* b */ \"profiles\": {} }").empty());
}

TEST_CASE("each mistake names the file, the place and the bad value") {
  const std::pair<std::string, std::string> mistakes[] = {
      {"", "f: is empty"},
      {"{\n \"profiles\" }", "f:2:13: not JSON: missing a colon after a key"},
      {"[]", "f: is not an object"},
      {R"({"profile": {}})", "f: /profile: is not a known key"},
      {R"({"profiles": {"claude": {}}})", "f: /profiles/claude: needs either \"credentials\" or \"source\""},
      {R"({"profiles": {"../x": {"credentials": "/c"}}})",
       "f: /profiles/../x: '../x' is not a valid name: use letters, digits, '.', '_' and '-'"},
      {R"({"runtime_dir": "run"})", "f: /runtime_dir: 'run' is not an absolute path without '..'"},
      {R"({"profiles": {"": {}}})",
       "f: /profiles/: '' is not a valid name: use letters, digits, '.', '_' and '-'"},
      {with_profile(R"("colour": 1)"), "f: /profiles/claude/colour: is not a known key"},
      {with_profile(R"("mode": 444)"), "f: /profiles/claude/mode: is not a non-empty string"},
      {with_profile(R"("mode": "0999")"),
       "f: /profiles/claude/mode: '0999' is not an octal mode between \"0400\" and \"0777\" that its owner "
       "can read"},
      {with_profile(R"("hook_wait": "8")"),
       "f: /profiles/claude/hook_wait: '8' is not a duration: a whole number and ms, s, m, h or d, at most "
       "366d"},
      {with_profile(R"("target": "/a/../b")"),
       "f: /profiles/claude/target: '/a/../b' is not an absolute path without '..'"},
      {with_profile(R"("deliver_to": "some")"),
       "f: /profiles/claude/deliver_to: 'some' is not one of: chosen, all"},
      {with_profile(R"("trust_annotations": "yes")"),
       "f: /profiles/claude/trust_annotations: is neither true nor false"},
      {R"({"profiles": {"a": {"credentials": "/c", "target": "/t"}, "b": {"credentials": "/c", "target": "/t/"}}})",
       "f: /profiles/b/target: '/t' is also the target of profile 'a'"},
      {with_profile(R"("hook_wait": "13s")"),
       "f: /profiles/claude/hook_wait: '13s' is not between 0ms and 12s"},
      {R"({"profiles": {"claude": {"credentials": "c.json"}}})",
       "f: /profiles/claude/credentials: 'c.json' is not an absolute path without '..'"},
      {R"({"sinks": [{"exec": ["cmd"]}]})", "f: /sinks/0/exec: does not begin with an absolute path"},
      {R"({"profiles": {"claude": {"fleet": true}}})",
       "f: /profiles/claude/fleet: there is no \"fleet\" in the configuration"},
      {R"({"profiles": {"claude": {"fleet": false}}})",
       "f: /profiles/claude: needs \"credentials\" on a refresher of the fleet"},
      {R"({"fleet": {"endpoints": ["https://a"], "ca_file": "/a", "certificate_file": "/c", "key_file": "/k",
           "role": "refresher"}, "profiles": {"claude": {"fleet": true}}})",
       "f: /profiles/claude: needs \"credentials\" on a refresher of the fleet"},
      {R"({"fleet": {"endpoints": [], "ca_file": "/a", "certificate_file": "/c", "key_file": "/k"}})",
       "f: /fleet/endpoints: is empty"},
      {R"({"fleet": {"endpoints": ["http://a"], "ca_file": "/a", "certificate_file": "/c", "key_file": "/k"}})",
       "f: /fleet/endpoints: 'http://a' is not https://HOST"},
      {R"({"fleet": {"endpoints": ["https://a"], "ca_file": "/a", "certificate_file": "/c", "key_file": "/k"},
           "profiles": {"claude": {"fleet": true}}, "sinks": [{"exec": ["/c"]}]})",
       "f: /sinks/0: needs \"host\", the one host of the fleet that runs it"},
      {R"({"fleet": {"endpoints": ["https://a"], "ca_file": "/a", "certificate_file": "/c"}})",
       "f: /fleet/endpoints: needs \"key_file\""},
      {R"({"fleet": {"kubernetes": {"namespace": "n"}}, "profiles": {"claude": {"fleet": true, "entry": "e"}}})",
       "f: /profiles/claude/fleet: cannot be combined with \"entry\""},
      {R"({"fleet": {}})", "f: /fleet: needs either \"endpoints\" or \"kubernetes\""},
      {R"({"fleet": {"kubernetes": {}}})", "f: /fleet/kubernetes/namespace: is missing"},
      {R"({"fleet": {"kubernetes": {"namespace": "n", "server": "http://a"}}})",
       "f: /fleet/kubernetes/server: 'http://a' is not https://HOST"},
      {R"({"fleet": {"kubernetes": {"namespace": "n"}, "certificate_file": "/c"}})",
       "f: /fleet/certificate_file: needs \"key_file\""},
      {R"({"sinks": [{}]})", "f: /sinks/0: needs either \"onecli\" or \"exec\""},
  };
  for (const auto& [text, message] : mistakes) CHECK(reason(text) == message);
}

TEST_CASE("a fleet on Kubernetes is that of the pod's service account, unless it says otherwise") {
  const auto in_pod = parse_config(
      R"({"fleet": {"kubernetes": {"namespace": "n"}}, "profiles": {"a": {"fleet": true}, "b": {"credentials": "/c"}}})",
      "f");
  REQUIRE(in_pod);
  CHECK(in_pod->fleet->kubernetes->server == "https://kubernetes.default.svc");
  CHECK(in_pod->fleet->ca_file == "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
  CHECK(in_pod->fleet->kubernetes->token_file == "/var/run/secrets/kubernetes.io/serviceaccount/token");
  CHECK(in_pod->fleet->is_known_by_token());
  CHECK(in_pod->fleet->profiles == std::vector<std::string>{"a"});
  const auto outside = parse_config(
      R"({"fleet": {"kubernetes": {"namespace": "n", "server": "https://api:6443"}, "ca_file": "/ca",
          "certificate_file": "/c", "key_file": "/k"}})",
      "f");
  REQUIRE(outside);
  CHECK(outside->fleet->ca_file == "/ca");
  CHECK_FALSE(outside->fleet->is_known_by_token());
}

TEST_CASE("a profile has one target or several") {
  const auto config =
      parse_config(with_profile(R"("target": ["/home/node/.claude", "/run//secrets/claude/"])"), "f");
  REQUIRE(config);
  CHECK(config->profiles.at(0).targets ==
        std::vector<std::string>{"/home/node/.claude", "/run/secrets/claude"});
  CHECK(config->profiles.at(0).target == "/home/node/.claude");
  CHECK(reason(with_profile(R"("target": [])")) == "f: /profiles/claude/target: is an empty array");
  CHECK(reason(with_profile(R"("target": ["/a", 1])")) ==
        "f: /profiles/claude/target: is not an array of strings");
  CHECK(reason(with_profile(R"("target": ["/a", "b"])")) ==
        "f: /profiles/claude/target: 'b' is not an absolute path without '..'");
  CHECK(reason(with_profile(R"("target": ["/a", "/"])")) ==
        "f: /profiles/claude/target: '/' is the root directory");
  CHECK(reason(with_profile(R"("target": ["/a", "/a/"])")) ==
        "f: /profiles/claude/target: '/a' is listed twice");
  CHECK(reason(with_profile(R"("target": ["/a", "/a/b"])")) ==
        "f: /profiles/claude/target: '/a/b' and the target '/a' of profile 'claude' overlap");
}

TEST_CASE("a configuration that cannot be used could block where its text says so") {
  const TempDir directory;
  const std::string path = directory / "config.json";
  directory.write("config.json", R"({"profiles": {"claude": {"on_failure": "block",}}})");
  CHECK(could_block(path, false));
  directory.write("config.json", R"({"profiles": {"claude": {"on_failure": "start",}}})");
  CHECK_FALSE(could_block(path, true));
}

TEST_CASE("a configuration that nobody can read could block whom the caller names") {
  const TempDir directory;
  CHECK(could_block(directory.path(), true));
  CHECK_FALSE(could_block(directory.path(), false));
  CHECK_FALSE(could_block(directory / "missing", true));
}

TEST_CASE("a target within another profile's target is refused") {
  const auto both = [](const std::string& a, const std::string& b) {
    return reason(R"({"profiles": {"a": {"credentials": "/c", "target": ")" + a +
                  R"("}, "b": {"credentials": "/c", "target": ")" + b + "\"}}}");
  };
  CHECK(both("/t", "/t/u/v") == "f: /profiles/b/target: '/t/u/v' and the target '/t' of profile 'a' overlap");
  CHECK_FALSE(both("/t/u", "/t").empty());
  CHECK(both("/t", "/tu").empty());
}

TEST_CASE("a directory has one name, however it is written") {
  const auto config = parse_config(with_profile(R"("target": "/run//x/./y/")"), "f");
  REQUIRE(config);
  CHECK(config->profiles.at(0).target == "/run/x/y");
  CHECK(reason(with_profile(R"("target": "/./")")) ==
        "f: /profiles/claude/target: '/' is the root directory");
}

TEST_CASE("a configuration that others can write is refused with the command that fixes it") {
  const TempDir dir;
  const std::string path = dir.write("config.json", "{}");
  ::chmod(path.c_str(), 0666);
  const auto config = load_config(path);
  REQUIRE_FALSE(config);
  CHECK(config.error().kind == ErrorKind::configuration);
  CHECK(config.error().hint.find("chmod go-w " + path) != std::string::npos);
}

TEST_CASE("a missing configuration is distinguished from a broken one") {
  CHECK(load_config("/nonexistent/config.json").error().kind == ErrorKind::not_found);
  const auto unreachable = load_config("/dev/null/config.json");
  REQUIRE_FALSE(unreachable);
  CHECK(unreachable.error().kind == ErrorKind::configuration);
  CHECK(unreachable.error().hint.empty());
}
TEST_CASE("a profile of the same file with an entry may have another one's target, and is delivered by it") {
  const auto parse = [](const std::string& more) {
    return parse_config(R"({"runtime_dir": "/r", "profiles": {
        "first": {"provider": "claude-mcp", "entry": "a", "credentials": "/c", "target": "/t"},
        "claude": {"credentials": "/c", "target": "/t"},
        "second": {"provider": "claude-mcp", "entry": "b", "credentials": "/c", "target": "/t")" +
                            more + "}}}",
                        "f");
  };
  const auto config = parse("");
  REQUIRE(config);
  const Profile& claude = *config->find("claude");
  CHECK(claude.delivered_by.empty());
  CHECK(claude.others == std::vector<ProviderEntry>{{"claude-mcp", "a", "c"}, {"claude-mcp", "b", "c"}});
  CHECK(config->find("first")->delivered_by == "claude");
  CHECK(config->delivered_with(claude).size() == 3);
  for (const char* more :
       {R"(, "deliver_to": "all")", R"(, "trust_annotations": true)", R"(, "delivery": "socket")"})
    CHECK(parse(more).error().message ==
          "f: /profiles/second/target: is that of profile 'claude', whose delivery, deliver_to and "
          "trust_annotations count");

  const auto alone = parse_config(R"({"runtime_dir": "/r", "profiles": {
      "a": {"provider": "codex-mcp", "entry": "a", "credentials": "/c", "target": "/t"},
      "b": {"provider": "codex-mcp", "entry": "b", "credentials": "/c", "target": "/t"}}})",
                                  "f");
  REQUIRE(alone);
  CHECK(alone->find("b")->delivered_by == "a");
  const auto other_file = parse_config(R"({"runtime_dir": "/r", "profiles": {
      "a": {"credentials": "/c", "target": "/t"},
      "b": {"provider": "codex-mcp", "entry": "b", "credentials": "/d", "target": "/t"}}})",
                                       "f");
  REQUIRE_FALSE(other_file);
  CHECK(other_file.error().message.find("is also the target of profile 'a'") != std::string::npos);
}

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
