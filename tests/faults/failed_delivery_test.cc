// SPDX-License-Identifier: Apache-2.0
// A token that does not reach its container when that starts: `oci-oauth status` tells why, and what can be
// made good is made good by the next refresh.
#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "delivery/container_ledger.h"
#include "faults/bundle.h"
#include "faults/host.h"
#include "support/catch.h"

namespace oci_oauth::test {
namespace {

struct Started {
  explicit Started(const std::string& more = "") : host(endpoint, more) {
    host.log_in(std::chrono::hours(8));
    REQUIRE(refresh().status == 0);
  }
  Output refresh() const { return run_program(host.command({"refresh", "--offline"})); }
  Output start() const { return run_program(box.hook(), box.state()); }
  std::string status() const { return run_program(host.command({"status", "--json"})).text; }
  bool is_recorded() const { return std::filesystem::exists(host.runtime + "/containers/box.json"); }
  // A file is where the token's directory should be.
  void obstruct() const {
    std::filesystem::remove(box.target());
    std::ofstream(box.target()) << "mine";
  }

  TokenEndpoint endpoint;
  Host host;
  ContainerProcess process;
  Bundle box{host, process, "box"};
};

void check_failure_is_told(const Started& started) {
  CHECK(started.start().status == 0);
  const std::string status = started.status();
  CHECK_THAT(status, Catch::Contains(R"("state": "failed")"));
  CHECK_THAT(status, Catch::Contains("is a file") || Catch::Contains("Not a directory"));
  CHECK(started.refresh().status == 0);
  CHECK(started.status() == status);
  CHECK(file_content(started.box.target()) == "mine");
  CHECK(run_program(started.box.hook("poststop"), started.box.state()).status == 0);
}

}  // namespace

TEST_CASE("status says why a token could not be written for a container that runs", "[written]") {
  if (!can_make_containers()) return;
  const Started started;
  started.obstruct();
  check_failure_is_told(started);
}

TEST_CASE("status says why a token could not be mounted for a container that runs", "[written]") {
  if (!can_make_containers()) return;
  const Started started(R"(, "deliver_to": "all")");
  started.obstruct();
  std::ofstream(std::filesystem::path(started.box.state()).parent_path() / "config.json")
      << R"({"ociVersion":"1.0.2","root":{"path":")"
      << std::filesystem::path(started.box.target()).parent_path().parent_path().parent_path().string()
      << "\"}}";
  check_failure_is_told(started);
}

TEST_CASE("a token that was not written because others held the records' lock comes with the next refresh",
          "[written]") {
  if (!can_make_containers()) return;
  const Started started;
  const UniqueFd runtime(::open(started.host.runtime.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const ContainerLedger ledger(runtime.get());
  auto held = ledger.lock(SteadyTime{});
  REQUIRE(held);
  CHECK(started.start().status == 0);
  CHECK(started.box.token().empty());
  const std::string status = started.status();
  CHECK_THAT(status, Catch::Contains(R"("state": "failed")"));
  CHECK_THAT(status, Catch::Contains(R"("reason": "containers: )"));
  held = Error{ErrorKind::failed, ""};
  CHECK(started.refresh().status == 0);
  CHECK(started.box.token() == started.host.field("accessToken"));
  CHECK_THAT(started.status(), Catch::Contains(R"("state": "current")"));
}

}  // namespace oci_oauth::test
