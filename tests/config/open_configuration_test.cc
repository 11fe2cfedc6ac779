// SPDX-License-Identifier: Apache-2.0
#include "config/open_configuration.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/child_process.h"

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
  CHECK(told("") ==
        "/nonexistent/oci-oauth/config.json: No such file or directory|oci-oauth setup creates one; man 5 "
        "oci-oauth-config has an example");
}

TEST_CASE("who has named a configuration is told to create that one") {
  const std::string expected =
      "/none.json: No such file or directory|create it; man 5 oci-oauth-config has an example";
  CHECK(told("/none.json") == expected);
  CHECK(told("", "/none.json") == expected);
}
