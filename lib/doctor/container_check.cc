// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/fmt.h"
#include "base/secret.h"
#include "base/size.h"
#include "delivery/choice.h"
#include "doctor/checks.h"
#include "setup/engine.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds container_bound = std::chrono::seconds(90);
constexpr size_t token_limit = 64 * KiB;
constexpr size_t shown_output = 300;

// The engine's own last line.
std::string last_words(std::string_view output) {
  while (output.ends_with('\n')) output.remove_suffix(1);
  if (const size_t line = output.rfind('\n'); line != std::string_view::npos) output.remove_prefix(line + 1);
  return std::string(output.substr(0, shown_output));
}

constexpr const char* program_directories[] = {"bin", "lib", "lib64", "sbin"};

// A root file system whose programs are the host's, in /usr; removed at the end.
class ThrowAwayRoot {
 public:
  static Result<ThrowAwayRoot> make() {
    std::string path = std::filesystem::temp_directory_path() / "oci-oauth-try-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return Error::from_errno(errno, path);
    ThrowAwayRoot root(std::move(path));
    std::error_code failure;
    for (const char* name : {"dev", "etc", "proc", "run", "sys", "tmp", "usr"}) {
      std::filesystem::create_directory(root.path_ + "/" + name, failure);
      if (failure) return Error::from_errno(failure.value(), root.path_ + "/" + name);
    }
    ::chmod(root.path_.c_str(), 0755);
    for (const char* name : program_directories) {
      const std::filesystem::path directory = std::filesystem::path("/") / name;
      if (!std::filesystem::is_symlink(directory, failure)) continue;
      std::filesystem::copy_symlink(directory, root.path_ + directory.string(), failure);
      if (failure) return Error::from_errno(failure.value(), root.path_ + directory.string());
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

// The same as a Docker image, because Docker cannot start a directory; removed at the end.
class ThrowAwayImage {
 public:
  static Result<ThrowAwayImage> import(const HostView& host, const ThrowAwayRoot& root) {
    const auto output =
        TRY(host.run({"sh", "-c", "tar -C \"$0\" -c . | docker import -", root.path()}, container_bound));
    if (output.status != 0 || output.out.empty()) {
      return Error{ErrorKind::failed, "docker import: " + last_words(output.err), "docker info"};
    }
    return ThrowAwayImage(host, last_words(output.out));
  }
  ThrowAwayImage(ThrowAwayImage&& other) noexcept : host_(other.host_), id_(std::exchange(other.id_, {})) {}
  ThrowAwayImage& operator=(ThrowAwayImage&&) = delete;
  ~ThrowAwayImage() {
    if (!id_.empty()) (void)host_.run({"docker", "image", "rm", id_}, container_bound);
  }

  const std::string& id() const { return id_; }

 private:
  ThrowAwayImage(const HostView& host, std::string id) : host_(host), id_(std::move(id)) {}
  const HostView& host_;
  std::string id_;
};

using Words = std::vector<std::string>;

// Of the host's directories with programs, those that are not links into /usr.
Words host_programs() {
  Words words = {"--volume", "/usr:/usr:ro"};
  std::error_code ignored;
  for (const char* name : program_directories) {
    const std::string directory = fmt::format("/{}", name);
    if (std::filesystem::is_directory(std::filesystem::symlink_status(directory, ignored)))
      words.insert(words.end(), {"--volume", fmt::format("{0}:{0}:ro", directory)});
  }
  return words;
}

// How a container is started, without its mounts and command.
struct Engine {
  std::string name;  // for a person
  Words run, image;
  EngineState registration;  // its own, or that of CDI
};

bool is_registered(const EngineState& engine) {
  return engine.state == EngineState::registered;
}

bool chooses_by_device(const EngineState& registration) {
  return registration.engine == engine_name::cdi;
}

Words choice_of(const ChosenPlace& place, const EngineState& registration) {
  if (chooses_by_device(registration))
    return {"--device", fmt::format("{}={}", cdi_kind, place.profile->name)};
  return {"--tmpfs", place.target};
}

// A device delivers to the first target; a mount may be at any.
std::vector<std::string> targets_of(const Profile& profile, const EngineState& registration) {
  return chooses_by_device(registration) ? std::vector{profile.target} : profile.targets;
}

Finding judge(const Engine& engine, const ChosenPlace& place, const CommandOutput& output,
              const Secret& current) {
  const std::string check = fmt::format("container '{}'", place.profile->name);
  const std::string container = fmt::format("a {} container", engine.name);
  if (output.status == 0 && place.profile->delivery == Delivers::socket) {
    const bool has_socket = output.out == "api.sock\n";
    return {
        check, has_socket ? Verdict::ok : Verdict::problem,
        fmt::format("{} finds {} at {}", container, has_socket ? "its socket" : "no socket", place.target),
        has_socket ? "" : "oci-oauth install proxy"};
  }
  if (output.status == 0 && Secret{std::string_view(output.out)} == current) {
    return {check, Verdict::ok, fmt::format("{} reads the current token at {}", container, place.target), ""};
  }
  if (output.status == 0) {
    return {check, Verdict::problem, fmt::format("{} reads a different token at {}", container, place.target),
            fmt::format("oci-oauth refresh {}", place.profile->name)};
  }
  if (output.status != 1) {  // cat's; the engines' own start at 125
    return {check, Verdict::problem,
            fmt::format("{}: exit status {}: {}", engine.run.front(), output.status, last_words(output.err)),
            engine.run.front() + " info"};
  }
  return {check, Verdict::problem, fmt::format("{} finds no token at {}", container, place.target),
          is_registered(engine.registration) ? "journalctl -t oci-oauth-hook -t oci-oauth-runtime"
                                             : engine.registration.remedy};
}

Finding try_place(const CheckContext& context, const ChosenPlace& place, const Engine& engine) {
  context.step(fmt::format("starting a {} container for '{}'", engine.name, place.profile->name));
  Words command = engine.run;
  const auto add = [&](const Words& words) { command.insert(command.end(), words.begin(), words.end()); };
  add({"--rm", "--network", "none", "--log-driver", "none"});
  add(choice_of(place, engine.registration));
  add(host_programs());
  add(engine.image);
  add(place.profile->delivery == Delivers::socket ? Words{"ls", place.target}
                                                  : Words{"cat", place.target + "/token"});
  auto output = context.host.run(command, container_bound);
  if (!output) return problem(fmt::format("container '{}'", place.profile->name), output.error());
  // Read after the container's start, which may have refreshed it.
  auto token =
      read_file({.path = fmt::format("{}/share/{}/token", context.config.runtime_dir, place.profile->name)},
                token_limit, Links::refused);
  const Secret current = token ? Secret(std::move(*token)) : Secret();
  Finding finding = judge(engine, place, *output, current);
  wipe(output->out);
  return finding;
}

Findings try_profiles(const CheckContext& context, const Engine& engine) {
  Findings findings;
  for (const Profile& profile : context.config.profiles)
    for (const std::string& target : targets_of(profile, engine.registration))
      findings.push_back(try_place(context, {&profile, target}, engine));
  return findings;
}

Findings try_podman(const CheckContext& context, const EngineState& registration, const ThrowAwayRoot& root) {
  return try_profiles(context, {"Podman", {"podman", "run"}, {"--rootfs", root.path()}, registration});
}

Findings try_docker(const CheckContext& context, const EngineState& registration, const ThrowAwayRoot& root) {
  const auto taken_up = context.host.docker_has_taken_up();
  if (!taken_up) {
    return {{"container", Verdict::warning, "no Docker container was started: " + taken_up.error().message,
             taken_up.error().hint}};
  }
  if (registration.engine == engine_name::docker && is_registered(registration) && !*taken_up) {
    return {{"container", Verdict::problem, "the running Docker daemon has not read " + registration.file,
             registration.reload}};
  }
  const auto image = ThrowAwayImage::import(context.host, root);
  if (!image) return {problem("container", image.error())};
  Words run = {"docker", "run"};
  if (*taken_up) run.insert(run.end(), {"--runtime", "oci-oauth"});
  return try_profiles(context, {"Docker", run, {image->id()}, registration});
}

struct Trial {
  std::string_view engine;
  Findings (*run)(const CheckContext&, const EngineState&, const ThrowAwayRoot&);
};

constexpr Trial trials[] = {{engine_name::podman, try_podman}, {engine_name::docker, try_docker}};

}  // namespace

Findings try_container(const CheckContext& context) {
  std::vector<std::pair<Trial, EngineState>> present;
  std::optional<EngineState> cdi;
  for (const EngineState& state : context.host.engines) {
    if (state.engine == engine_name::cdi && is_registered(state)) cdi = state;
    for (const Trial& trial : trials) {
      if (state.engine == trial.engine && state.state != EngineState::absent)
        present.emplace_back(trial, state);
    }
  }
  if (present.empty()) {
    return {{"container", Verdict::warning,
             "no container was started: neither Podman nor Docker is installed", ""}};
  }
  // If one engine is registered, no token is expected in another.
  const auto is_unregistered = [](const auto& engine) { return !is_registered(engine.second); };
  if (!std::ranges::all_of(present, is_unregistered)) {
    std::erase_if(present, is_unregistered);
  } else if (cdi) {
    for (auto& [trial, registration] : present) registration = *cdi;
  }
  const auto root = ThrowAwayRoot::make();
  if (!root) return {problem("container", root.error())};
  Findings findings;
  for (const auto& [trial, state] : present) append(findings, trial.run(context, state, *root));
  return findings;
}

}  // namespace oci_oauth
