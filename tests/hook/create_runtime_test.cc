// SPDX-License-Identifier: Apache-2.0
#include "hook/creation.h"

#include "hook/hook_host.h"
#include "support/catch.h"

using namespace oci_oauth;
namespace fs = std::filesystem;
using Mount = HookContainer::Mount;

namespace {

Profile profile(const char* name, OnFailure on_failure) {
  Profile profile;
  profile.name = name;
  profile.on_failure = on_failure;
  return profile;
}

const Profile starting = profile("starting", OnFailure::start);
const Profile blocking = profile("blocking", OnFailure::block);

Error error(const char* what) {
  return {ErrorKind::failed, what, "a remedy"};
}

// A container "c" whose creation failed in some way.
struct FailedCreation {
  Config config;
  ContainerState state = {"c", 0, "/bundle"};
  Log log = Log::to_syslog("create_runtime_test");
  HookCall call = {config, {}, state, log};
  Creation creation{call};
};

}  // namespace

TEST_CASE("a container that nobody chose gets nothing, and has no record") {
  if (without_root()) return;
  const HookHost host;
  host.write_bundle(HookHost::tmpfs("/elsewhere"));
  const HookContainer container(host, Mount::tmpfs);
  CHECK(host.create(container.pid()) == "created");
  CHECK(container.token().empty());
  CHECK(host.recorded() == "no record");
}

TEST_CASE("a chosen container gets the mount, and a record of it") {
  if (without_root()) return;
  const HookHost host;
  host.write_bundle(HookHost::tmpfs());
  const HookContainer container(host, Mount::tmpfs);
  CHECK(host.create(container.pid()) == "created");
  CHECK(container.token() == "token-1");
  CHECK(host.recorded() == "mount planned");
}

TEST_CASE("a second call for the same container delivers nothing twice") {
  if (without_root()) return;
  const HookHost host;
  host.write_bundle(HookHost::tmpfs());
  const HookContainer container(host, Mount::tmpfs);
  CHECK(host.create(container.pid()) == "created");
  const auto mounts = [&] {
    return file_content(oci_oauth::fmt::format("/proc/{}/mountinfo", container.pid()));
  };
  const std::string once = mounts();
  CHECK(host.create(container.pid()) == "created");
  CHECK(mounts() == once);
  CHECK(host.recorded() == "mount planned");
}

TEST_CASE("a directory that a person bound gets the files") {
  if (without_root()) return;
  const HookHost host;
  host.write_bundle(host.bind());
  const HookContainer container(host, Mount::bind);
  CHECK(host.create(container.pid()) == "created");
  CHECK(container.token() == "token-1");
  CHECK(host.recorded() == "write delivered");
}

TEST_CASE("a target that fails is recorded with the reason, and the others are delivered") {
  if (without_root()) return;
  HookHost host;
  host.profile().targets = {"/run/file/claude", target};
  host.dir.write("rootfs/run/file", "x");
  host.write_bundle(HookHost::tmpfs("/run/file/claude") + "," + HookHost::tmpfs());
  const HookContainer container(host, Mount::tmpfs);
  CHECK(host.create(container.pid()) == "created");
  CHECK(container.token() == "token-1");
  CHECK(host.recorded() ==
        "mount failed: /run/file/claude in the container: openat2: Not a directory; mount planned");
}

TEST_CASE("a profile that blocks keeps a container without a token from being created, and from a record") {
  if (without_root()) return;
  const HookHost host(OnFailure::block);
  host.write_bundle(HookHost::tmpfs());
  host.dir.write("rootfs/run/secrets/file", "x");
  fs::remove_all(host.rootfs() + target);
  host.dir.write("rootfs/run/secrets/claude", "in the way");
  const HookContainer container(host, Mount::none);
  CHECK(host.create(container.pid()) ==
        "profile 'claude', container box: /run/secrets/claude in the container: openat2: Not a directory");
  CHECK(host.recorded() == "no record");
}

TEST_CASE("a config.json that cannot be read stops a container only if a profile blocks") {
  const auto created = [](OnFailure on_failure) {
    const HookHost host(on_failure);
    host.dir.write("bundle/config.json", "{");
    return host.create(1);
  };
  CHECK(created(OnFailure::start) == "created");
  CHECK(created(OnFailure::block).find("container box: no token delivered: ") == 0);
}

TEST_CASE("a process that has ended before it is opened gets nothing") {
  if (without_root()) return;
  const HookHost host(OnFailure::block);
  host.write_bundle(HookHost::tmpfs());
  const HookContainer container(host, Mount::tmpfs);
  container.end();
  CHECK(host.create(container.pid()) ==
        oci_oauth::fmt::format("profile 'claude', container box: process {}: has exited", container.pid()));
  CHECK(host.recorded() == "no record");
}

TEST_CASE("nobody writes into a directory whose record cannot be saved") {
  if (without_root()) return;
  const HookHost host;
  host.write_bundle(host.bind());
  const HookContainer container(host, Mount::bind);
  fs::create_directories(host.dir / "run/containers/.box.json.oci-oauth/in-the-way");
  CHECK(host.create(container.pid()) == "created");
  CHECK(container.token().empty());
  CHECK(host.recorded() == "no record");
}

TEST_CASE("a container starts if nothing went wrong") {
  CHECK(FailedCreation().creation.judge());
}

TEST_CASE("a container without a token starts where its profile says so") {
  FailedCreation failed;
  failed.creation.fail(starting, error("no token"));
  CHECK(failed.creation.judge());
}

TEST_CASE("a container without a token is not created if its profile blocks") {
  FailedCreation failed;
  Creation& creation = failed.creation;
  creation.fail(starting, error("no token"));
  CHECK_FALSE(creation.is_blocked());
  creation.fail(blocking, error("nothing mounted"));
  CHECK(creation.is_blocked());
  creation.fail(blocking, error("another"));
  const auto verdict = creation.judge();
  REQUIRE_FALSE(verdict);
  CHECK(verdict.error().message == "profile 'blocking', container c: nothing mounted");
  CHECK(verdict.error().hint == "a remedy");
}

TEST_CASE("a container with a valid token starts whatever became of a refresh") {
  FailedCreation failed;
  failed.creation.fail(blocking, error("no refresher"), Creation::Token::valid);
  CHECK_FALSE(failed.creation.is_blocked());
  CHECK(failed.creation.judge());
}
