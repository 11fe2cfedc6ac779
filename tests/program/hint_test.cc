// SPDX-License-Identifier: Apache-2.0
#include "program/hint.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/skip.h"

using namespace oci_oauth;

namespace {

// As sudo(8) starts a program, and back.
struct CameBySudo {
  CameBySudo() { ::setenv("SUDO_UID", "1000", 1); }
  ~CameBySudo() { ::unsetenv("SUDO_UID"); }
};

}  // namespace

TEST_CASE("who came with sudo is told commands with sudo") {
  if (::geteuid() != 0) return skip("needs root");
  const CameBySudo sudo;
  CHECK(as_typed("oci-oauth refresh a") == "sudo oci-oauth refresh a");
  CHECK(as_typed("chown 0 /a && chmod 0600 /a") == "sudo chown 0 /a && sudo chmod 0600 /a");
  CHECK(as_typed("to replace it: oci-oauth fleet join --force a") ==
        "to replace it: sudo oci-oauth fleet join --force a");
  CHECK(as_typed("log in again, then oci-oauth fleet join a") ==
        "log in again, then sudo oci-oauth fleet join a");
  CHECK(as_typed("sudo oci-oauth setup") == "sudo oci-oauth setup");
  CHECK(as_typed("log in first") == "log in first");
  CHECK(as_typed("claude /login") == "claude /login");
  CHECK(as_typed("") == "");
}

TEST_CASE("root, who has no sudo, is told none") {
  ::unsetenv("SUDO_UID");
  if (::geteuid() != 0) return skip("needs root");
  CHECK(as_typed("oci-oauth refresh a") == "oci-oauth refresh a");
  CHECK(as_typed("sudo snap remove docker && sudo apt-get install docker.io") ==
        "snap remove docker && apt-get install docker.io");
  CHECK(as_typed("run it as that user: sudo -u '#1000'") == "run it as that user: sudo -u '#1000'");
}

TEST_CASE("a user is told sudo for what only root can do") {
  if (::geteuid() != 0) return skip("needs root");
  REQUIRE(::seteuid(65534) == 0);
  const std::string package = as_typed("apt-get install podman"), own = as_typed("chmod 0600 /a"),
                    given = as_typed("chown 1000 /a && chmod 0600 /a"),
                    setup = as_typed("sudo oci-oauth setup");
  REQUIRE(::seteuid(0) == 0);
  CHECK(package == "sudo apt-get install podman");
  CHECK(own == "chmod 0600 /a");
  CHECK(given == "sudo chown 1000 /a && chmod 0600 /a");
  CHECK(setup == "sudo oci-oauth setup");
}

TEST_CASE("whoever reads what root has logged is told sudo") {
  if (::geteuid() != 0) return skip("needs root");
  CHECK(as_typed("chmod o-x '/a b'", HintReader::of_log) == "sudo chmod o-x '/a b'");
}

TEST_CASE("what a hint quotes is not a command of its own") {
  if (::geteuid() != 0) return skip("needs root");
  const CameBySudo sudo;
  CHECK(as_typed("rm '/a: rm && oci-oauth x'") == "sudo rm '/a: rm && oci-oauth x'");
  CHECK(as_typed(R"(rm '/it'\''s: rm b' && rm c)") == R"(sudo rm '/it'\''s: rm b' && sudo rm c)");
  CHECK(as_typed("set the profile's \"mode\", then oci-oauth refresh") ==
        "set the profile's \"mode\", then sudo oci-oauth refresh");
}

TEST_CASE("a hint names the configuration that the program was given") {
  ::unsetenv("SUDO_UID");
  name_configuration("/my hosts/a.json");
  CHECK(as_typed("oci-oauth refresh a && oci-oauth status") ==
        "oci-oauth --config '/my hosts/a.json' refresh a && oci-oauth --config '/my hosts/a.json' status");
  CHECK(as_typed(as_typed("oci-oauth doctor")) == "oci-oauth --config '/my hosts/a.json' doctor");
  for (const std::string of_the_default :
       {"oci-oauth setup", "oci-oauth install proxy", "oci-oauth --help", "oci-oauth status --help"})
    CHECK(as_typed(of_the_default) == of_the_default);
  name_configuration("");
}

TEST_CASE("a hint names what was typed, with sudo where that is needed") {
  ::unsetenv("SUDO_UID");
  CHECK(as_typed("$0") == "oci-oauth status");
  name_typed_words("setup --credentials '/a b'");
  CHECK(as_typed("$0 --yes") == "oci-oauth setup --credentials '/a b' --yes");
  CHECK(as_typed("sudo -u '#1000' $0") == "sudo -u '#1000' oci-oauth setup --credentials '/a b'");
  if (::geteuid() == 0) {
    const CameBySudo sudo;
    CHECK(as_typed("for the whole machine: sudo $0") ==
          "for the whole machine: sudo oci-oauth setup --credentials '/a b'");
  }
  name_typed_words("token claude");
  name_configuration("/a.json");
  ::unsetenv("SUDO_UID");
  CHECK(as_typed("$0") == "oci-oauth --config /a.json token claude");
  name_configuration("");
  name_typed_words("status");
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
