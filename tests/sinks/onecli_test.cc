// SPDX-License-Identifier: Apache-2.0
#include "sinks/onecli.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "support/catch.h"
#include "support/onecli_server.h"
#include "support/temp_dir.h"
#include "support/token_endpoint.h"

namespace oci_oauth {

using namespace std::chrono_literals;
using test::OneCliServer;

namespace {

const std::string quoted_token = "sk-ant-oat01-made-up-for-a-test-\"0123456789";
const std::string json_token = "sk-ant-oat01-made-up-for-a-test-\\\"0123456789";

using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables) {
  return [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

Result<OneCliRequest> resolve(const OneCliSink& sink, const Variables& variables = {}) {
  return resolve_onecli(sink, "/sinks/0", environment(variables));
}

std::string reason(const OneCliSink& sink, const Variables& variables = {}) {
  const auto settings = resolve(sink, variables);
  if (settings) return "";
  CHECK(settings.error().kind == ErrorKind::configuration);
  return settings.error().message;
}

struct Files {
  TempDir directory;
  std::string write(const std::string& name, const std::string& content, mode_t mode = 0600) const {
    const std::string path = directory.write(name, content);
    ::chmod(path.c_str(), mode);
    return path;
  }
};

Result<void> update(OneCliRequest request, const std::string& credentials = "/c.json") {
  request.credentials = credentials;
  request.timeout = 20s;
  request.token = Secret(quoted_token);
  return update_secret(request, ONECLI_SENDER);
}

}  // namespace

TEST_CASE("each OneCLI setting comes from the configuration, else from env_file, else from the environment") {
  const Files files;
  OneCliSink sink;
  sink.env_file = files.write("env", "ONECLI_URL=https://file.example\nONECLI_API_KEY='from file'\n");
  sink.secret_id = "configured";
  const Variables variables = {{"ONECLI_OAUTH_SECRET_ID", "environment"},
                               {"ONECLI_API_KEY", "environment"},
                               {"ONECLI_URL", "https://environment.example"}};
  CHECK(reason(sink, variables) ==
        "/sinks/0/onecli: the API key: is not a single line of printable characters");
  files.write("env", "ONECLI_URL=https://file.example\nONECLI_API_KEY=file-key\n");
  const auto settings = resolve(sink, variables);
  REQUIRE(settings);
  CHECK(settings->secret_id == "configured");
  CHECK(settings->url == "https://file.example");
  CHECK(settings->api_key.reveal() == "file-key");
}

TEST_CASE("ONECLI_API_HOST stands in for ONECLI_URL, and a program for both") {
  CHECK(resolve({}, {{"ONECLI_OAUTH_SECRET_ID", "s"}, {"ONECLI_API_HOST", "https://a"}})->url == "https://a");
  CHECK(resolve(
            {},
            {{"ONECLI_OAUTH_SECRET_ID", "s"}, {"ONECLI_API_HOST", "https://a"}, {"ONECLI_URL", "https://b"}})
            ->url == "https://b");
  const auto by_program = resolve({}, {{"ONECLI_OAUTH_SECRET_ID", "s"}, {"ONECLI_BIN", "/bin/onecli"}});
  CHECK((by_program->url.empty() && by_program->program == "/bin/onecli"));
  const auto by_http = resolve(
      {}, {{"ONECLI_OAUTH_SECRET_ID", "s"}, {"ONECLI_BIN", "/bin/onecli"}, {"ONECLI_URL", "https://b"}});
  CHECK((by_http->program.empty() && by_http->url == "https://b"));
}

TEST_CASE("a program in the configuration is used whatever address the environment has") {
  OneCliSink sink;
  sink.secret_id = "s";
  sink.program = "/bin/onecli";
  CHECK(resolve(sink, {{"ONECLI_URL", "https://a"}})->url.empty());
}

TEST_CASE("the API key is the only line of its file") {
  const Files files;
  OneCliSink sink;
  sink.secret_id = "s";
  sink.url = "https://a";
  sink.api_key_file = files.write("key", "oc_key\n");
  CHECK(resolve(sink)->api_key.reveal() == "oc_key");
  files.write("key", " \n");
  CHECK(reason(sink) == "/sinks/0/onecli: " + sink.api_key_file + ": contains no key");
  files.write("key", "one\r\nX-Header: two");
  CHECK(reason(sink) == "/sinks/0/onecli: the API key: is not a single line of printable characters");
}

TEST_CASE("a file that others can read, or that is not ours, is refused with the command that fixes it") {
  const Files files;
  OneCliSink sink;
  sink.secret_id = "s";
  sink.url = "https://a";
  std::string& path = GENERATE(true, false) ? sink.api_key_file : sink.env_file;
  path = files.write("file", "ONECLI_API_KEY=secret\n", 0640);
  auto settings = resolve(sink);
  REQUIRE_FALSE(settings);
  CHECK(settings.error().message.find(path + ": must belong to") != std::string::npos);
  CHECK(settings.error().message.find("0640") != std::string::npos);
  CHECK(settings.error().hint.find("chmod 0600 " + path) != std::string::npos);
  if (::geteuid() == 0) {
    files.write("file", "ONECLI_API_KEY=secret\n");
    REQUIRE(::chown(path.c_str(), 54321, 54321) == 0);
    CHECK(reason(sink).find("it has uid 54321") != std::string::npos);
  }
  path = files.directory / "missing";
  CHECK(reason(sink) == "/sinks/0/onecli: " + path + ": No such file or directory");
}

TEST_CASE("what is missing or cannot be used is named") {
  const Variables id = {{"ONECLI_OAUTH_SECRET_ID", "s"}};
  const auto with = [&](const std::string& name, const std::string& value) {
    Variables variables = id;
    variables[name] = value;
    return reason({}, variables);
  };
  CHECK(reason({}).starts_with("/sinks/0/onecli: secret_id: is not set here, nor as ONECLI_OAUTH_SECRET_ID"));
  CHECK(reason({}, id).starts_with("/sinks/0/onecli: url: is not set here, nor as ONECLI_URL"));
  CHECK(with("ONECLI_BIN", "onecli") == "/sinks/0/onecli: ONECLI_BIN: 'onecli' is not an absolute path");
  CHECK(with("ONECLI_OAUTH_SECRET_ID", "../x") ==
        "/sinks/0/onecli: ONECLI_OAUTH_SECRET_ID: '../x' is not a valid secret id");
}

TEST_CASE("a secret is updated with one PATCH, over TLS and over HTTP to a loopback address") {
  const Files files;
  const OneCliServer server({.tls = GENERATE(true, false), .api_key = "oc_key"});
  OneCliRequest request = {"secret-1", server.url() + "/", files.write("ca", server.ca_pem(), 0644), "",
                           Secret(std::string_view("oc_key"))};
  // As root the request is made with the rights of the login's owner, who has to be able to read the CA file.
  const std::string login = files.write("login", "");
  ::chmod(files.directory.path().c_str(), 0755);
  if (::geteuid() == 0) REQUIRE(::chown(login.c_str(), 54321, 54321) == 0);
  const auto done = update(std::move(request), login);
  INFO((done ? "" : done.error().message));
  CHECK(done);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "PATCH");
  CHECK(requests[0].path == "/v1/secrets/secret-1");
  CHECK(requests[0].authorization == "Bearer oc_key");
  CHECK(requests[0].content_type == "application/json");
  CHECK(requests[0].body == "{\"value\":\"" + json_token + "\"}");
}

TEST_CASE("an older server is asked at its own path, and a server in local mode without a key") {
  const OneCliServer server({.tls = false, .prefix = "/api/secrets/"});
  CHECK(update({"secret-1", server.url(), "", "", Secret()}));
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].path == "/v1/secrets/secret-1");
  CHECK(requests[1].path == "/api/secrets/secret-1");
  CHECK(requests[1].authorization.empty());
}

TEST_CASE("an answer that is not a success is reported with its status and nothing of its body") {
  const int status = GENERATE(302, 400, 401, 404, 500);
  const OneCliServer server({.tls = false, .fails_with = status});
  const auto done = update({"secret-1", server.url(), "", "", Secret()});
  REQUIRE_FALSE(done);
  const std::string path = status == 404 ? "/api/secrets/secret-1" : "/v1/secrets/secret-1";
  CHECK(done.error().message == "PATCH " + server.url() + path + ": answered " + std::to_string(status));
  CHECK(done.error().hint.empty() == (status != 401 && status != 404));
  CHECK(server.requests().size() == (status == 404 ? 2 : 1));
}

TEST_CASE("an address that a token may not be sent to is refused") {
  const auto done = update({"secret-1", "http://172.17.0.1:10254", "", "", Secret()});
  REQUIRE_FALSE(done);
  CHECK(done.error().message ==
        "url: 'http://172.17.0.1:10254' is neither https nor http to a loopback address");
}

TEST_CASE("a server that cannot be trusted gets nothing") {
  const OneCliServer server({});
  const auto done = update({"secret-1", server.url(), "", "", Secret()});
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("certificate of localhost") != std::string::npos);
  CHECK(server.requests().empty());
}

TEST_CASE("where only the program is known it is run with the token as its last argument") {
  const Files files;
  const std::string seen = files.directory / "seen";
  const std::string program = files.write(
      "onecli", "#!/bin/sh\nprintf '%s ' \"$@\" \"$ONECLI_API_KEY\" \"${HOME:+home}\" >" + seen, 0700);
  const auto done = update({"secret-1", "", "", program, Secret(std::string_view("oc_key"))});
  INFO((done ? "" : done.error().message));
  CHECK(done);
  CHECK(files.directory.read("seen") ==
        "secrets update --id secret-1 --value " + quoted_token + " oc_key home ");

  files.write("onecli", "#!/bin/sh\necho \"refused $6\"; exit 1", 0700);
  CHECK(update({"secret-1", "", "", program, Secret()}).error().message ==
        program + ": exit status 1: refused [hidden]");
}

}  // namespace oci_oauth
