// SPDX-License-Identifier: Apache-2.0
#include "exchange/command_source.h"

#include <signal.h>
#include <unistd.h>

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/fingerprint.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view old_token = "old";
const Time noon(Milliseconds(1'795'000'000'000));                                 // 2026-11-18T11:06:40Z
constexpr std::string_view jwt_until_2100 = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln";  // {"exp": 4102444800}

ExchangeRequest request_for(const std::string& provider) {
  ExchangeRequest request;
  request.profile.name = "mine";
  request.profile.source.emplace();
  request.profile.source->exec = {"/bin/false"};
  auto loaded = load_provider(provider, {SOURCE_DIR "/oci-config/providers"});
  INFO((loaded ? "" : loaded.error().message));
  REQUIRE(loaded);
  request.provider = std::move(*loaded);
  return request;
}

// A request whose command is a shell script.
ExchangeRequest script(const std::string& text, const std::string& provider = "exec") {
  ExchangeRequest request = request_for(provider);
  request.profile.source->exec = {"/bin/sh", "-c", text};
  return request;
}

// "TOKEN until TIME", or why not.
std::string outcome(const std::string& provider, std::string_view text, Milliseconds lifetime = {}) {
  ExchangeRequest request = request_for(provider);
  request.profile.source->lifetime = lifetime;
  const auto login = read_output(Secret(text), request, noon);
  if (!login) return login.error().message;
  return fmt::format("{} until {}", login->files.front().content.reveal(), rfc3339(login->expires_at));
}

std::string failure_of(const ExchangeReport& report) {
  REQUIRE(report.failure);
  return report.failure->message;
}

}  // namespace

TEST_CASE("each tool's output has its token and its expiry where the provider says") {
  CHECK(outcome("exec", R"({"access_token": "a", "expires_at": 1795003600})") ==
        "a until 2026-11-18T12:06:40Z");
  CHECK(outcome("exec", R"({"access_token": "a", "expires_at": "2026-11-18T13:06:40+01:00"})") ==
        "a until 2026-11-18T12:06:40Z");
  CHECK(outcome("kubernetes", R"({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": {"token": "a", "expirationTimestamp": "2026-11-18T12:06:40Z"}})") ==
        "a until 2026-11-18T12:06:40Z");
  CHECK(outcome("az",
                R"({"accessToken": "a", "expiresOn": "2026-11-18 13:06:40.000000", "expires_on": 1795003600,
            "tokenType": "Bearer"})") == "a until 2026-11-18T12:06:40Z");
  CHECK(outcome("gcloud-cli",
                R"({"credential": {"access_token": "a", "token_expiry": "2026-11-18T12:06:40Z"}})") ==
        "a until 2026-11-18T12:06:40Z");
  CHECK(outcome("text", "a\n", 1h) == "a until 2026-11-18T12:06:40Z");
}

TEST_CASE("without an expiry in the output, the token's own counts, and then the configured lifetime") {
  const std::string token(jwt_until_2100);
  CHECK(outcome("text", token) == token + " until 2100-01-01T00:00:00Z");
  CHECK(outcome("text", token, 1h) == token + " until 2100-01-01T00:00:00Z");
  CHECK(outcome("exec", R"({"access_token": "a", "expires_at": null})", 2h) ==
        "a until 2026-11-18T13:06:40Z");
}

TEST_CASE("an output that is not a valid token is refused, and not repeated") {
  CHECK(outcome("text", "opaque") == "its token does not say when it expires");
  CHECK(outcome("text", "e30.e30.c2ln") == "its token does not say when it expires");
  CHECK(outcome("text", "ERROR: please log in", 1h) == "what it printed as a token contains a space");
  CHECK(outcome("text", "two\nlines", 1h)
            .ends_with("byte 4 is a control character, which an HTTP header cannot contain"));
  CHECK(outcome("text", "", 1h).ends_with("there is no token"));
  CHECK(outcome("exec", "").starts_with("its output"));
  CHECK(outcome("exec", "opaque").find("opaque") == std::string::npos);
  CHECK(outcome("exec", "[]") == "its output: /: is not an object");
  CHECK(outcome("exec", R"({"token": "a"})") == "its output: /access_token: there is no token");
  CHECK(outcome("exec", R"({"access_token": 7})").find("/access_token") != std::string::npos);
  CHECK(outcome("exec", R"({"access_token": "a", "expires_at": 1794999999})") ==
        "it printed a token that expired at 2026-11-18T11:06:39Z");
  CHECK(outcome("text", std::string(1 << 20, 'a'), 1h) == "its output is too long");
}

TEST_CASE("a command is run with its own environment, no input, and nothing of ours") {
  const TempDir directory;
  ExchangeRequest request = script("env | sort >" + directory / "env" + "; cat >" + directory / "input" +
                                       "; pwd >" + directory / "pwd" + "; echo a",
                                   "text");
  request.profile.source->lifetime = 1h;
  request.profile.source->environment = {{"OIDC_SOCK", "/run/agent"}};
  ::setenv("NOT_FOR_IT", "1", 1);
  const ExchangeReport report = ask_command(request);
  ::unsetenv("NOT_FOR_IT");
  INFO((report.failure ? report.failure->message : ""));
  REQUIRE(report.login);
  CHECK(report.refreshed);
  CHECK(report.login->files.front().content.reveal() == "a");
  const std::string environment = directory.read("env");
  CHECK(environment.find("OIDC_SOCK=/run/agent\n") != std::string::npos);
  CHECK(environment.find(fmt::format("XDG_RUNTIME_DIR=/run/user/{}\n", ::geteuid())) != std::string::npos);
  for (const char* name : {"HOME=", "USER=", "LOGNAME=", "PATH=/usr/local/sbin:"}) {
    INFO(name);
    CHECK(environment.find(name) != std::string::npos);
  }
  CHECK(environment.find("NOT_FOR_IT") == std::string::npos);
  CHECK(directory.read("input").empty());
  CHECK(directory.read("pwd") == "/\n");
}

TEST_CASE("a command that fails is reported with its last words, without its output and control characters") {
  const ExchangeReport report =
      ask_command(script("echo secret-token-1234; printf 'bad\\033[31m secret-token-1234\\n' >&2; exit 3"));
  CHECK(failure_of(report) == "/bin/sh: exit status 3: bad?[31m [hidden]");
  CHECK(report.failure->kind == FailureKind::server);
  CHECK_FALSE(report.login);
  CHECK(failure_of(ask_command(script("kill -9 $$"))) == "/bin/sh: killed by signal 9");
  ExchangeRequest missing = request_for("exec");
  missing.profile.source->exec = {"/nowhere/oidc-token"};
  CHECK(failure_of(ask_command(missing)) ==
        "/nowhere/oidc-token: /nowhere/oidc-token: No such file or directory");
  CHECK(ask_command(missing).failure->kind == FailureKind::configuration);
}

TEST_CASE("a command that hangs is killed with all that it started") {
  const TempDir directory;
  ExchangeRequest request = script("sleep 600 & echo $! >" + directory / "pid" + "; wait");
  request.profile.source->timeout = 1s;
  CHECK(failure_of(ask_command(request)) == "/bin/sh: still running after 1 s");
  const pid_t child = std::stoi(directory.read("pid"));
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (::kill(child, 0) == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(::kill(child, 0) != 0);
}

TEST_CASE("a command is not run before the token is due, at rest, or offline; it is when it is forced") {
  const TempDir directory;
  ExchangeRequest request = script("echo >>" + directory / "runs" + "; echo new", "text");
  request.profile.source->lifetime = 8h;
  request.published_token = Secret(old_token);
  request.known.published.access_token_hash = fingerprint(old_token);
  request.known.published.obtained_at = now();
  request.known.published.expires_at = now() + 8h;
  CHECK_FALSE(ask_command(request).login);
  CHECK_FALSE(ask_command(request).failure);
  request.known.published.expires_at = now() + 1min;
  request.endpoint = Endpoint::left_alone;
  CHECK_FALSE(ask_command(request).login);
  request.endpoint = Endpoint::asked;
  request.known.published.not_before = now() + 1min;
  CHECK(ask_command(request).failure->is_known);
  CHECK(directory.read("runs").empty());
  request.force = Force::yes;
  CHECK(ask_command(request).refreshed);
  CHECK(directory.read("runs") == "\n");
}

TEST_CASE("the token that a server refused is not accepted again") {
  ExchangeRequest request = script("echo old", "text");
  request.profile.source->lifetime = 8h;
  request.published_token = Secret(old_token);
  request.known.published.access_token_hash = fingerprint(old_token);
  request.known.published.expires_at = now() + 8h;
  request.rejected_token_hash = fingerprint(old_token);
  const ExchangeReport report = ask_command(request);
  CHECK(failure_of(report) == "/bin/sh: it printed the token that was refused");
  CHECK_FALSE(report.refreshed);
}

}  // namespace oci_oauth
