// SPDX-License-Identifier: Apache-2.0
#include "setup/docker_daemon.h"

#include <sys/mount.h>

#include <fstream>

#include "support/catch.h"
#include "support/container.h"
#include "support/skip.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

struct Machine : TempDir {
  void file(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((*this / name).substr(0, (*this / name).rfind('/')));
    write(name, text);
  }
  void unit(const std::string& command) const {
    file("usr/lib/systemd/system/docker.service", "[Service]\nExecStart=" + command + "\n");
  }
  Host host() const {
    auto host = open_host(path());
    REQUIRE(host);
    return std::move(*host);
  }
};

}  // namespace

TEST_CASE("an option of dockerd's is found in each spelling, the last one counts") {
  const Machine machine;
  CHECK(find_docker(machine.host()).config_file == "/etc/docker/daemon.json");
  machine.unit("/usr/sbin/dockerd -H fd:// -g /old --data-root=/new --config-file /srv/d.json --debug");
  const DockerDaemon daemon = find_docker(machine.host());
  CHECK(daemon.config_file == "/srv/d.json");
  CHECK(daemon.flag("--data-root") == "/new");
  CHECK(daemon.flag("--host") == "fd://");
  CHECK_FALSE(daemon.flag("--debug"));
  CHECK_FALSE(daemon.pid);
  CHECK(daemon.flags.front().place == "/usr/lib/systemd/system/docker.service");
}

TEST_CASE("containers are where an option, else the file, else Docker itself has them") {
  const Machine machine;
  for (const std::string root : {"var/lib/docker", "a", "b"})
    machine.file(root + "/containers/in " + root.substr(0, 1) + "/hostconfig.json",
                 R"({"Runtime": "oci-oauth"})");
  const Host host = machine.host();
  const auto found = [&](const DockerSettings& settings) {
    return containers_with_runtime(host, find_docker(host), settings, "oci-oauth").at(0);
  };
  CHECK(found({}) == "in v");
  CHECK(found({.data_root = "/a"}) == "in a");
  CHECK(found({.graph = "/a"}) == "in a");
  machine.unit("/usr/sbin/dockerd --data-root /b");
  CHECK(found({.data_root = "/a"}) == "in b");
}

TEST_CASE("the socket is a Unix one that the daemon was given, else the usual one") {
  const Machine machine;
  const Host host = machine.host();
  CHECK(docker_socket(host, find_docker(host)) == "unix:///var/run/docker.sock");
  machine.unit("/usr/sbin/dockerd -H tcp://127.0.0.1:1 -H unix:///srv/socket");
  CHECK(docker_socket(host, find_docker(host)) == "unix:///srv/socket");
}

TEST_CASE("containers are named by what Docker keeps on disk; what cannot be read is skipped") {
  const Machine machine;
  machine.file("d/containers/1234567890abcdef/hostconfig.json", R"({"Runtime": "oci-oauth"})");
  machine.file("d/containers/2/hostconfig.json", R"({"Runtime": "oci-oauth"})");
  machine.file("d/containers/2/config.v2.json", R"({"Name": "/db"})");
  machine.file("d/containers/3/hostconfig.json", R"({"Runtime": "runc"})");
  machine.file("d/containers/4/hostconfig.json", "[");
  machine.file("d/100000.100000/containers/5/hostconfig.json", R"({"Runtime": "oci-oauth"})");
  machine.file("d/other/containers/6/hostconfig.json", R"({"Runtime": "oci-oauth"})");
  const auto in = [&](const std::string& root) {
    return containers_with_runtime(machine.host(), {}, {.data_root = root}, "oci-oauth");
  };
  CHECK(in("/d") == std::vector<std::string>{"1234567890ab", "5", "db"});
  CHECK(in("/none").empty());
}

TEST_CASE("containers are found where the running daemon has them, also if the caller does not see that") {
  if (without_root()) return;
  const TempDir machine;
  const std::string data_root = machine / "docker";
  std::filesystem::create_directory(data_root);
  const Container daemon(Mapping{"0 0 1"}, [&] {
    if (::mount("tmpfs", data_root.c_str(), "tmpfs", 0, nullptr) != 0) return failed("mount");
    std::filesystem::create_directories(data_root + "/containers/box");
    std::ofstream(data_root + "/containers/box/hostconfig.json") << R"({"Runtime": "oci-oauth"})";
    return std::string("mounted");
  });
  REQUIRE(daemon.ready());
  DockerDaemon docker;
  const auto host = open_host("/");
  REQUIRE(host);
  const auto found = [&] {
    return containers_with_runtime(*host, docker, {.data_root = data_root}, "oci-oauth");
  };
  CHECK(found().empty());
  docker.seen = *Tree::of_process(daemon.pid());
  CHECK(found() == std::vector<std::string>{"box"});
  CHECK(daemon.outcome() == "mounted");
}
