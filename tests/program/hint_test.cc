// SPDX-License-Identifier: Apache-2.0
#include "program/hint.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/skip.h"

using namespace oci_oauth;

TEST_CASE("who came with sudo is told commands with sudo") {
  ::unsetenv("SUDO_UID");
  CHECK(as_typed("oci-oauth refresh a") == "oci-oauth refresh a");
  if (::geteuid() != 0) return skip("needs root");
  ::setenv("SUDO_UID", "1000", 1);
  CHECK(as_typed("oci-oauth refresh a") == "sudo oci-oauth refresh a");
  CHECK(as_typed("chown 0 /a && chmod 0600 /a") == "sudo chown 0 /a && sudo chmod 0600 /a");
  CHECK(as_typed("to replace it: oci-oauth fleet join --force a") ==
        "to replace it: sudo oci-oauth fleet join --force a");
  CHECK(as_typed("sudo oci-oauth setup") == "sudo oci-oauth setup");
  CHECK(as_typed("log in first") == "log in first");
  ::unsetenv("SUDO_UID");
}

TEST_CASE("a command of root's has sudo, whoever asks for it") {
  CHECK(with_sudo("chmod o-x '/a b'") == "sudo chmod o-x '/a b'");
}

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
