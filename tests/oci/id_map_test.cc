// SPDX-License-Identifier: Apache-2.0
#include "oci/id_map.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

IdMap map(std::string_view text) {
  auto parsed = IdMap::parse(text, "map");
  REQUIRE(parsed);
  return std::move(*parsed);
}

}  // namespace

TEST_CASE("an id is found in each range, in both directions") {
  const IdMap rootless = map("         0       1000          1\n         1     100000      65536\n");
  CHECK(rootless.outside(0) == 1000);
  CHECK(rootless.outside(1) == 100000);
  CHECK(rootless.outside(65536) == 165535);
  CHECK(rootless.inside(1000) == 0);
  CHECK(rootless.inside(100999) == 1000);
}

TEST_CASE("an id outside of all ranges is not mapped") {
  const IdMap one = map("0 100000 10");
  CHECK_FALSE(one.outside(10));
  CHECK_FALSE(one.inside(99999));
  CHECK_FALSE(one.inside(100010));
  CHECK_FALSE(map("").outside(0));
}

TEST_CASE("the host's own map is the identity") {
  CHECK(map("         0          0 4294967295\n").outside(4294967294) == 4294967294);
}

TEST_CASE("an id that would wrap around to another, or to no id, is not mapped") {
  CHECK_FALSE(map("0 4294967000 65536").outside(296));
  CHECK_FALSE(map("0 4294967000 65536").outside(295));
  CHECK(map("0 4294967000 65536").outside(294) == 4294967294);
}

TEST_CASE("the strings of statmount are a map too") {
  CHECK(map(std::string_view("0 100000 10\0"
                             "10 7 1\0",
                             19))
            .outside(10) == 7);
}

TEST_CASE("a text in another format is refused with its source") {
  for (const char* text : {"0", "0 1", "a b c", "0 1 2x", "-1 0 1", "0 0 4294967296", "0,0,1"}) {
    const auto parsed = IdMap::parse(text, "map");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message == "map: is not an id mapping");
  }
}
