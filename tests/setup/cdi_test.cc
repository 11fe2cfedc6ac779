// SPDX-License-Identifier: Apache-2.0
#include "setup/engine.h"

#include "base/json.h"
#include "config/config.h"
#include "config/provider.h"
#include "support/catch.h"
#include "support/providers.h"

using namespace oci_oauth;

namespace {

const HookProgram hook = {"/usr/libexec/oci/hooks.d/oci-oauth-hook"};

std::string version_of(const std::string& profile) {
  const auto spec = cdi_spec({{profile, {}}}, hook);
  REQUIRE(spec);
  const auto json = parse_json(*spec, "");
  REQUIRE(json);
  return std::string(json_string(*json, "cdiVersion").value_or(""));
}

}  // namespace

TEST_CASE("each profile is a device with its environment and both hooks, and one without the environment") {
  const auto claude = load_provider("claude", {test::providers_of(SOURCE_DIR)});
  REQUIRE(claude);
  const auto spec = cdi_spec({{"claude", environment_of(*claude, Profile{}, "/run/secrets/claude")}}, hook);
  REQUIRE(spec);
  const std::string both_hooks = R"(        "hooks": [
          {
            "path": "/usr/libexec/oci/hooks.d/oci-oauth-hook",
            "args": [
              "oci-oauth-hook",
              "--profile",
              "claude",
              "createRuntime"
            ],
            "env": [
              "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
            ],
            "timeout": 15,
            "hookName": "createRuntime"
          },
          {
            "path": "/usr/libexec/oci/hooks.d/oci-oauth-hook",
            "args": [
              "oci-oauth-hook",
              "--profile",
              "claude",
              "poststop"
            ],
            "env": [
              "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
            ],
            "timeout": 15,
            "hookName": "poststop"
          }
        ]
)";
  CHECK(*spec == R"({
  "cdiVersion": "0.3.0",
  "kind": "oci-oauth.dev/profile",
  "devices": [
    {
      "name": "claude",
      "containerEdits": {
        "env": [
          "CLAUDE_SECURESTORAGE_CONFIG_DIR=/run/secrets/claude"
        ],
)" + both_hooks + R"(      }
    },
    {
      "name": "claude:no-env",
      "containerEdits": {
)" + both_hooks + R"(      }
    }
  ]
}
)");
}

TEST_CASE("a provider without variables makes one device, without env") {
  const auto spec = cdi_spec({{"a", {}}, {"b", {"B=1"}}}, hook);
  REQUIRE(spec);
  const auto json = parse_json(*spec, "");
  REQUIRE(json);
  CHECK(json_at(*json, "/devices/0/containerEdits/env") == nullptr);
  CHECK(json_string(*json_at(*json, "/devices/1"), "name") == "b");
  CHECK(json_at(*json, "/devices/1/containerEdits/env/0") != nullptr);
}

TEST_CASE("the version is the lowest that the devices' names need") {
  CHECK(version_of("claude") == "0.3.0");
  CHECK(version_of("7") == "0.5.0");
}

TEST_CASE("a name that CDI does not allow is reported before an engine refuses the file") {
  for (const char* name : {"a-", "a_", "a."}) {
    const auto spec = cdi_spec({{name, {}}}, hook);
    REQUIRE_FALSE(spec);
    CHECK(spec.error().message ==
          "profile '" + std::string(name) + "': is not a valid name for a CDI device");
  }
  CHECK_FALSE(cdi_spec({}, hook));
}
