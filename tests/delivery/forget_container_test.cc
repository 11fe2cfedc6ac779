// SPDX-License-Identifier: Apache-2.0
#include "delivery/forget_container.h"

#include "support/written_host.h"

using namespace oci_oauth;

namespace {

constexpr ProcessId gone = {};

}  // namespace

TEST_CASE("what was written for each profile of a container that is gone goes, and its record") {
  const WrittenHost host;
  ContainerRecord record = host.container("gone", gone);
  record.deliveries.push_back(record.deliveries.front());
  record.deliveries.front().files = {"token"};
  host.file("token", "sk-ant-oat01-x");
  host.file(".credentials.json", "{}");
  host.file("notes", "mine");
  forget_container(host.runtime, record, {});
  CHECK_FALSE(host.knows("gone"));
  CHECK_FALSE(host.has("token"));
  CHECK_FALSE(host.has(".credentials.json"));
  CHECK(host.has("notes"));
}

TEST_CASE("what a running container reads too stays where it is") {
  const WrittenHost host;
  const ContainerRecord record = host.container("gone", gone);
  const ContainerRecord running = host.container("running", this_process());
  host.file("token", "sk-ant-oat01-x");
  forget_container(host.runtime, record, {record, running});
  CHECK_FALSE(host.knows("gone"));
  CHECK(host.has("token"));
}

TEST_CASE("a file with a refresh token stays") {
  const WrittenHost host;
  host.file("token", "sk-ant-oat01-x");
  host.file(".credentials.json", R"({"claudeAiOauth": {"refreshToken": "sk-ant-ort01-x"}})");
  forget_container(host.runtime, host.container("gone", gone), {});
  CHECK_FALSE(host.has("token"));
  CHECK(host.has(".credentials.json"));
}

TEST_CASE("nothing is removed from a directory that took the place of the container's") {
  const WrittenHost host;
  const ContainerRecord record = host.container("gone", gone);
  std::filesystem::rename(host.written, host.written + ".old");
  std::filesystem::create_directory(host.written);
  host.file("token", "another's");
  forget_container(host.runtime, record, {});
  CHECK_FALSE(host.knows("gone"));
  CHECK(host.has("token"));
}
