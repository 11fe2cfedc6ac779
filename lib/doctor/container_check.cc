// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/secret.h"
#include "delivery/consent.h"
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

constexpr const char* program_directories[] = {"/bin", "/lib", "/lib64", "/sbin"};

// What a container is started from; removed at the end.
class ThrowAway {
 public:
  ThrowAway(std::string name, std::function<void()> removal)
      : name_(std::move(name)), removal_(std::move(removal)) {}
  ThrowAway(ThrowAway&& other) noexcept
      : name_(std::move(other.name_)), removal_(std::exchange(other.removal_, nullptr)) {}
  ThrowAway& operator=(ThrowAway&&) = delete;
  ~ThrowAway() {
    if (removal_) removal_();
  }

  const std::string& name() const { return name_; }

 private:
  std::string name_;  // a path, or an image's id
  std::function<void()> removal_;
};

// A root file system whose programs are the host's, in /usr.
Result<ThrowAway> make_root() {
  namespace fs = std::filesystem;
  std::string path = fs::temp_directory_path() / "oci-oauth-try-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return Error::from_errno(errno, path);
  std::error_code failure;
  ThrowAway root(path, [path] {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  });
  for (const char* name : {"/dev", "/etc", "/proc", "/run", "/sys", "/tmp", "/usr"}) {
    fs::create_directory(path + name, failure);
    if (failure) return Error::from_errno(failure.value(), path + name);
  }
  ::chmod(path.c_str(), 0755);
  for (const std::string directory : program_directories) {
    if (!fs::is_symlink(directory, failure)) continue;
    fs::copy_symlink(directory, path + directory, failure);
    if (failure) return Error::from_errno(failure.value(), path + directory);
  }
  return root;
}

// The same as a Docker image, because Docker cannot start a directory.
Result<ThrowAway> import_image(const HostView& host, const std::string& root) {
  const auto output =
      TRY(host.run({"sh", "-c", "tar -C \"$0\" -c . | docker import -", root}, container_bound));
  if (output.status != 0 || output.out.empty())
    return Error{ErrorKind::failed, "docker import: " + last_words(output.err), "docker info"};
  const std::string id = last_words(output.out);
  return ThrowAway(id, [&host, id] { (void)host.run({"docker", "image", "rm", id}, container_bound); });
}

using Words = std::vector<std::string>;

// Of the host's directories with programs, those that are not links into /usr.
Words host_programs() {
  Words words = {"--volume", "/usr:/usr:ro"};
  std::error_code ignored;
  for (const char* directory : program_directories) {
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
  const auto it = [&](Verdict verdict, std::string_view finds, std::string remedy = "") {
    return Finding{check, verdict, fmt::format("a {} container {} at {}", engine.name, finds, place.target),
                   std::move(remedy)};
  };
  if (output.status == 1)  // cat's; the engines' own start at 125
    return it(Verdict::problem, "finds no token",
              is_registered(engine.registration) ? "journalctl -t oci-oauth-hook -t oci-oauth-runtime"
                                                 : engine.registration.remedy);
  if (output.status != 0)
    return {check, Verdict::problem,
            fmt::format("{}: exit status {}: {}", engine.run.front(), output.status, last_words(output.err)),
            engine.run.front() + " info"};
  if (place.profile->delivery == Delivers::socket)
    return output.out == "api.sock\n" ? it(Verdict::ok, "finds its socket")
                                      : it(Verdict::problem, "finds no socket", "oci-oauth install proxy");
  if (Secret{std::string_view(output.out)} == current) return it(Verdict::ok, "reads the current token");
  return it(Verdict::problem, "reads a different token",
            fmt::format("oci-oauth refresh {}", place.profile->name));
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

Findings try_docker(const CheckContext& context, const EngineState& registration, const std::string& root) {
  const auto taken_up = context.host.docker_has_taken_up();
  if (!taken_up)
    return {{"container", Verdict::warning, "no Docker container was started: " + taken_up.error().message,
             taken_up.error().hint}};
  if (registration.engine == engine_name::docker && is_registered(registration) && !*taken_up)
    return {{"container", Verdict::problem, "the running Docker daemon has not read " + registration.file,
             registration.reload}};
  const auto image = import_image(context.host, root);
  if (!image) return {problem("container", image.error())};
  Words run = {"docker", "run"};
  if (*taken_up) run.insert(run.end(), {"--runtime", "oci-oauth"});
  return try_profiles(context, {"Docker", run, {image->name()}, registration});
}

struct Trial {
  std::string engine;
  EngineState registration;  // its own, or that of CDI
};

}  // namespace

Findings try_container(const CheckContext& context) {
  std::vector<Trial> trials;
  std::optional<EngineState> cdi;
  for (const EngineState& state : context.host.engines) {
    if (state.engine == engine_name::cdi && is_registered(state)) cdi = state;
    const bool is_tried = state.engine == engine_name::podman || state.engine == engine_name::docker;
    if (is_tried && state.state != EngineState::absent) trials.push_back({state.engine, state});
  }
  if (trials.empty())
    return {
        {"container", Verdict::warning, "no container was started: neither Podman nor Docker is installed"}};
  // If one engine is registered, no token is expected in another.
  const auto is_unregistered = [](const Trial& trial) { return !is_registered(trial.registration); };
  if (!std::ranges::all_of(trials, is_unregistered)) {
    std::erase_if(trials, is_unregistered);
  } else if (cdi) {
    for (Trial& trial : trials) trial.registration = *cdi;
  }
  const auto root = make_root();
  if (!root) return {problem("container", root.error())};
  Findings findings;
  for (const auto& [engine, registration] : trials) {
    append(
        findings,
        engine == engine_name::docker
            ? try_docker(context, registration, root->name())
            : try_profiles(context, {"Podman", {"podman", "run"}, {"--rootfs", root->name()}, registration}));
  }
  return findings;
}

}  // namespace oci_oauth
