// SPDX-License-Identifier: Apache-2.0
#include "faults/host.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "base/process.h"
#include "base/time.h"
#include "delivery/container_ledger.h"
#include "support/control_api.h"
#include "support/json_text.h"
#include "support/skip.h"

namespace oci_oauth::test {

namespace fs = std::filesystem;

uid_t owner_id() {
  return ::geteuid() == 0 ? login_owner : ::geteuid();
}

std::string installed(const std::string& program) {
  const char* prefix = std::getenv("OCI_OAUTH_PREFIX");
  if (prefix == nullptr) throw std::runtime_error("OCI_OAUTH_PREFIX: names no installed tree");
  return std::string(prefix) + "/" + program;
}

bool is_full_run() {
  const char* value = std::getenv("OCI_OAUTH_FAULTS");
  return value != nullptr && std::string(value) == "full";
}

bool own_mount_namespace() {
  static const bool entered =
      ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (!entered) skip(std::string("no mount namespace of its own: ") + ::strerror(errno));
  return entered;
}

pid_t start_program(const std::vector<std::string>& command, const std::string& input,
                    const std::string& output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  char* const environment[] = {nullptr};
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int in = ::open(input.c_str(), O_RDONLY | O_CLOEXEC);
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execve(arguments[0], arguments.data(), environment);
  ::_exit(127);
}

int end_of(pid_t program) {
  int status = 0;
  while (::waitpid(program, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Output run_program(const std::vector<std::string>& command, const std::string& input) {
  const TempDir directory;
  const int status = end_of(start_program(command, input, directory / "output"));
  return {status, directory.read("output")};
}

Host::Host(TokenEndpoint& endpoint, const std::string& more) : endpoint_(endpoint) {
  fs::permissions(directory.path(), fs::perms(0755));
  fs::create_directories(home);
  for (const char* name : {"share", "profiles", "containers", "locks"}) {
    fs::create_directories(runtime + "/" + name);
  }
  fs::permissions(runtime, fs::perms(0700));
  directory.write("ca.pem", TokenEndpoint::ca_pem());
  directory.write("config.json", R"({"runtime_dir": ")" + runtime + R"(", "profiles": {"claude": )" +
                                     profile(credentials, more) + "}}");
  log_in(std::chrono::seconds(-60));
  for (const std::string& path : {directory / "home", home, credentials}) {
    if (::chown(path.c_str(), owner_id(), owner_id()) != 0) throw std::runtime_error(path + ": chown");
  }
}

void Host::log_in(std::chrono::seconds from_now) {
  Login login = endpoint_.issue_login();
  login.expires_in = from_now;
  directory.write("home/claude/.credentials.json",
                  claude_credentials(login, std::chrono::system_clock::now()));
  fs::permissions(credentials, fs::perms(0600));
}

Output Host::mend(const std::string& profile) const {
  Output output = run_program(command({"refresh", profile}));
  if (output.text.find("no request to the token endpoint before") == std::string::npos) return output;
  const Output forced = run_program(command({"refresh", "--force", profile}));
  return {forced.status, output.text + forced.text};
}

void Host::add_other_login() {
  Login login = endpoint_.issue_login();
  login.expires_in = std::chrono::seconds(-60);
  const std::string path =
      directory.write("home/claude/other.json", claude_credentials(login, std::chrono::system_clock::now()));
  fs::permissions(path, fs::perms(0600));
  if (::chown(path.c_str(), owner_id(), owner_id()) != 0) throw std::runtime_error(path + ": chown");
  directory.write("config.json", R"({"runtime_dir": ")" + runtime + R"(", "profiles": {"claude": )" +
                                     profile(credentials) + R"(, "other": )" +
                                     profile(path, R"(, "provider": "claude")") + "}}");
}

bool Host::other_login_works() const {
  return endpoint_.accepts_refresh_token(field_of(directory.read("home/claude/other.json"), "refreshToken"));
}

void Host::expire() const {
  std::string text = document();
  const size_t at = text.find("\"expiresAt\":") + 12;
  text.replace(at, text.find_first_not_of("0123456789", at) - at, "1700000000000");
  directory.write("home/claude/.credentials.json", text);
}

void Host::add_container() const {
  fs::create_directory(delivered);
  struct stat status;
  const auto process = identify_process(::getpid());
  const UniqueFd shared(::open(runtime.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const ContainerLedger ledger(shared.get());
  if (!process || ::stat(delivered.c_str(), &status) != 0) throw std::runtime_error("no container");
  DeliveryRecord delivery;
  delivery.profile = "claude";
  delivery.kind = DeliveryKind::write;
  delivery.target = "/run/secrets/claude";
  delivery.source = delivered;
  delivery.directory = FileId::of(status);
  delivery.owner = {::geteuid(), ::getegid()};
  delivery.mode = 0444;
  delivery.files = {{.name = "token"},
                    {.name = ".credentials.json",
                     .member = "/claudeAiOauth",
                     .access_token = "/claudeAiOauth/accessToken",
                     .refresh_token = "/claudeAiOauth/refreshToken"}};
  if (!ledger.save("box", {"box", directory / "bundle", *process, now(), {delivery}}))
    throw std::runtime_error("no record");
}

bool Host::has_locks() const {
  return fs::exists(home + ".lock") || fs::exists(home + "/.oauth_refresh.lock") ||
         fs::exists(home + "/.storage-write.lock");
}

void Host::age_locks() const {
  for (const std::string& lock :
       {home + ".lock", home + "/.oauth_refresh.lock", home + "/.storage-write.lock"}) {
    const timespec long_ago[] = {{1, 0}, {1, 0}};
    ::utimensat(AT_FDCWD, lock.c_str(), long_ago, AT_SYMLINK_NOFOLLOW);
  }
}

std::vector<std::string> Host::command(std::vector<std::string> words) const {
  words.insert(words.begin(), {installed("bin/oci-oauth"), "--config", config});
  return words;
}

// As a member of "profiles" in the configuration.
std::string Host::profile(const std::string& path, const std::string& more) const {
  return R"({"credentials": ")" + path + R"(", "token_url": ")" + endpoint_.url() + R"(", "ca_file": ")" +
         (directory / "ca.pem") + "\"" + more + "}";
}

std::string Host::field_of(const std::string& document, const std::string& name) {
  const auto members = parse_json_object(document);
  if (!members || members->count("claudeAiOauth") == 0) return "";
  const auto oauth = parse_json_object(members->at("claudeAiOauth"));
  return oauth && oauth->count(name) != 0 ? json_plain(oauth->at(name)) : "";
}

std::string Host::left_behind() const {
  std::string found;
  for (const std::string& where : {directory / "home", home}) {
    for (const auto& entry : fs::directory_iterator(where)) {
      const std::string path = entry.path();
      if (path == home || path == credentials || path == home + "/other.json") continue;
      if (path.ends_with(".oci-oauth.journal") && fs::file_size(path) == 0) continue;
      found += path + " ";
    }
  }
  return found;
}

}  // namespace oci_oauth::test
