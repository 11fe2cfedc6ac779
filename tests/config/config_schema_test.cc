// SPDX-License-Identifier: Apache-2.0
// The schemas and the readers say the same of every configuration: here is a corpus of good and bad ones.
#include "base/json.h"

#include <fmt/format.h>
#include <rapidjson/schema.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/config.h"
#include "config/key_reader.h"
#include "config/provider.h"
#include "support/catch.h"

using namespace oci_oauth;

namespace {

std::string with(std::string_view members) {
  return fmt::format(R"({{"profiles": {{"claude": {{"credentials": "/c.json"{}{}}}}}}})",
                     members.empty() ? "" : ", ", members);
}

std::string sink(std::string_view members) {
  return fmt::format(R"({{"sinks": [{{{}}}]}})", members);
}

std::string provider(std::string_view members, std::string_view fields = "") {
  return fmt::format(R"({{"token_url": "https://a/", "client_id": "c", "credentials": {{"access_token": "/a",
      "refresh_token": "/r", "expires_at": "/e"{}{}}}{}{}}})",
                     fields.empty() ? "" : ", ", fields, members.empty() ? "" : ", ", members);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The schema as it is installed, on a validator that is not ours.
bool fits(std::string_view schema, std::string_view text) {
  const auto value = parse_configuration(text, "f");
  if (!value) return false;
  rapidjson::Document json;
  json.Parse(text_of(fmt::format("{}/{}.schema.json", SCHEMA_DIR, schema)).c_str());
  REQUIRE_FALSE(json.HasParseError());
  const rapidjson::SchemaDocument compiled(json);
  rapidjson::SchemaValidator validator(compiled);
  return value->Accept(validator);
}

void same_verdict(std::string_view text, bool good, bool schema, const std::string& reader) {
  INFO(text << "\nreader: " << reader);
  CHECK(schema == good);
  CHECK(reader.empty() == good);
}

void config_is(bool good, const std::string& text) {
  const auto config = parse_config(text, "f");
  same_verdict(text, good, fits("config", text), config ? "" : config.error().message);
}

void provider_is(bool good, const std::string& text) {
  const auto provider = parse_provider(text, "f", "p");
  same_verdict(text, good, fits("provider", text), provider ? "" : provider.error().message);
}

}  // namespace

TEST_CASE("schema and reader accept the same configurations") {
  for (const char* members : {"",
                              R"("provider": "a.b_c-D0")",
                              R"("target": "/run/secrets/x")",
                              R"("target": "//run/./x/")",
                              R"("target": ["/run/secrets/x", "/home/x/.claude"])",
                              R"("target": "/..x")",
                              R"("target": "/x..")",
                              R"("target": "/...")",
                              R"("deliver_to": "all")",
                              R"("deliver_to": "chosen")",
                              R"("trust_annotations": true)",
                              R"("on_failure": "block")",
                              R"("on_failure": "start")",
                              R"("hook_wait": "0s")",
                              R"("hook_wait": "500ms")",
                              R"("refresh_before": "1d")",
                              R"("refresh_before": "007h")",
                              R"("mode": "0400")",
                              R"("mode": "444")",
                              R"("mode": "0777")",
                              R"("token_url": "https://x/")",
                              R"("ca_file": "/ca.pem")",
                              R"("user_agent": "x")",
                              R"("issuer": "https://as/x")",
                              R"("scopes": ["openid", "offline_access"])",
                              R"("redirect_uri": "http://127.0.0.1:65535/callback")",
                              R"("redirect_uri": "http://[::1]/")",
                              R"("redirect_uri": "http://localhost:8080/a/b_c")",
                              R"("proxy": "http://p:1")"}) {
    config_is(true, with(members));
  }
  for (const char* text : {"{}", "// a comment\n{}", R"({"profiles": {}})", R"({"runtime_dir": "/"})",
                           R"({"metrics_file": "/var/lib/x.prom"})", R"({"sinks": []})"}) {
    config_is(true, text);
  }
  for (const char* source :
       {R"({"exec": ["/x"]})", R"({"exec": ["/x", ""], "user": "me", "lifetime": "1h", "timeout": "60s",
                                "environment": {"OIDC_SOCK": "/s"}})"}) {
    config_is(true, fmt::format(R"({{"profiles": {{"p": {{"source": {}}}}}}})", source));
  }
  for (const char* fleet :
       {R"("endpoints": ["https://a:1"], "ca_file": "/a", "certificate_file": "/c", "key_file": "/k")",
        R"("kubernetes": {"namespace": "n"})",
        R"("kubernetes": {"namespace": "n", "server": "https://a", "token_file": "/t"}, "ca_file": "/a")",
        R"("kubernetes": {"namespace": "n"}, "certificate_file": "/c", "key_file": "/k")"}) {
    config_is(true, fmt::format(R"({{"fleet": {{{}}}}})", fleet));
  }
  for (const char* members : {R"("exec": ["/bin/true", "a"])", R"("onecli": {})",
                              R"("onecli": {"secret_id": "x", "url": "https://u/", "api_key_file": "/k"})",
                              R"("exec": ["/x"], "profiles": [])"}) {
    config_is(true, sink(members));
  }
}

TEST_CASE("schema and reader refuse the same configurations") {
  for (const char* members : {R"("provider": "a/b")",
                              R"("provider": ".a")",
                              R"("provider": "")",
                              R"("provider": 1)",
                              R"("target": "run")",
                              R"("target": "/")",
                              R"("target": "//./")",
                              R"("target": "/a/../b")",
                              R"("target": "/..")",
                              R"("target": [])",
                              R"("target": ["/a", "/"])",
                              R"("target": ["a"])",
                              R"("target": "")",
                              R"("deliver_to": "some")",
                              R"("trust_annotations": "yes")",
                              R"("on_failure": "stop")",
                              R"("hook_wait": "8")",
                              R"("hook_wait": "8 s")",
                              R"("hook_wait": "-1s")",
                              R"("hook_wait": 8)",
                              R"("refresh_before": "1w")",
                              R"("mode": 444)",
                              R"("mode": "0999")",
                              R"("mode": "0044")",
                              R"("mode": "04444")",
                              R"("mode": "00444")",
                              R"("mode": "1444")",
                              R"("token_url": "")",
                              R"("ca_file": "ca.pem")",
                              R"("user_agent": "")",
                              R"("issuer": "as")",
                              R"("issuer": "https://a/?b")",
                              R"("redirect_uri": "https://127.0.0.1/")",
                              R"("redirect_uri": "http://127.0.0.1")",
                              R"("redirect_uri": "http://127.0.0.2/")",
                              R"("redirect_uri": "http://localhost:0/")",
                              R"("redirect_uri": "http://localhost:65536/")",
                              R"("redirect_uri": "http://localhost:080/")",
                              R"("redirect_uri": "http://localhost:/")",
                              R"("redirect_uri": "http://localhost/?a")",
                              R"("redirect_uri": "http://localhost.example/")",
                              R"("scopes": "openid")",
                              R"("proxy": [])",
                              R"("colour": "red")"}) {
    config_is(false, with(members));
  }
  for (const char* source :
       {R"({})", R"([])", R"("x")", R"({"exec": []})", R"({"exec": ["x"]})", R"({"exec": "/x"})",
        R"({"exec": ["/x"], "user": ""})", R"({"exec": ["/x"], "lifetime": 60})",
        R"({"exec": ["/x"], "timeout": "0s"})", R"({"exec": ["/x"], "environment": {"1": "a"}})",
        R"({"exec": ["/x"], "shell": "sh"})"}) {
    config_is(false, fmt::format(R"({{"profiles": {{"p": {{"source": {}}}}}}})", source));
  }
  for (const char* fleet : {"", R"("endpoints": ["https://a"])", R"("kubernetes": {})",
                            R"("endpoints": ["https://a"], "ca_file": "/a", "certificate_file": "/c")",
                            R"("kubernetes": {"namespace": "n"}, "certificate_file": "/c")",
                            R"("kubernetes": {"namespace": "n"}, "endpoints": ["https://a"])",
                            R"("kubernetes": {"namespace": "n", "server": "http://a"})",
                            R"("kubernetes": {"namespace": "a/b"})"}) {
    config_is(false, fmt::format(R"({{"fleet": {{{}}}}})", fleet));
  }
  config_is(false, with(R"("source": {"exec": ["/x"]})"));
  for (const char* text :
       {"", "[]", "null", "{", R"({"profile": {}})", R"({"profiles": []})", R"({"profiles": {"a/b": {}}})",
        R"({"profiles": {"claude": {}}})", R"({"profiles": {"claude": null}})",
        R"({"profiles": {"claude": {"credentials": 1}}})", R"({"runtime_dir": "run"})",
        R"({"runtime_dir": "/a", "runtime_dir": "/b"})", R"({"metrics_file": "/"})",
        R"({"metrics_file": "x.prom"})", R"({"sinks": {}})", R"({"sinks": [1]})"}) {
    config_is(false, text);
  }
  for (const char* members :
       {"", R"("exec": "x")", R"("exec": [1])", R"("exec": ["/x"], "onecli": {})", R"("onecli": [])",
        R"("onecli": {"secret": "x"})", R"("onecli": {"url": ""})", R"("exec": ["/x"], "profiles": "a")",
        R"("exec": ["/x"], "colour": 1)", R"("exec": [])", R"("exec": ["true"])"}) {
    config_is(false, sink(members));
  }
}

TEST_CASE("beyond a schema the reader alone decides") {
  for (const std::string& text : {with(R"("hook_wait": "367d")"), with(R"("user_agent": "a\u0000b")"),
                                  std::string(R"({"profiles": {"a": {"credentials": "/c", "target": "/t"},
                                     "b": {"credentials": "/c", "target": "/t"}}})")}) {
    CHECK(fits("config", text));
    CHECK_FALSE(parse_config(text, "f"));
  }
  CHECK(fits("config", R"({"profiles": {"p": {"source": {"exec": ["/x"], "timeout": "61s"}}}})"));
  CHECK(parse_config(R"({"profiles": {"p": {"source": {"exec": ["/x"], "timeout": "61s"}}}})", "f")
            .error()
            .message == "f: /profiles/p/source/timeout: '61s' is not between 1s and 1m");
  CHECK(fits("provider", R"({"credentials": {}})"));
  CHECK(parse_provider(R"({"credentials": {}})", "f", "p").error().message ==
        "f: /credentials: needs \"access_token\" or \"refresh_token\"");
}

TEST_CASE("schema and reader accept the same providers") {
  for (
      const char* members :
      {"",
       R"("body": "json")",
       R"("body": "form")",
       R"("scope": "stored")",
       R"("scope": "none")",
       R"("user_agent": "x")",
       R"("locks": [{"path": "{directory}.lock", "touch_every": "2s"}])",
       R"("lock_owner": "{directory}/x")",
       R"("save_locks": [])",
       R"("shadowed_by": ["A_KEY"])",
       R"("scope": "listed", "scopes": ["a", "b"])",
       R"("parameters": {"resource": "https://r/", "empty": ""})",
       R"("client_secret_file": "/s")",
       R"("issuer": "https://as/", "redirect_uri": "http://127.0.0.1/", "login_command": "x login")",
       R"("device_authorization_url": "https://d/", "authorization_url": "https://a/", "revocation_url": "https://r/")",
       R"("token_endpoint_auth_method": "client_secret_basic")",
       R"("save_locks": [{"path": "{directory}/l", "kind": "file", "content": "holder"}])",
       R"("deliver": [{"file": "x", "fields": [], "moved": {"/x": "/a"}, "constants": {"/r": "", "/c": "d"}}])",
       R"("save_locks": [{"path": "{directory}/x"}, {"path": "y", "stale_after": "015s"}])",
       R"("environment": {"A": "{target}"})",
       R"("login": {"directory": ".x/y", "variable": "X_HOME", "file": "a/..b.json"})",
       R"("deliver": [])",
       R"("deliver": [{"file": ".x.json", "fields": ["/a", "/b~0/c~1d"]}])"}) {
    provider_is(true, provider(members));
  }
  provider_is(true, provider("", R"("scopes": "/s", "login_expires_at": "/l", "times": "seconds")"));
  provider_is(true, provider("", R"("client_id": "/c", "refresh_token_expires_in": "sets")"));
  provider_is(true, provider("", R"("client_secret": "/s", "refreshed_at": "/t", "times": "rfc3339")"));
  provider_is(true, provider("", R"("answer": {"id_token": "/i"}, "parameters": {"p": "/p"})"));
  provider_is(true, R"({"credentials": {"refresh_token": "/r", "access_token_format": "jwt"}})");
  provider_is(true, R"({"credentials": {"access_token": "/a", "document": "text"}})");
  provider_is(true, provider("", R"("login_expires_at": "/l", "refresh_token_expires_in": "lowers")"));
}

TEST_CASE("schema and reader refuse the same providers") {
  for (const char* members : {R"("body": "xml")",
                              R"("scope": "all")",
                              R"("user_agent": "")",
                              R"("locks": "x")",
                              R"("locks": [1])",
                              R"("lock_owner": "")",
                              R"("lock_owner": 1)",
                              R"("scopes": "a b")",
                              R"("parameters": {"a b": "c"})",
                              R"("parameters": {"a": 1})",
                              R"("client_secret_file": "s")",
                              R"("redirect_uri": "https://x/")",
                              R"("authorization_url": "")",
                              R"("token_endpoint_auth_method": "private_key_jwt")",
                              R"("locks": ["x"])",
                              R"("locks": [{"path": "x", "kind": "fcntl"}])",
                              R"("locks": [{"path": "x", "content": "pid"}])",
                              R"("locks": [{"path": "x", "touch_every": "0s"}])",
                              R"("deliver": [{"file": "x", "fields": [], "moved": {"x": "/a"}}])",
                              R"("deliver": [{"file": "x", "fields": [], "moved": {"/x": "a"}}])",
                              R"("deliver": [{"file": "x", "fields": [], "constants": {"x": "a"}}])",
                              R"("deliver": [{"file": "x", "fields": [], "constants": {"/x": 1}}])",
                              R"("save_locks": ["x"])",
                              R"("save_locks": [{}])",
                              R"("save_locks": [{"path": ""}])",
                              R"("save_locks": [{"path": "x", "more": 1}])",
                              R"("save_locks": [{"path": "x", "stale_after": "0s"}])",
                              R"("save_locks": [{"path": "x", "stale_after": 15}])",
                              R"("environment": {"A": 1})",
                              R"("environment": [])",
                              R"("login": {"directory": ".x"})",
                              R"("login": {"file": "x"})",
                              R"("login": {"directory": "/x", "file": "x"})",
                              R"("login": {"directory": "..", "file": "x"})",
                              R"("login": {"directory": ".x", "file": "../x"})",
                              R"("login": {"directory": ".x", "file": "a/../x"})",
                              R"("login": {"directory": ".x", "file": "a/.."})",
                              R"("login": {"directory": ".x", "file": "x", "variable": "1"})",
                              R"("deliver": {})",
                              R"("deliver": [{}])",
                              R"("deliver": [{"file": "a/b", "fields": []}])",
                              R"("deliver": [{"file": "token", "fields": []}])",
                              R"("deliver": [{"file": "..", "fields": []}])",
                              R"("deliver": [{"file": "x.oci-oauth", "fields": []}])",
                              R"("deliver": [{"file": "x", "fields": ["a"]}])",
                              R"("deliver": [{"file": "x", "fields": ["/a~2"]}])",
                              R"("deliver": [{"file": "x", "fields": [], "member": "a"}])",
                              R"("deliver": [{"file": "x", "fields": [], "member": "/a~2"}])",
                              R"("deliver": [{"file": "x", "fields": [], "member": 1}])",
                              R"("deliver": [{"file": "x", "fields": [], "more": 1}])",
                              R"("colour": 1)"}) {
    provider_is(false, provider(members));
  }
  for (const char* fields :
       {R"("scopes": "s")", R"("times": "days")", R"("answer": {"id_token": "i"})", R"("client_secret": "s")",
        R"("parameters": {"p": "p"})", R"("refreshed_at": "t")", R"("access_token_format": "paseto")",
        R"("colour": "/c")", R"("client_id": "c")", R"("client_id": 1)",
        R"("refresh_token_expires_in": "raises")", R"("refresh_token_expires_in": 1)"}) {
    provider_is(false, provider("", fields));
  }
  for (const char* text : {"", "[]", "{}", R"({"token_url": "https://a/", "client_id": "c"})",
                           R"({"credentials": {"access_token": "/a", "document": "xml"}})",
                           R"({"token_url": "", "client_id": "c", "credentials":
                               {"access_token": "/a", "refresh_token": "/r", "expires_at": "/e"}})"}) {
    provider_is(false, text);
  }
}

TEST_CASE("every provider that is shipped matches its schema") {
  unsigned count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/oci-config/providers")) {
    provider_is(true, text_of(entry.path()));
    ++count;
  }
  CHECK(count > 0);
}
