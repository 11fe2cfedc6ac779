// SPDX-License-Identifier: Apache-2.0
#include "delivery/hook_entry.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

std::string entry_of(const HookProgram& hook, const std::vector<std::string>& profiles) {
  return std::string(write_json(hook_entry(hook, "createRuntime", profiles)).reveal());
}

}  // namespace

TEST_CASE("a hook's entry names program, stage, environment and timeout") {
  CHECK(entry_of({hook_path("/usr")}, {}) ==
        R"({"path":"/usr/libexec/oci/hooks.d/oci-oauth-hook","args":["oci-oauth-hook","createRuntime"],)"
        R"("env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"timeout":15})");
}

TEST_CASE("a configuration and profiles come before the stage") {
  CHECK(entry_of({"/h", "/c"}, {"a", "b"})
            .find(R"(["oci-oauth-hook","--config","/c","--profile","a","--profile","b","createRuntime"])") !=
        std::string::npos);
}
