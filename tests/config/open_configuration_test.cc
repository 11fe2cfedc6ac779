// SPDX-License-Identifier: Apache-2.0
#include "config/open_configuration.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

// What a user whose home does not exist is told.
std::string told(const std::string& named, const char* variable = nullptr) {
  const ChildProcess user([&] {
    if (::geteuid() == 0 && ::setresuid(54321, 54321, 54321) != 0) return failed("setresuid");
    ::setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    ::unsetenv("OCI_OAUTH_CONFIG");
    if (variable != nullptr) ::setenv("OCI_OAUTH_CONFIG", variable, 1);
    const auto config = open_configuration(named);
    return config ? std::string("opened") : config.error().message + "|" + config.error().hint;
  });
  return user.answer();
}

}  // namespace

TEST_CASE("who has no configuration is told the command that makes one") {
  CHECK(told("") == "/nonexistent/oci-oauth/config.json: No such file or directory|oci-oauth setup");
}

TEST_CASE("who has named a configuration is told to create that one") {
  const std::string expected =
      "/none.json: No such file or directory|create it, as shown in: man 5 oci-oauth-config";
  CHECK(told("/none.json") == expected);
  CHECK(told("", "/none.json") == expected);
}

TEST_CASE("one configuration for all hosts of a fleet says what each of them does") {
  const TempDir directory;
  const auto opened =
      [&](const std::string& host) {
        return open_configuration(directory.write("config.json", R"({"runtime_dir": "/run/x",
      "fleet": {"endpoints": ["https://a"], "ca_file": "/a", "certificate_file": "/c", "key_file": "/k",
                "refreshers": ["one", "two"], "host": ")" + host + R"("},
      "profiles": {"claude": {"fleet": true, "credentials": "/home/me/login"}},
      "sinks": [{"exec": ["/one"], "host": "one"}, {"exec": ["/three"], "host": "three"}]})"))
            .take();
      };
  for (const auto& [host, role, sink] : {std::tuple{"one", FleetRole::refresher, "/one"},
                                         {"two", FleetRole::refresher, ""},
                                         {"three", FleetRole::follower, "/three"}}) {
    const Config config = opened(host);
    CHECK(config.fleet->role == role);
    const std::string kept = config.sinks.empty() ? "" : config.sinks.front().exec.front();
    CHECK(kept == sink);
  }
}

TEST_CASE("a host that is not named otherwise has its host name") {
  const TempDir directory;
  char name[256] = "";
  REQUIRE(::gethostname(name, sizeof name - 1) == 0);
  const auto config = open_configuration(directory.write(
      "config.json", std::string(R"({"runtime_dir": "/run/x", "profiles": {"claude": {"credentials": "/l"}},
        "sinks": [{"exec": ["/c"], "host": ")") +
                         name + R"("}, {"exec": ["/d"], "host": "another"}]})"));
  REQUIRE(config);
  CHECK(config->sinks.size() == 1);
}
