// SPDX-License-Identifier: Apache-2.0
// Sweeping, in refresher.cc: containers that ended without a poststop hook.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "oci/container_record.h"
#include "refresh/refresher.h"
#include "support/catch.h"
#include "support/temp_dir.h"

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

ProcessId this_process() {
  return *identify_process(::getpid());
}

// A host with a runtime directory, and a directory that a container's token is written into.
struct Host {
  TempDir root;
  std::string written = root / "written";
  RuntimeDir runtime = open();

  RuntimeDir open() {
    std::filesystem::create_directory(written);
    // An existing share/ gets no tmpfs of its own.
    std::filesystem::create_directories(root / "run/share");
    ::chmod((root / "run").c_str(), 0700);
    auto opened = RuntimeDir::open(root / "run");
    REQUIRE(opened);
    return std::move(*opened);
  }
  void container(const std::string& id, const ProcessId& process) {
    struct stat status;
    REQUIRE(::stat(written.c_str(), &status) == 0);
    DeliveryRecord delivery;
    delivery.profile = "claude";
    delivery.kind = DeliveryKind::write;
    delivery.source = written;
    delivery.device = status.st_dev;
    delivery.inode = status.st_ino;
    delivery.files = {"token", ".credentials.json"};
    REQUIRE(save_record(runtime.containers().get(), {id, process, now(), {delivery}}));
  }
  void file(const std::string& name, const std::string& content) { root.write("written/" + name, content); }
  bool has(const std::string& name) const { return std::filesystem::exists(written + "/" + name); }
  bool knows(const std::string& id) const { return load_record(runtime.containers().get(), id).has_value(); }
};

}  // namespace

TEST_CASE("a container that is gone is forgotten, with what was written for it") {
  Host host;
  host.container("gone", a_gone_process());
  host.file("token", "sk-ant-oat01-x");
  host.file("notes", "mine");
  CHECK(sweep_records(host.runtime) == 1);
  CHECK_FALSE(host.knows("gone"));
  CHECK_FALSE(host.has("token"));
  CHECK(host.has("notes"));
}

TEST_CASE("a running container stays, also under a pid that another process had before") {
  Host host;
  host.container("running", this_process());
  host.file("token", "sk-ant-oat01-x");
  CHECK(sweep_records(host.runtime) == 0);
  CHECK(host.knows("running"));
  CHECK(host.has("token"));

  ProcessId reused = this_process();
  --reused.start_time;
  host.container("reused", reused);
  CHECK(sweep_records(host.runtime) == 1);
  CHECK_FALSE(host.knows("reused"));
}

TEST_CASE("what a running container reads too stays where it is") {
  Host host;
  host.container("gone", a_gone_process());
  host.container("running", this_process());
  host.file("token", "sk-ant-oat01-x");
  CHECK(sweep_records(host.runtime) == 1);
  CHECK(host.has("token"));
}

TEST_CASE("a file with a refresh token is never swept away") {
  Host host;
  host.container("gone", a_gone_process());
  host.file("token", "sk-ant-oat01-x");
  host.file(".credentials.json", R"({"claudeAiOauth": {"refreshToken": "sk-ant-ort01-x"}})");
  CHECK(sweep_records(host.runtime) == 1);
  CHECK_FALSE(host.has("token"));
  CHECK(host.has(".credentials.json"));
}

TEST_CASE("nothing is removed from a directory that took the place of the container's") {
  Host host;
  host.container("gone", a_gone_process());
  std::filesystem::rename(host.written, host.written + ".old");
  std::filesystem::create_directory(host.written);
  host.file("token", "another's");
  CHECK(sweep_records(host.runtime) == 1);
  CHECK(host.has("token"));
}
