// SPDX-License-Identifier: Apache-2.0
#include "setup/engine.h"

#include <algorithm>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

// A tree with every engine's program.
struct HostWithEngines : TempDir {
  HostWithEngines() {
    for (const char* directory : {"usr/bin", "etc/docker", "etc/containerd", "etc/containers"}) {
      std::filesystem::create_directories(*this / directory);
    }
    for (const char* program : {"podman", "dockerd", "containerd"}) {
      write(std::string("usr/bin/") + program, "");
    }
    write("login", "{}");
  }

  void install(const std::string& engine) const {
    auto host = open_host(path());
    REQUIRE(host);
    const auto plan = plan_installation(*host, engine, {.credentials = *this / "login"});
    REQUIRE(plan);
    REQUIRE(apply(*host, plan->changes, plan->ledger));
  }

  EngineState state(std::string_view engine) const {
    const auto states = inspect_engines(path());
    const auto found =
        std::find_if(states.begin(), states.end(), [&](const EngineState& s) { return s.engine == engine; });
    REQUIRE(found != states.end());
    return *found;
  }
};

}  // namespace

TEST_CASE("an engine whose program is not there is absent") {
  const HostWithEngines machine;
  CHECK(machine.state("crio").state == EngineState::absent);
}

TEST_CASE("an engine is unregistered until it is installed, and the remedy says how") {
  const HostWithEngines machine;
  for (const std::string engine : {"podman", "docker", "containerd"}) {
    CHECK(machine.state(engine).state == EngineState::unregistered);
    CHECK(machine.state(engine).remedy == "oci-oauth install " + engine);
    machine.install(engine);
    CHECK(machine.state(engine).state == EngineState::registered);
    CHECK(machine.state(engine).remedy.empty());
  }
  CHECK(machine.state("docker").message == "is registered with " + (machine / "etc/docker/daemon.json"));
}

TEST_CASE("a registration that a person wrote is one, though none of our files has it") {
  const HostWithEngines machine;
  const auto host = open_host(machine.path());
  REQUIRE(host);
  machine.write("etc/containerd/config.toml",
                "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.oci-oauth.options]\n"
                "BinaryName = \"" +
                    host->wrapper() + "\"\n");
  CHECK(machine.state("containerd").state == EngineState::registered);
  CHECK(machine.state("containerd").message == "is registered");
}

TEST_CASE("an engine that is configured to look elsewhere does not read its registration") {
  const HostWithEngines machine;
  machine.install("podman");
  machine.write("etc/containers/containers.conf", "[engine]\nhooks_dir = [\"/opt/hooks\"]\n");
  const EngineState state = machine.state("podman");
  CHECK(state.state == EngineState::unread);
  CHECK(state.message == (machine / "etc/containers/containers.conf") +
                             ": hooks_dir is [/opt/hooks], so /usr/share/containers/oci/hooks.d is not read");
  CHECK(state.remedy == unread_remedy);
}

TEST_CASE("the file that misses the registration is named, whether it is there or not") {
  const HostWithEngines machine;
  const std::string file = machine / "etc/docker/daemon.json";
  CHECK(machine.state("docker").message == "is not registered: " + file + " does not exist");
  machine.install("docker");
  machine.write("etc/docker/daemon.json", "{}");
  CHECK(machine.state("docker").state == EngineState::unregistered);
  CHECK(machine.state("docker").message == "is not registered: " + file + " does not name this installation");
}

TEST_CASE("a registration that would keep Docker from starting is broken, and reported with the place") {
  const HostWithEngines machine;
  machine.install("docker");
  std::filesystem::create_directories(machine / "etc/systemd/system");
  machine.write("etc/systemd/system/docker.service",
                "[Service]\nExecStart=/usr/sbin/dockerd --add-runtime a=/b\n");
  const EngineState state = machine.state("docker");
  CHECK(state.state == EngineState::broken);
  CHECK(state.message.starts_with(
      "may not start: /etc/systemd/system/docker.service: starts dockerd with --add-runtime=a=/b"));
}

TEST_CASE("what an uninstall left is neither registered nor gone") {
  const HostWithEngines machine;
  machine.install("docker");
  machine.write("etc/docker/daemon.json", R"({"runtimes": {"oci-oauth": {"path": "/usr/sbin/runc"}}})");
  EngineState state = machine.state("docker");
  CHECK(state.state == EngineState::withdrawn);
  CHECK(state.message.find("which no container uses: oci-oauth uninstall docker") != std::string::npos);
  std::filesystem::create_directories(machine / "var/lib/docker/containers/x");
  machine.write("var/lib/docker/containers/x/hostconfig.json", R"({"Runtime": "oci-oauth"})");
  CHECK(machine.state("docker").message.find("for 1 container (x)") != std::string::npos);
}

TEST_CASE("an engine's file that cannot be parsed is reported with its place") {
  const HostWithEngines machine;
  machine.write("etc/docker/daemon.json", "{");
  const EngineState state = machine.state("docker");
  CHECK(state.state == EngineState::unregistered);
  CHECK(state.message.find("daemon.json:1:2: not JSON") != std::string::npos);
}

TEST_CASE("the proxy can be uninstalled without a profile that has a socket") {
  const HostWithEngines machine;
  auto host = open_host(machine.path());
  REQUIRE(host);
  CHECK_FALSE(plan_installation(*host, "proxy"));
  CHECK(plan_removal(*host, "proxy"));
}
