// SPDX-License-Identifier: Apache-2.0
#include "program/hint.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("an error's own hint comes before its kind's") {
  CHECK(hint_of({ErrorKind::configuration, "m", "do this"}) == "do this");
  CHECK(hint_of({ErrorKind::configuration, "m", ""}) == "man 5 oci-oauth-config");
}

TEST_CASE("every kind of error has something that a person can do") {
  for (const ErrorKind kind : {ErrorKind::failed, ErrorKind::usage, ErrorKind::configuration,
                               ErrorKind::not_found, ErrorKind::action_required, ErrorKind::temporary}) {
    CHECK_FALSE(hint_of({kind, "m", ""}).empty());
  }
}
