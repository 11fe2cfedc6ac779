// SPDX-License-Identifier: Apache-2.0
#include "hook/hook_call.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

std::string refusal(const std::vector<std::string_view>& words) {
  const auto arguments = parse_hook_arguments(words);
  return arguments ? "accepted" : arguments.error().message;
}

}  // namespace

TEST_CASE("a hook's stage is its last argument, after options") {
  const auto arguments =
      parse_hook_arguments({"--profile", "a", "--config", "/etc/c.json", "--profile", "b", "createRuntime"});
  REQUIRE(arguments);
  CHECK(arguments->stage == Stage::create_runtime);
  CHECK(arguments->config == "/etc/c.json");
  CHECK(arguments->profiles == std::vector<std::string>{"a", "b"});
}

TEST_CASE("prestart, which came before createRuntime, is the same stage") {
  CHECK(parse_hook_arguments({"prestart"})->stage == Stage::create_runtime);
  CHECK(parse_hook_arguments({"poststop"})->stage == Stage::poststop);
  CHECK(parse_hook_arguments({"precreate"})->stage == Stage::precreate);
}

TEST_CASE("a call that a hook does not understand is refused by name") {
  CHECK(refusal({}) == "no stage given");
  CHECK(refusal({"--config", "/c"}) == "no stage given");
  CHECK(refusal({"poststart"}) == "unknown stage 'poststart'");
  CHECK(refusal({"--profil", "a", "createRuntime"}) == "unknown option '--profil'");
  CHECK(refusal({"createRuntime", "more"}) == "unknown argument 'more'");
  CHECK(refusal({"--profile"}) == "option '--profile' needs a value");
  CHECK(refusal({"--config", "c.json", "poststop"}) == "'c.json' is not an absolute path");
}
