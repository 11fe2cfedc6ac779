// SPDX-License-Identifier: Apache-2.0
#include "hook/hook_call.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

const Log precreate_log = Log::to_syslog("precreate_test");

Config a_config() {
  auto config =
      parse_config(R"({"profiles": {"claude": {"credentials": "/home/me/.credentials.json"}}})", "c");
  REQUIRE(config);
  config->runtime_dir = "/run/oci-oauth";
  return std::move(*config);
}

}  // namespace

TEST_CASE("the config.json of a container that nobody chose comes back byte for byte") {
  const std::string text = " {\"ociVersion\": \"1.0.2\", \"mounts\": []}\n";
  CHECK(precreate(text, a_config(), {}, precreate_log) == text);
}

TEST_CASE("a config.json that cannot be read comes back as it was") {
  CHECK(precreate("{\"mounts\": 1}", a_config(), {}, precreate_log) == "{\"mounts\": 1}");
  CHECK(precreate("", a_config(), {}, precreate_log).empty());
}

TEST_CASE("a provider that cannot be read costs a chosen container its environment, not its start") {
  const std::string text = R"({"ociVersion": "1.0.2", "process": {"env": ["A=b"]}, "mounts": []})";
  CHECK(precreate(text, a_config(), {"claude"}, precreate_log) == text);
}
