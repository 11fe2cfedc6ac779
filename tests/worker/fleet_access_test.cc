// SPDX-License-Identifier: Apache-2.0
#include "worker/fleet_access.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

// Of a follower, whose files are all there.
FleetConfig config_in(const TempDir& home) {
  FleetConfig config;
  config.role = FleetRole::follower;
  config.keys = home / "";
  config.ca_file = home.write("ca", "text");
  config.certificate_file = home.write("pem", "text");
  config.key_file = home.write("key", "text");
  home.write("access.key", "text");
  home.write("signers", "text");
  for (const char* file : {"key", "access.key"}) REQUIRE(::chmod((home / file).c_str(), 0600) == 0);
  return config;
}

}  // namespace

TEST_CASE("which boot it is comes from the unit if the sandbox hides it, in the same form") {
  const TempDir home;
  const FleetConfig config = config_in(home);
  REQUIRE(::unsetenv(boot_variable) == 0);
  const auto kernels = fleet_access(config);
  REQUIRE(kernels);
  CHECK(kernels->boot.size() == 32);
  CHECK(kernels->boot.find_first_not_of("0123456789abcdef") == std::string::npos);
  REQUIRE(::setenv(boot_variable, "00112233445566778899aabbccddeeff", 1) == 0);
  CHECK(fleet_access(config)->boot == "00112233445566778899aabbccddeeff");
  REQUIRE(::unsetenv(boot_variable) == 0);
}

TEST_CASE("keys that the service manager gives take precedence over those in the directory") {
  const TempDir home, given;
  const FleetConfig config = config_in(home);
  given.write("oci-oauth.access.key", "another");
  REQUIRE(::chmod((given / "oci-oauth.access.key").c_str(), 0400) == 0);
  REQUIRE(::setenv("CREDENTIALS_DIRECTORY", (given / "").c_str(), 1) == 0);
  const auto access = fleet_access(config);
  REQUIRE(::unsetenv("CREDENTIALS_DIRECTORY") == 0);
  REQUIRE(access);
  CHECK(access->access == Secret(std::string("another")));
  CHECK(access->signers == Secret(std::string("text")));
  CHECK(fleet_access(config)->access == Secret(std::string("text")));
}
