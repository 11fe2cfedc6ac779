// SPDX-License-Identifier: Apache-2.0
#include "oci/state.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a state has an id, a bundle, and a pid while the container runs") {
  const auto state =
      parse_state(R"({"ociVersion":"1.0","id":"a1","pid":42,"status":"creating","bundle":"/b"})");
  REQUIRE(state);
  CHECK(state->id == "a1");
  CHECK(state->pid == 42);
  CHECK(state->bundle == "/b");
  CHECK(parse_state(R"({"id":"a1","bundle":"/b"})")->pid == 0);
}

TEST_CASE("a runtime that writes -1 for a process that is gone means none") {
  CHECK(parse_state(R"({"id":"a1","bundle":"/b","pid":-1})")->pid == 0);
}

TEST_CASE("a state in any other format is refused") {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"id":"a"})", R"({"id":"../a","bundle":"/b"})", R"({"id":"a","bundle":"b"})",
        R"({"id":"a","bundle":"/b","pid":-2})", R"({"id":"a","bundle":"/b","pid":"1"})",
        R"({"id":"a","bundle":"/b","pid":1.5})", R"({"id":"a","bundle":"/b","pid":18446744073709551615})"}) {
    const auto state = parse_state(text);
    REQUIRE_FALSE(state);
    CHECK(state.error().message.starts_with("state"));
  }
}

TEST_CASE("an id that could lead out of a directory is not an id") {
  CHECK(is_valid_container_id("3f0c_A.b+c-d"));
  for (const char* id : {"", ".", "..", ".a", "a/b", "a b"}) CHECK_FALSE(is_valid_container_id(id));
}
