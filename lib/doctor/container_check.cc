// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "base/secret.h"
#include "base/size.h"
#include "doctor/checks.h"
#include "doctor/command_output.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds container_bound = std::chrono::seconds(90);
constexpr size_t token_limit = 64 * KiB;
constexpr size_t shown_output = 300;

// A root file system that holds one static program; removed at the end.
class ThrowAwayRoot {
 public:
  static Result<ThrowAwayRoot> make() {
    std::string path = std::filesystem::temp_directory_path() / "oci-oauth-try-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return Error::from_errno(errno, path);
    ThrowAwayRoot root(std::move(path));
    std::error_code failure;
    for (const char* name : {"bin", "dev", "etc", "proc", "run", "sys", "tmp"}) {
      std::filesystem::create_directory(root.path_ + "/" + name, failure);
      if (failure) return Error::from_errno(failure.value(), root.path_ + "/" + name);
    }
    ::chmod(root.path_.c_str(), 0755);
    std::filesystem::copy_file("/bin/busybox", root.path_ + "/bin/busybox", failure);
    if (failure) {
      return Error{ErrorKind::not_found, "/bin/busybox: cannot be copied into a throw-away container",
                   "apt-get install busybox-static"};
    }
    return root;
  }
  ThrowAwayRoot(ThrowAwayRoot&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ThrowAwayRoot& operator=(ThrowAwayRoot&&) = delete;
  ~ThrowAwayRoot() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  explicit ThrowAwayRoot(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The engine's own last line; what the container printed is not in it.
std::string last_words(std::string_view output) {
  while (output.ends_with('\n')) output.remove_suffix(1);
  if (const size_t line = output.rfind('\n'); line != std::string_view::npos) output.remove_prefix(line + 1);
  return std::string(output.substr(0, shown_output));
}

Finding judge(const Profile& profile, const std::string& check, const CommandOutput& output,
              const Secret& current) {
  const Secret seen{std::string_view(output.out)};
  if (output.status == 0 && seen == current) {
    return {check, Verdict::ok,
            fmt::format("a Podman container reads the current token at {}", profile.target), ""};
  }
  if (output.status == 0) {
    return {check, Verdict::problem,
            fmt::format("a Podman container reads another token at {}", profile.target),
            fmt::format("oci-oauth refresh {}", profile.name)};
  }
  const bool started = output.status == 1;  // cat's; Podman's own begin at 125
  return {check, Verdict::problem,
          started ? fmt::format("a Podman container finds no token at {}", profile.target)
                  : fmt::format("podman: exit status {}: {}", output.status, last_words(output.err)),
          started ? "oci-oauth install; then look for oci-oauth-hook in the system's log" : "podman info"};
}

Finding try_profile(const Subject& subject, const Profile& profile, const std::string& root) {
  const std::string check = fmt::format("container '{}'", profile.name);
  auto output =
      run_command({"podman", "run", "--rm", "--network", "none", "--log-driver", "none", "--tmpfs",
                   profile.target, "--rootfs", root, "/bin/busybox", "cat", profile.target + "/token"},
                  container_bound);
  if (!output) return problem(check, output.error());
  // Read afterwards: the container's start may have refreshed it.
  auto token = read_file({.path = fmt::format("{}/share/{}/token", subject.config.runtime_dir, profile.name)},
                         token_limit, Links::refused);
  const Secret current = token ? Secret(std::move(*token)) : Secret();
  Finding finding = judge(profile, check, *output, current);
  wipe(output->out);
  return finding;
}

}  // namespace

Findings try_container(const Subject& subject) {
  if (!is_in_path("podman")) {
    return {{"container", Verdict::warning, "podman is not installed: no container was tried", ""}};
  }
  const auto root = ThrowAwayRoot::make();
  if (!root) return {problem("container", root.error())};
  Findings findings;
  for (const Profile& profile : subject.config.profiles) {
    findings.push_back(try_profile(subject, profile, root->path()));
  }
  return findings;
}

}  // namespace oci_oauth
