// SPDX-License-Identifier: Apache-2.0
#include "delivery/failures.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

const Log quiet = Log::to_syslog("failures_test");

Profile profile(const char* name, OnFailure on_failure) {
  Profile profile;
  profile.name = name;
  profile.on_failure = on_failure;
  return profile;
}

const Profile starting = profile("starting", OnFailure::start);
const Profile blocking = profile("blocking", OnFailure::block);

Error error(const char* what) {
  return {ErrorKind::failed, what, "a remedy"};
}

}  // namespace

TEST_CASE("a container starts if nothing went wrong") {
  CHECK(Failures("c").judge(quiet));
}

TEST_CASE("a container without a token starts where its profile says so") {
  Failures failures("c");
  failures.add(starting, error("no token"));
  CHECK(failures.judge(quiet));
}

TEST_CASE("a container without a token is not created if its profile blocks") {
  Failures failures("c");
  failures.add(starting, error("no token"));
  CHECK_FALSE(failures.block());
  failures.add(blocking, error("nothing mounted"));
  CHECK(failures.block());
  failures.add(blocking, error("another"));
  const auto verdict = failures.judge(quiet);
  REQUIRE_FALSE(verdict);
  CHECK(verdict.error().message == "profile 'blocking', container c: nothing mounted");
  CHECK(verdict.error().hint == "a remedy");
}

TEST_CASE("a container with a valid token starts whatever became of a refresh") {
  Failures failures("c");
  failures.warn(blocking, error("no refresher"));
  CHECK_FALSE(failures.block());
  CHECK(failures.judge(quiet));
}
