// SPDX-License-Identifier: Apache-2.0
// The steps between the choice and the outcome, and what may happen between two of them.
#include "hook/prepare.h"

#include <signal.h>

#include <functional>

#include "base/child.h"
#include "base/poll.h"
#include "hook/deliver.h"
#include "hook/hook_host.h"
#include "hook/record.h"

using namespace oci_oauth;
namespace fs = std::filesystem;
using Mount = HookContainer::Mount;

namespace {

using Between = std::function<void(Delivery& delivery)>;

struct Steps {
  Between before_prepare = [](Delivery&) {}, before_describe = [](Delivery&) {},
          before_deliver = [](Delivery&) {};
};

// The steps for one target of the container, in a process of their own. Result: "delivered", or the step that
// failed and why, and the state in its record.
std::string run_steps(const HookHost& host, const HookContainer& container, Consent consent,
                      const Steps& steps) {
  const ChildProcess hook([&]() -> std::string {
    const ContainerState state = host.state(container.pid());
    const HookCall call = host.call(state);
    Spec spec;
    spec.root_path = host.rootfs();
    const auto runtime = RuntimeDir::open(host.config.runtime_dir);
    const auto process = ContainerProcess::open(container.pid());
    if (!runtime || !process) return "not opened";
    const CreateContext context = {call,
                                   spec,
                                   "",
                                   *runtime,
                                   *process,
                                   ContainerLedger(runtime->fd()),
                                   identify_process(container.pid())};
    const std::string source = host.dir / "written";
    Delivery delivery = plan({&host.config.profiles.front(), target, consent, source});
    steps.before_prepare(delivery);
    if (const auto done = prepare(context, delivery); !done) return "prepare: " + done.error().message;
    steps.before_describe(delivery);
    if (const auto done = describe(context, delivery); !done) return "describe: " + done.error().message;
    steps.before_deliver(delivery);
    const auto done = deliver(context, delivery);
    const std::string state_word(words_of(delivery.record.state)[static_cast<size_t>(delivery.record.state)]);
    return done ? "delivered" : oci_oauth::fmt::format("deliver: {} ({})", done.error().message, state_word);
  });
  return hook.answer();
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

TEST_CASE("a step that fails leaves a record with the reason, and nothing to act on") {
  const HookHost host;
  Spec spec;
  spec.mount_label = "label";
  Delivery delivery = plan({&host.config.profiles.front(), target, Consent::write, "/home/user/written"});
  delivery.record.device = delivery.record.inode = 7;
  delivery.record.files = {{.name = "token"}};
  note_failed_step(spec, delivery, {ErrorKind::failed, "no such provider", "name another"});
  CHECK(delivery.has_failed());
  CHECK(delivery.record.reason == "no such provider");
  CHECK(delivery.record.source == "/home/user/written");
  CHECK(delivery.record.label == "label");
  CHECK(delivery.record.files.empty());
  CHECK(delivery.record.inode == 0);
}
