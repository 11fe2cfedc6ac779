// SPDX-License-Identifier: Apache-2.0
#include "token/refresh_mark.h"

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

struct Lock {
  TempDir dir;
  FileAt file = {.path = dir.write("lock", "")};
  UniqueFd fd{::open(file.path.c_str(), O_RDWR | O_CLOEXEC)};
};

}  // namespace

TEST_CASE("the time of a refresh under way is read back, and gone once it is over") {
  const Lock lock;
  const SteadyTime now = std::chrono::steady_clock::now();
  const SteadyTime began = now - std::chrono::milliseconds(1500);
  {
    const RefreshMark mark(lock.fd.get(), began);
    CHECK(beginning_of_refresh(lock.file, now) == began);
  }
  CHECK_FALSE(beginning_of_refresh(lock.file, now));
}

TEST_CASE("a lock that nobody marked has the wall clock's time, which is no mark") {
  const Lock lock;
  CHECK_FALSE(beginning_of_refresh(lock.file, std::chrono::steady_clock::now()));
  CHECK_FALSE(beginning_of_refresh({.path = lock.dir / "missing"}, std::chrono::steady_clock::now()));
}

TEST_CASE("the mark of a refresher that was killed is taken away") {
  const Lock lock;
  const SteadyTime now = std::chrono::steady_clock::now();
  const timespec times[] = {{1, 0}, {1, 0}};  // a second after the start of the host
  REQUIRE(::futimens(lock.fd.get(), times) == 0);
  REQUIRE(beginning_of_refresh(lock.file, now));
  clear_refresh_mark(lock.fd.get());
  CHECK_FALSE(beginning_of_refresh(lock.file, now));
}
