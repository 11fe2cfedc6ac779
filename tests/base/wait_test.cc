// SPDX-License-Identifier: Apache-2.0
#include "base/wait.h"

#include "base/child.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Patience long_patience = {20s, 30s};

}  // namespace

TEST_CASE("what becomes readable ends the wait, and nobody is told") {
  auto pipe = make_pipe();
  REQUIRE(pipe);
  pipe->writing.reset();
  unsigned told = 0;
  Supervision supervision(long_patience);
  CHECK(supervision.wait({readable(pipe->reading.get())}, [&] { ++told; }));
  CHECK(told == 0);
}

TEST_CASE("children are told once when their time is over, and are then not waited for any longer") {
  unsigned told = 0;
  Supervision supervision({20ms, 60ms});
  CHECK(supervision.wait({}, [&] { ++told; }));
  CHECK(told == 1);
  CHECK_FALSE(supervision.wait({}, [&] { ++told; }));
  CHECK(told == 1);
}

TEST_CASE("a signal to the caller is passed on instead, also one that came between two waits") {
  auto child = run_in_child([] {
    unsigned told = 0;
    Supervision supervision(long_patience);
    ::raise(SIGTERM);
    (void)supervision.wait({}, [&] { ++told; });
    return told == 1 && Supervision::is_stopping() ? 5 : 1;
  });
  REQUIRE(child);
  CHECK(child->wait().code() == 5);
}
