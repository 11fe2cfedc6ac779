// SPDX-License-Identifier: Apache-2.0
// Root's refresh of a user's login: what that user plants beside it moves nothing of anybody else's, and no
// secret shows where others look.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <functional>
#include <iterator>

#include "faults/host.h"
#include "support/catch.h"
#include "support/skip.h"

namespace oci_oauth::test {
namespace {

namespace fs = std::filesystem;

// Something of root's that a user would like root to write, give away, or read to them.
class Canary {
 public:
  Canary() {
    fs::permissions(directory_.path(), fs::perms(0755));
    directory_.write("file", "sk-ant-ort01-of-root");
    fs::permissions(file(), fs::perms(0600));
    fs::create_directory(place());
    before_ = state();
  }
  std::string file() const { return directory_ / "file"; }
  std::string place() const { return directory_ / "place"; }
  bool sings() const { return state() == before_; }

 private:
  std::string state() const {
    std::string text = directory_.read("file");
    for (const std::string& path : {file(), place(), directory_.path()}) {
      struct stat status;
      if (::lstat(path.c_str(), &status) != 0) return path + " is gone";
      text += " " + std::to_string(status.st_ino) + " " + std::to_string(status.st_uid) + " " +
              std::to_string(status.st_mode) + " " + std::to_string(status.st_mtim.tv_nsec);
    }
    return text;
  }
  TempDir directory_;
  std::string before_;
};

void plant(const std::string& target, const std::string& link) {
  fs::remove_all(link);
  fs::create_symlink(target, link);
  REQUIRE(::lchown(link.c_str(), owner_id(), owner_id()) == 0);
  const timespec long_ago[] = {{1, 0}, {1, 0}};  // as a lock it is stale
  REQUIRE(::utimensat(AT_FDCWD, link.c_str(), long_ago, AT_SYMLINK_NOFOLLOW) == 0);
}

// The processes of the installed program.
std::vector<std::string> processes_of(const std::string& program) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::error_code none;
    const bool is_number = std::isdigit(entry.path().filename().string()[0]) != 0;
    if (is_number &&
        fs::read_symlink(entry.path() / "exe", none) == fs::path(installed(program)).lexically_normal())
      found.push_back(entry.path());
  }
  return found;
}

std::string line_of(const std::string& path, const std::string& begin) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(begin)) return line;
  }
  return "";
}

}  // namespace

TEST_CASE("a user's links lead root nowhere", "[owner]") {
  if (without_root()) return;
  TokenEndpoint endpoint;
  struct Row {
    const char* name;
    std::function<void(const Host&, const Canary&)> set_up;
  };
  const Row rows[] = {
      {"credential file",
       [](const auto& host, const auto& canary) { plant(canary.file(), host.credentials); }},
      {"directory", [](const auto& host, const auto& canary) { plant(canary.place(), host.home); }},
      {"journal", [](const auto& host, const auto& canary) { plant(canary.file(), host.journal); }},
      {"temporary name",
       [](const auto& host, const auto& canary) {
         plant(canary.file(), host.home + "/..credentials.json.oci-oauth");
       }},
      {"first lock", [](const auto& host,
                        const auto& canary) { plant(canary.place(), host.home + "/.oauth_refresh.lock"); }},
      {"second lock",
       [](const auto& host, const auto& canary) { plant(canary.place(), host.home + ".lock"); }},
      {"lock to be",
       [](const auto& host, const auto& canary) { plant(canary.place(), host.home + ".lock.oci-oauth"); }},
      {"notes of locks that are not ours",
       [](const auto& host, const auto& canary) {
         struct stat status;
         REQUIRE(::stat(canary.place().c_str(), &status) == 0);
         std::ofstream(host.journal) << R"({"version":1,"document":".credentials.json","lock":")"
                                     << canary.place() << R"(","device":)" << status.st_dev << R"(,"inode":)"
                                     << status.st_ino << R"(,"born_ns":0})"
                                     << "\n";
         REQUIRE(::chown(host.journal.c_str(), owner_id(), owner_id()) == 0);
       }},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const Host host(endpoint);
    const Canary canary;
    row.set_up(host, canary);
    const Output output = host.refresh();
    INFO(output.text);
    CHECK(canary.sings());
    CHECK_THAT(output.text, !Catch::Contains("of-root"));
    CHECK_THAT(file_content(host.runtime + "/share/claude/token"), !Catch::Contains("of-root"));
  }
}

TEST_CASE("what is written beside the login belongs to its owner", "[owner]") {
  if (without_root()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint);
  std::vector<uid_t> owners;
  endpoint.script({.meanwhile = [&] {
    for (const auto& entry : fs::recursive_directory_iterator(host.directory / "home")) {
      struct stat status;
      if (::lstat(entry.path().c_str(), &status) == 0) owners.push_back(status.st_uid);
    }
  }});
  REQUIRE(host.refresh().status == 0);
  CHECK(owners.size() >= 6);  // directory, login, journal, staged login, two locks
  CHECK(owners == std::vector<uid_t>(owners.size(), owner_id()));
}

TEST_CASE("while a token is exchanged no secret is in a command line or an environment", "[owner]") {
  TokenEndpoint endpoint;
  const Host host(endpoint);
  std::string seen, status, limits;
  size_t exchanges = 0;
  endpoint.script({.at = Stage::rotated, .meanwhile = [&] {
                     for (const char* program : {"bin/oci-oauth", "libexec/oci-oauth/oci-oauth-exchange"}) {
                       for (const std::string& process : processes_of(program)) {
                         seen += file_content(process + "/cmdline") + file_content(process + "/environ");
                         if (std::string(program) == "bin/oci-oauth") continue;
                         if (line_of(process + "/status", "Uid:").find(std::to_string(owner_id())) ==
                             std::string::npos)
                           continue;
                         ++exchanges;
                         for (const char* field : {"Uid:", "Groups:", "CapPrm:", "CapEff:", "NoNewPrivs:"})
                           status += line_of(process + "/status", field) + "\n";
                         limits += line_of(process + "/limits", "Max core file size");
                         struct stat memory;
                         if (::stat((process + "/mem").c_str(), &memory) == 0)
                           status += "mem " + std::to_string(memory.st_uid);
                       }
                     }
                   }});
  const Output output = host.refresh();
  REQUIRE(output.status == 0);
  CHECK(exchanges >= 1);
  INFO(status << limits);
  CHECK_THAT(seen, Catch::Contains("oci-oauth"));
  CHECK_THAT(seen + output.text, !Catch::Contains("sk-ant-"));
  CHECK_THAT(status, Catch::Contains("NoNewPrivs:\t1"));
  CHECK_THAT(status, Catch::Contains("CapPrm:\t0000000000000000"));
  CHECK_THAT(status, Catch::Contains("CapEff:\t0000000000000000"));
  // What cannot be dumped is root's in /proc (proc(5)).
  CHECK_THAT(status, Catch::Contains("mem 0"));
  CHECK_THAT(limits, Catch::Contains(" 0 "));
}

}  // namespace oci_oauth::test
