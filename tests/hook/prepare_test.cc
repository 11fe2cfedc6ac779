// SPDX-License-Identifier: Apache-2.0
#include "hook/creation.h"

#include "hook/steps.h"

using namespace oci_oauth;
namespace fs = std::filesystem;
using Mount = HookContainer::Mount;

TEST_CASE("a target that becomes a link to the host before it is opened leads nowhere") {
  if (without_root()) return;
  const HookHost host;
  const HookContainer container(host, Mount::none);
  const std::string canary = host.dir / "written";
  const std::string outcome = run_steps(host, container, Consent::mount, {.before_prepare = [&](Delivery&) {
                                          fs::remove_all(host.rootfs() + target);
                                          fs::create_directory_symlink(canary, host.rootfs() + target);
                                        }});
  CHECK(outcome == "prepare: /run/secrets/claude in the container: is a dangling symbolic link");
  CHECK(fs::is_empty(canary));
}

TEST_CASE("a share directory that is missing is made when it is first mounted") {
  if (without_root()) return;
  const HookHost host;
  const HookContainer container(host, Mount::tmpfs);
  fs::remove_all(host.dir / "run/share/claude");
  CHECK(run_steps(host, container, Consent::mount, {}) == "delivered");
  host.dir.write("run/share/claude/token", "later");
  CHECK(container.token() == "later");
}

TEST_CASE("a share directory that is bound writable is covered by a mount") {
  if (without_root()) return;
  const HookHost host;
  const HookContainer container(host, Mount::bind);
  const auto see = [&](Delivery& delivery) {
    if (delivery.chosen.consent != Consent::mount || !delivery.tree) ::abort();
  };
  CHECK(run_steps(host, container, Consent::in_place, {.before_deliver = see}) == "delivered");
}
