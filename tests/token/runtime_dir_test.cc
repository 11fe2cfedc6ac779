// SPDX-License-Identifier: Apache-2.0
#include "token/runtime_dir.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "support/catch.h"
#include "support/child_process.h"
#include "support/lock_waiter.h"
#include "support/record_equal.h"
#include "support/skip.h"
#include "support/stopped_process.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
namespace fs = std::filesystem;

namespace {

struct Lock {
  TempDir dir;
  FileAt file = {.path = dir.write("lock", "")};
  UniqueFd fd{::open(file.path.c_str(), O_RDWR | O_CLOEXEC)};
};

// Runs `body` as process 1 of namespaces of its own, whose mount namespace is therefore the host's, and lets
// it mount what it likes. Result: what it returned; "skipped: …" where this machine does not allow it.
std::string on_a_host(const std::function<std::string()>& body) {
  const ChildProcess parent([&]() -> std::string {
    if (::geteuid() != 0 || ::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return "skipped: no namespaces";
    const ChildProcess first([&]() -> std::string {
      if (::mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0 || ::mount("proc", "/proc", "proc", 0, "") != 0)
        return "skipped: no mounts";
      return body();
    });
    return first.answer();
  });
  return parent.answer();
}

std::string identity(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return std::strerror(errno);
  return fmt::format("{}:{}", status.st_dev, status.st_ino);
}

// Which directory the opened one's share/NAME is: not what the path leads to later.
std::string open_and_identify(const std::string& path) {
  const auto runtime = RuntimeDir::open(path);
  if (!runtime) return runtime.error().message;
  const auto share = runtime->share("claude");
  return share ? identity(fmt::format("/proc/self/fd/{}", share->get())) : share.error().message;
}

int mounts_at(const std::string& path) {
  std::ifstream mountinfo("/proc/self/mountinfo");
  int count = 0;
  for (std::string line; std::getline(mountinfo, line);) {
    if (line.find(" " + path + " ") != std::string::npos) ++count;
  }
  return count;
}

// The outcome of `others` while the first maker is about to mount its tmpfs.
std::string while_one_is_made(const std::string& path,
                              const std::function<std::string(StoppedProcess& maker)>& others) {
  StoppedProcess maker(SYS_mount, [&] { return open_and_identify(path); });
  return maker.is_stopped() ? others(maker) : "was not stopped: " + maker.answer();
}

RuntimeDir opened(const std::string& path) {
  auto runtime = RuntimeDir::open(path);
  REQUIRE(runtime);
  return std::move(*runtime);
}

// There already, so that no file system is mounted for it.
struct Directory {
  TempDir parent;
  std::string path = parent / "run";
  Directory() {
    fs::create_directories(path + "/share");
    fs::permissions(path, fs::perms::owner_all);
  }
};

}  // namespace

TEST_CASE("a new share directory is a file system of its own") {
  const TempDir dir;
  const std::string path = dir / "run";
  const std::string seen = on_a_host([&] {
    const std::string share = open_and_identify(path);
    return fmt::format("{} mount, {}", mounts_at(path + "/share"),
                       share == identity(path + "/share/claude") ? "the same" : "another");
  });
  if (!skipped(seen)) CHECK(seen == "1 mount, the same");
}

TEST_CASE("a process that arrives while the share directory is being created waits and gets the same one") {
  const TempDir dir;
  const std::string path = dir / "run";
  const std::string seen = on_a_host([&] {
    return while_one_is_made(path, [&](StoppedProcess& maker) -> std::string {
      const ChildProcess second([&] { return open_and_identify(path); });
      if (!test::comes_to_wait(second.pid())) return "the second did not wait, and has " + second.answer();
      maker.go_on();
      const bool same = maker.answer() == second.answer();
      return fmt::format("{}, {} mount", same ? "the same" : "another", mounts_at(path + "/share"));
    });
  });
  if (!skipped(seen)) CHECK(seen == "the same, 1 mount");
}

TEST_CASE("a reader finds no share directory while it is being created") {
  const TempDir dir;
  const std::string path = dir / "run";
  const std::string seen = on_a_host([&] {
    return while_one_is_made(path, [&](StoppedProcess&) -> std::string {
      for (const char* name : {"/profiles", "/containers"}) fs::create_directory(path + name);
      const auto found = RuntimeDir::open_existing(path);
      return !found ? found.error().message : *found ? "found" : "none yet";
    });
  });
  if (!skipped(seen)) CHECK(seen == "none yet");
}

TEST_CASE("a share directory whose maker was killed is made by the next") {
  const TempDir dir;
  const std::string path = dir / "run";
  const std::string seen = on_a_host([&] {
    return while_one_is_made(path, [&](StoppedProcess& maker) {
      maker.kill();
      const std::string share = open_and_identify(path);
      return fmt::format("{} mount, {}", mounts_at(path + "/share"),
                         share == identity(path + "/share/claude") ? "the same" : "another");
    });
  });
  if (!skipped(seen)) CHECK(seen == "1 mount, the same");
}

TEST_CASE("a maker in a mount namespace of an engine's mounts nothing, and the host has the same directory") {
  const TempDir dir;
  const std::string path = dir / "run";
  const std::string seen = on_a_host([&]() -> std::string {
    const ChildProcess engine([&]() -> std::string {
      if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", "", MS_REC | MS_SLAVE, "") != 0)
        return "no namespace";
      return fmt::format("{} {}", open_and_identify(path), mounts_at(path + "/share"));
    });
    const std::string engines = engine.answer();
    return engines == open_and_identify(path) + " 0" && mounts_at(path + "/share") == 0 ? "the same"
                                                                                        : engines;
  });
  if (!skipped(seen)) CHECK(seen == "the same");
}

TEST_CASE("a share directory in use keeps what it holds, and gets the mode that containers need") {
  const Directory directory;
  fs::permissions(directory.path + "/share", fs::perms::owner_all);
  directory.parent.write("run/share/in-use", "");
  opened(directory.path);
  struct stat status;
  REQUIRE(::stat((directory.path + "/share").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0755);
  CHECK(fs::exists(directory.path + "/share/in-use"));
}

TEST_CASE(
    "a directory that others can enter, or that belongs to somebody else, is refused with the command that "
    "fixes it") {
  const Directory directory;
  fs::permissions(directory.path, fs::perms(0755));
  const auto refused = RuntimeDir::open(directory.path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("mode 0755)") != std::string::npos);
  CHECK(refused.error().hint.find("chmod 0700 " + directory.path) != std::string::npos);
}

TEST_CASE("a reader creates nothing") {
  const TempDir dir;
  const auto found = RuntimeDir::open_existing(dir / "run");
  REQUIRE(found);
  CHECK_FALSE(*found);
  CHECK_FALSE(fs::exists(dir / "run"));
}

TEST_CASE("each profile has a directory that is made once") {
  const Directory directory;
  const RuntimeDir runtime = opened(directory.path);
  REQUIRE(runtime.share("claude"));
  const std::string first = identity(runtime.share_path("claude"));
  REQUIRE(runtime.share("claude"));
  CHECK(identity(runtime.share_path("claude")) == first);
  CHECK(fs::status(runtime.share_path("claude")).permissions() == fs::perms(0755));
}

TEST_CASE("what was published is found again, and nothing before that") {
  const Directory directory;
  const RuntimeDir runtime = opened(directory.path);
  const auto none = runtime.published("claude");
  REQUIRE(none);
  CHECK_FALSE(*none);
  CHECK_FALSE(*runtime.history("claude"));
  CHECK(runtime.known("claude")->damage.empty());
  ProfileRecords records;
  records.published.attempts = 3;
  records.history.failures = 2;
  REQUIRE(runtime.publish("claude", records));
  const auto found = runtime.published("claude");
  REQUIRE(found);
  REQUIRE(*found);
  CHECK(**found == records.published);
  const auto history = runtime.history("claude");
  REQUIRE(history);
  REQUIRE(*history);
  CHECK(**history == records.history);
}

TEST_CASE("what is published is there again after the directory of records was lost") {
  const Directory directory;
  const RuntimeDir runtime = opened(directory.path);
  REQUIRE(runtime.publish("claude", {}));
  fs::remove_all(directory.path + "/profiles");
  REQUIRE(runtime.publish("claude", {}));
  CHECK(*runtime.published("claude"));
}

TEST_CASE("what is damaged or of another version counts as not published, says why, and is replaced") {
  const Directory directory;
  const RuntimeDir runtime = opened(directory.path);
  for (const std::string name : {"profiles/claude.json", "refreshes/claude.json"}) {
    REQUIRE(runtime.publish("claude", {}));
    const std::string file = directory.path + "/" + name;
    const auto damage = [&](std::string_view text) {
      directory.parent.write("run/" + name, text);
      CHECK((*runtime.published("claude") && *runtime.history("claude")) == false);
      const auto why = runtime.known("claude")->damage;
      REQUIRE(why.size() == 1);
      return why.front().message;
    };
    CHECK(damage(R"({"version": 9, "login": {}})") == file + ": was written by another version");
    CHECK_THAT(damage("{\"version\": 1, \"logi"), Catch::StartsWith(file));
    CHECK(damage("") == file + ": is empty");
    CHECK_THAT(damage(R"({"version": 2, "login": 7, "attempts": "many"})"), Catch::StartsWith(file));
    CHECK(damage(std::string(70'000, ' ')) == file + ": is larger than 65536 bytes");
  }
  REQUIRE(runtime.publish("claude", {}));
  CHECK(*runtime.published("claude"));
  CHECK(*runtime.history("claude"));
  CHECK(runtime.known("claude")->damage.empty());
}

TEST_CASE("the time of a refresh under way is read back, and gone once it is over") {
  const Lock lock;
  const SteadyTime now = std::chrono::steady_clock::now();
  const SteadyTime began = now - std::chrono::milliseconds(1500);
  {
    const RefreshMark mark(lock.fd.get(), began);
    CHECK(beginning_of_refresh(lock.file, now) == began);
  }
  CHECK_FALSE(beginning_of_refresh(lock.file, now));
}

TEST_CASE("a lock that nobody marked has the wall clock's time, which is no mark") {
  const Lock lock;
  CHECK_FALSE(beginning_of_refresh(lock.file, std::chrono::steady_clock::now()));
  CHECK_FALSE(beginning_of_refresh({.path = lock.dir / "missing"}, std::chrono::steady_clock::now()));
}

TEST_CASE("the mark of a refresher that was killed is taken away") {
  const Lock lock;
  const SteadyTime now = std::chrono::steady_clock::now();
  const timespec times[] = {{1, 0}, {1, 0}};  // a second after the start of the host
  REQUIRE(::futimens(lock.fd.get(), times) == 0);
  REQUIRE(beginning_of_refresh(lock.file, now));
  clear_refresh_mark(lock.fd.get());
  CHECK_FALSE(beginning_of_refresh(lock.file, now));
}
