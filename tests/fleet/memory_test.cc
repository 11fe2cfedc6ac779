// SPDX-License-Identifier: Apache-2.0
#include "fleet/memory.h"

#include <fcntl.h>

#include "base/file.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

UniqueFd open_directory(const TempDir& directory) {
  return open_file({.path = directory / "."}, O_RDONLY | O_DIRECTORY).take();
}

}  // namespace

TEST_CASE("a memory is read as it was written, and a missing or damaged one is new") {
  const TempDir directory;
  const UniqueFd fd = open_directory(directory);
  CHECK(read_memory(fd.get(), "d", "login.json").take() == FleetMemory{});
  FleetMemory memory;
  memory.record = R"({"version": 1})";
  memory.look("n1", "i1", {"boot", 5s});
  REQUIRE(write_memory(fd.get(), "d", "login.json", memory));
  CHECK(read_memory(fd.get(), "d", "login.json").take() == memory);
  directory.write(memory_name("login.json"), "{\"version\": 1, ");
  CHECK(read_memory(fd.get(), "d", "login.json").take() == FleetMemory{});
}

TEST_CASE("looks are in touch while none comes late, and in one boot") {
  FleetMemory memory;
  memory.look("n1", "", {"boot", 100s});
  memory.look("n1", "", {"boot", 100s + longest_gap});
  CHECK(memory.first == 100s);
  memory.look("n1", "", {"boot", 101s + 2 * longest_gap});
  CHECK(memory.first == 101s + 2 * longest_gap);
  memory.look("n1", "", {"other boot", 102s + 2 * longest_gap});
  CHECK(memory.first == 102s + 2 * longest_gap);
}

TEST_CASE("a record and an intent are watched since this very one was first seen") {
  FleetMemory memory;
  memory.look("n1", "i1", {"boot", 1s});
  memory.look("n2", "i1", {"boot", 2s});
  CHECK(memory.nonce_first == 2s);
  CHECK(memory.intent_first == 1s);
  memory.look("n2", "i2", {"boot", 3s});
  memory.look("n2", "i2", {"boot", 4s});
  CHECK(memory.nonce_first == 2s);
  CHECK(memory.intent_first == 3s);
}
