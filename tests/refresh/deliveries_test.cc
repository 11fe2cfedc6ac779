// SPDX-License-Identifier: Apache-2.0
#include "refresh/deliveries.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "support/counted_calls.h"
#include "support/lock_waiter.h"
#include "support/written_host.h"

using namespace oci_oauth;

namespace {

ProcessId a_gone_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  const auto process = identify_process(child);
  ::waitpid(child, nullptr, 0);
  REQUIRE(process);
  return *process;
}

std::vector<Error> deliver(const WrittenHost& host) {
  const auto share = host.runtime.share("claude");
  REQUIRE(share);
  return deliver_to_containers(host.runtime, "claude", share->get(), {});
}

DeliveryRecord delivery_of(const WrittenHost& host, const std::string& id) {
  const auto record = host.ledger().find(id);
  REQUIRE(record);
  return record->deliveries.front();
}

Config config_at(const std::string& path) {
  Config config;
  config.path = path;
  return config;
}

}  // namespace

TEST_CASE("a container that is gone is forgotten, with what was written for it") {
  const WrittenHost host;
  host.container("gone", a_gone_process());
  host.file("token", "sk-ant-oat01-x");
  host.file("notes", "mine");
  CHECK(sweep_records(host.runtime).swept == 1);
  CHECK_FALSE(host.knows("gone"));
  CHECK_FALSE(host.has("token"));
  CHECK(host.has("notes"));
}

TEST_CASE("a running container stays, also under a pid that another process had before") {
  const WrittenHost host;
  host.container("running", this_process());
  host.file("token", "sk-ant-oat01-x");
  CHECK(sweep_records(host.runtime).swept == 0);
  CHECK(host.knows("running"));
  CHECK(host.has("token"));

  ProcessId reused = this_process();
  --reused.start_time;
  host.container("reused", reused);
  CHECK(sweep_records(host.runtime).swept == 1);
  CHECK_FALSE(host.knows("reused"));
}

TEST_CASE("of many containers that are gone all are forgotten, and of many that run some are looked at") {
  const WrittenHost host;
  const ContainerLedger ledger = host.ledger();
  const auto mounted = [&](const std::string& id, const ProcessId& process) {
    REQUIRE(ledger.save(id, {id, "/bundles/" + id, process, now(), {}}));
  };
  const ProcessId gone = a_gone_process();
  for (int i = 0; i < 1000; ++i) mounted("gone-" + std::to_string(i), gone);
  CHECK(sweep_records(host.runtime).swept == 1000);
  const auto cost = [&] {
    std::filesystem::remove(host.root / "run/containers.position");
    return count_calls([&] { (void)sweep_records(host.runtime); }).calls;
  };
  int running = 0;
  while (running < 400) mounted("running-" + std::to_string(running++), this_process());
  const unsigned of_some = cost();
  while (running < 1200) mounted("running-" + std::to_string(running++), this_process());
  CHECK(cost() == of_some);
}

TEST_CASE("a sweep reports a record that cannot be read, and handles the others") {
  const WrittenHost host;
  host.container("gone", a_gone_process());
  host.root.write("run/containers/broken.json", "{");
  const Sweep sweep = sweep_records(host.runtime);
  CHECK(sweep.swept == 1);
  REQUIRE(sweep.failures.size() == 1);
  CHECK_THAT(sweep.failures.front().message, Catch::StartsWith("containers/broken.json:1:"));
}

TEST_CASE("a refresh brings a container what it lacks, and its record knows it before it is there") {
  const WrittenHost host;
  host.container("box", this_process(), "old");
  host.file("token", "old");
  host.publish("new");
  CHECK(deliver(host).empty());
  CHECK(host.read("token") == "new");
  CHECK(host.read(".credentials.json") == WrittenHost::document("new"));
  const DeliveryRecord delivery = delivery_of(host, "box");
  CHECK(delivery.state == DeliveryState::delivered);
  CHECK(delivery.files[0].fingerprints == std::vector{fingerprint("new")});

  std::filesystem::remove(host.written + "/.credentials.json");
  CHECK(deliver(host).empty());
  CHECK(host.has(".credentials.json"));
}

TEST_CASE("the record of each container of a directory knows what is in it") {
  const WrittenHost host;
  host.container("one", this_process(), "old");
  host.container("two", this_process(), "old");
  host.file("token", "old");
  host.publish("new");
  CHECK(deliver(host).empty());
  for (const char* id : {"one", "two"})
    CHECK(delivery_of(host, id).files[0].fingerprints == std::vector{fingerprint("new")});
}

TEST_CASE("a failed delivery is reported once, and repeated until it succeeds") {
  const WrittenHost host;
  host.container("box", this_process(), "old");
  host.publish("new");
  host.file("token", "glpat-x");
  const auto first = deliver(host);
  REQUIRE(first.size() == 1);
  CHECK_THAT(first.front().message,
             Catch::EndsWith("token: was not written by oci-oauth, so it is left alone"));
  CHECK(delivery_of(host, "box").state == DeliveryState::failed);
  CHECK(deliver(host).empty());
  CHECK(host.read("token") == "glpat-x");

  std::filesystem::remove(host.written + "/token");
  CHECK(deliver(host).empty());
  CHECK(host.read("token") == "new");
  CHECK(delivery_of(host, "box").state == DeliveryState::delivered);
  CHECK(delivery_of(host, "box").reason.empty());
}

TEST_CASE("while somebody else writes or cleans, a refresh waits, and then sees what that did") {
  const WrittenHost host;
  host.container("box", this_process(), "old");
  host.publish("new");
  auto held = host.ledger().lock(std::chrono::steady_clock::now());
  REQUIRE(held);
  std::vector<Error> failures;
  std::jthread refresh([&] { failures = deliver(host); });
  REQUIRE(test::comes_to_wait(::getpid()));
  CHECK_FALSE(host.has("token"));
  host.publish("newer");
  held = Error{};
  refresh.join();
  CHECK(failures.empty());
  CHECK(host.read("token") == "newer");
}

TEST_CASE("a profile that its configuration no longer has is withdrawn, and its containers are named") {
  const WrittenHost host;
  host.container("box", this_process());
  host.publish("new");
  host.runtime.note_configuration("claude", "/etc/config.json");
  CHECK(retire_profiles(host.runtime, config_at("/another.json")).empty());
  CHECK(std::filesystem::exists(host.root / "run/share/claude/token"));

  const auto told = retire_profiles(host.runtime, config_at("/etc/config.json"));
  REQUIRE(told.size() == 1);
  CHECK(told.front().message ==
        "profile 'claude': was removed from /etc/config.json, so its token is withdrawn from container box");
  CHECK(std::filesystem::is_empty(host.root / "run/share/claude"));
  CHECK(retire_profiles(host.runtime, config_at("/etc/config.json")).empty());
}

TEST_CASE(
    "a profile is withdrawn from the directories that were written, and from no file of somebody else") {
  const WrittenHost host;
  host.container("box", this_process(), "new");
  host.publish("new");
  CHECK(deliver(host).empty());
  host.file("notes", "mine");
  host.file(".credentials.json", R"({"claudeAiOauth":{"accessToken":"new"},"mine":1})");
  const auto withdrawn = withdraw_profile(host.runtime, "claude");
  INFO((withdrawn ? "" : withdrawn.error().message));
  REQUIRE(withdrawn);
  CHECK(*withdrawn);
  CHECK_FALSE(host.has("token"));
  CHECK(host.read("notes") == "mine");
  CHECK(host.read(".credentials.json") == R"({"mine":1})");
  CHECK(std::filesystem::is_empty(host.root / "run/share/claude"));
  CHECK(deliver(host).empty());
  CHECK_FALSE(host.has("token"));

  host.publish("newer");
  CHECK(deliver(host).empty());
  CHECK(host.read("token") == "newer");
}
