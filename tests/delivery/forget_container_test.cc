// SPDX-License-Identifier: Apache-2.0
#include "delivery/forget_container.h"

#include "support/written_host.h"

using namespace oci_oauth;

namespace {

constexpr ProcessId gone = {};

bool forget(const WrittenHost& host, const ContainerLedger::Entry& entry) {
  return forget_container(host.runtime, host.ledger(), entry, host.ledger().list_written()->records())
      .has_value();
}

}  // namespace

TEST_CASE("what was written for each profile of a container that has ended goes, and its record") {
  const WrittenHost host;
  ContainerLedger::Entry entry = host.container("gone", gone);
  entry.record.deliveries.push_back(entry.record.deliveries.front());
  entry.record.deliveries.front().files.pop_back();
  host.file("token", "sk-ant-oat01-x");
  host.file(".credentials.json", WrittenHost::document("sk-ant-oat01-x"));
  host.file("notes", "mine");
  CHECK(forget(host, entry));
  CHECK_FALSE(host.knows("gone"));
  CHECK_FALSE(host.has("token"));
  CHECK_FALSE(host.has(".credentials.json"));
  CHECK(host.has("notes"));
}

TEST_CASE("what another container of the directory is known to have goes, too") {
  const WrittenHost host;
  host.container("other", gone, "sk-ant-oat01-y");
  host.file("token", "sk-ant-oat01-y");
  CHECK(forget(host, host.container("gone", gone)));
  CHECK_FALSE(host.has("token"));
}

TEST_CASE("what a running container reads too stays where it is") {
  const WrittenHost host;
  const auto entry = host.container("gone", gone);
  host.container("running", this_process());
  host.file("token", "sk-ant-oat01-x");
  CHECK(forget(host, entry));
  CHECK_FALSE(host.knows("gone"));
  CHECK(host.has("token"));
}

TEST_CASE("what a person wrote under our names stays") {
  const WrittenHost host;
  host.file("token", "glpat-x");
  host.file(".credentials.json", R"({"claudeAiOauth": {"refreshToken": "sk-ant-ort01-x"}})");
  CHECK(forget(host, host.container("gone", gone)));
  CHECK(host.has("token"));
  CHECK(host.has(".credentials.json"));
}

TEST_CASE("nothing is removed from a directory that took the place of the container's") {
  const WrittenHost host;
  const auto entry = host.container("gone", gone);
  std::filesystem::rename(host.written, host.written + ".old");
  std::filesystem::create_directory(host.written);
  host.file("token", "sk-ant-oat01-x");
  CHECK(forget(host, entry));
  CHECK_FALSE(host.knows("gone"));
  CHECK(host.has("token"));
}
