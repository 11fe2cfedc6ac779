// SPDX-License-Identifier: Apache-2.0
#include "hook/creation.h"

#include <signal.h>
#include <unistd.h>

#include "base/child.h"
#include "base/wait.h"
#include "hook/steps.h"
#include "support/catch.h"

using namespace oci_oauth;
namespace fs = std::filesystem;
using Mount = HookContainer::Mount;

namespace {

DeliveryRecord a_delivery(const std::string& target, DeliveryState state) {
  DeliveryRecord delivery;
  delivery.profile = "claude";
  delivery.target = target;
  delivery.state = state;
  return delivery;
}

// What an earlier call for the same container left.
Earlier with(std::vector<DeliveryRecord> deliveries) {
  return {.name = "box", .deliveries = std::move(deliveries)};
}

}  // namespace

TEST_CASE("until it is delivered, the container has nothing") {
  if (without_root()) return;
  const HookHost host;
  const HookContainer container(host, Mount::tmpfs);
  const Steps steps = {.before_deliver = [&](Delivery& delivery) {
    if (!delivery.tree || !delivery.target || !container.token().empty()) ::abort();
  }};
  CHECK(run_steps(host, container, Consent::mount, steps) == "delivered");
  CHECK(container.token() == "token-1");
}

TEST_CASE("a container that ends before its mount gets none, and the record says why") {
  if (without_root()) return;
  const HookHost host;
  const HookContainer container(host, Mount::tmpfs);
  const std::string outcome = run_steps(host, container, Consent::mount, {.before_deliver = [&](Delivery&) {
                                          ::kill(container.pid(), SIGKILL);
                                          // Another process's child, so its end is seen by its pidfd.
                                          const UniqueFd process = open_process(container.pid());
                                          if (!wait_readable(process.get(), SteadyTime::max())) ::abort();
                                        }});
  CHECK(outcome == oci_oauth::fmt::format(
                       "deliver: setns to the mount namespace of process {}: No such process (failed)",
                       container.pid()));
}

TEST_CASE("a target that is swapped after it was opened is not where the token goes") {
  if (without_root()) return;
  const HookHost host;
  const HookContainer container(host, Mount::none);
  fs::create_directories(host.rootfs() + "/canary");
  const std::string outcome =
      run_steps(host, container, Consent::mount, {.before_deliver = [&](Delivery&) {
                  fs::rename(host.rootfs() + target, host.rootfs() + "/run/secrets/opened");
                  fs::create_directory_symlink("/canary", host.rootfs() + target);
                }});
  CHECK(outcome == "delivered");
  CHECK(container.token("/run/secrets/opened") == "token-1");
  CHECK(container.token("/canary").empty());
}

TEST_CASE("the login, put at the token's name between the look and the write, stays as it is") {
  if (without_root()) return;
  const HookHost host;
  const HookContainer container(host, Mount::bind);
  const std::string login = host.dir / "login/.credentials.json", name = host.dir / "written/token";
  SECTION("as a hard link") {
    const std::string outcome = run_steps(host, container, Consent::write, {.before_deliver = [&](Delivery&) {
                                            if (::link(login.c_str(), name.c_str()) != 0) ::abort();
                                          }});
    CHECK(outcome == "deliver: /run/secrets/claude/token: is the login itself, so it is left alone (failed)");
  }
  SECTION("as a symbolic link") {
    const std::string outcome =
        run_steps(host, container, Consent::write,
                  {.before_deliver = [&](Delivery&) { fs::create_symlink(login, name); }});
    CHECK(outcome == "deliver: /run/secrets/claude/token: is the login itself, so it is left alone (failed)");
  }
  CHECK(file_content(login) == "{}");
}

TEST_CASE("a file that is there before us is known as somebody else's, and left alone") {
  if (without_root()) return;
  const HookHost host;
  const HookContainer container(host, Mount::bind);
  host.dir.write("written/token", "mine");
  const std::string outcome = run_steps(host, container, Consent::write, {});
  CHECK(outcome.find("deliver: /run/secrets/claude/token: ") == 0);
  CHECK(host.dir.read("written/token") == "mine");
}

TEST_CASE("what an earlier call for the same container delivered, or is about to, is not delivered again") {
  Profile profile;
  profile.name = "claude";
  const Chosen chosen = {&profile, "/run/secrets/claude", Consent::mount, {}};
  CHECK(with({a_delivery("/run/secrets/claude", DeliveryState::planned)}).has_delivered(chosen));
  CHECK(with({a_delivery("/run/secrets/claude", DeliveryState::delivered)}).has_delivered(chosen));
}

TEST_CASE("another target, another profile and a delivery that failed are delivered") {
  Profile profile, other;
  profile.name = "claude";
  other.name = "codex";
  const Earlier earlier = with({a_delivery("/run/secrets/claude", DeliveryState::delivered),
                                a_delivery("/failed", DeliveryState::failed)});
  CHECK_FALSE(earlier.has_delivered({&profile, "/home/node/.claude", Consent::mount, {}}));
  CHECK_FALSE(earlier.has_delivered({&profile, "/failed", Consent::mount, {}}));
  CHECK_FALSE(earlier.has_delivered({&other, "/run/secrets/claude", Consent::mount, {}}));
  CHECK_FALSE(with({}).has_delivered({&profile, "/run/secrets/claude", Consent::mount, {}}));
}

TEST_CASE("a step that fails leaves a record with the reason, and nothing to act on") {
  Profile profile;
  profile.name = "claude";
  profile.mode = 0440;
  const Config config;
  const ContainerState state;
  const Log log = Log::to_syslog("deliver_test");
  const HookCall call = {config, {}, state, log};
  Creation creation(call);
  creation.spec.mount_label = "label";
  Delivery delivery({&profile, "/run/secrets/claude", Consent::write, "/home/user/written"}, creation.spec);
  delivery.record.directory = {7, 7};
  delivery.record.files = {{.name = "token"}};
  note_failed_step(creation, delivery, {ErrorKind::failed, "no such provider", "name another"});
  CHECK(delivery.has_failed());
  CHECK(delivery.record.reason == "no such provider");
  CHECK(delivery.record.source == "/home/user/written");
  CHECK(delivery.record.label == "label");
  CHECK(delivery.record.files.empty());
  CHECK(delivery.record.directory == FileId{});
}
