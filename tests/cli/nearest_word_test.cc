// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"

#include "cli/command_line.h"

using namespace oci_oauth;

namespace {

constexpr std::string_view verbs[] = {"refresh", "status", "install", "uninstall"};

}  // namespace

TEST_CASE("a word is found despite a letter too many, too few, wrong, or swapped with its neighbour") {
  for (const std::string_view typed : {"refreshh", "refrsh", "refrexh", "rferesh"}) {
    INFO(typed);
    CHECK(nearest_word(typed, verbs) == "refresh");
  }
  CHECK(nearest_word("instal", verbs) == "install");
}

TEST_CASE("a word that is close to none finds none") {
  CHECK(nearest_word("doctor", verbs).empty());
  CHECK(nearest_word("", verbs).empty());
  CHECK(nearest_word(std::string(1000, 'x'), verbs).empty());
}
