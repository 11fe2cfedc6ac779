// SPDX-License-Identifier: Apache-2.0
// oci-oauth-fleet: follows a fleet's store, and publishes the access tokens of its logins on this host. Under
// root it is two processes: the one that talks to the store is nobody, and only passes on what it reads.
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "base/child.h"
#include "base/file.h"
#include "base/process.h"
#include "base/service_manager.h"
#include "config/scope.h"
#include "fleet/seal.h"
#include "follower/follower.h"
#include "follower/store_watch.h"
#include "program/installed_programs.h"
#include "program/log.h"
#include "program/standard_options.h"
#include "refresh/attempt.h"
#include "store/open_store.h"
#include "worker/fleet_access.h"
#include "worker/login_owner.h"

namespace oci_oauth {

namespace {

constexpr const char* program = "oci-oauth-fleet";
constexpr std::string_view help =
    "usage: oci-oauth-fleet [--config FILE]\n\n"
    "follows the store of the configuration's fleet, and publishes its access tokens on this host, "
    "first those that it has kept. systemd runs it as oci-oauth-fleet.service if the configuration has a "
    "fleet\n";

constexpr uid_t nobody = 65534;
constexpr size_t longest_line = 4 * MiB;

// $STATE_DIRECTORY is StateDirectory= of systemd.exec(5).
std::string kept_directory() {
  std::string directory(from_environment("STATE_DIRECTORY"));
  if (!directory.empty()) return directory;
  if (scope_of_caller() == Scope::system) return "/var/lib/oci-oauth/fleet";
  directory = from_environment("XDG_STATE_HOME");
  if (directory.empty()) directory = std::string(from_environment("HOME")) + "/.local/state";
  return directory + "/oci-oauth/fleet";
}

// What files say of the fleet. Failure: they cannot be used, or are being written.
struct Settings {
  Config config;
  FleetAccess fleet;
  FleetKeys keys;
};

Result<Settings> read_settings(const std::string& configuration) {
  Settings settings = {TRY(open_configuration(configuration)), {}, {}};
  if (!settings.config.fleet) return Error::configuration(settings.config.path + ": there is no \"fleet\"");
  FleetConfig fleet = *settings.config.fleet;
  fleet.role = FleetRole::follower;  // a refresher's other keys are not needed here
  settings.fleet = TRY(fleet_access(fleet));
  settings.keys = TRY(fleet_keys(settings.fleet));
  return settings;
}

bool has_same_keys(const FleetAccess& one, const FleetAccess& other) {
  return one.certificate == other.certificate && one.key == other.key && one.access == other.access &&
         one.signers == other.signers;
}

using Tell = std::function<bool(const StoreNews&)>;

void watch_store(const FleetAccess& fleet, Tell tell) {
  run({open_store(fleet.config, {std::string(fleet.certificate.reveal()), fleet.key.copy()}), access_prefix,
       std::move(tell), random_fraction, [](Milliseconds time) { std::this_thread::sleep_for(time); }});
}

// In the child: never returns but for a failure.
int watch_as_nobody(const FleetAccess& fleet, int to, const Log& log) {
  const auto became = become({nobody, nobody, {}, "nobody"});
  if (!became) return static_cast<int>(report(log, became.error()));
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // another user's process has none, prctl(2)
  keep_memory_private();
  watch_store(fleet,
              [to](const StoreNews& news) { return write_all(to, line_of(news), "pipe").has_value(); });
  return 1;
}

// Until `tell` returns false. Failure: there are no more lines.
Result<void> take_lines(int from, const Tell& tell) {
  std::string line;
  std::string buffer(64 * KiB, '\0');
  for (ssize_t count = 0; (count = ::read(from, buffer.data(), buffer.size())) > 0;) {
    std::string_view rest(buffer.data(), static_cast<size_t>(count));
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line += rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (const auto news = news_of(line); news && !tell(*news)) return {};
      line.clear();
    }
    line += rest;
    if (line.size() > longest_line) break;
  }
  return Error{ErrorKind::temporary, "the process that watches the store has ended"};
}

Result<void> follow_as_root(const FleetAccess& fleet, const Log& log, const Tell& tell) {
  Pipe pipe = TRY(make_pipe());
  const Child child = TRY(run_in_child([&] {
    pipe.reading.reset();
    return watch_as_nobody(fleet, pipe.writing.get(), log);
  }));
  pipe.writing.reset();
  return take_lines(pipe.reading.get(), tell);
}

// Until the certificate or a key is replaced. Result: the new settings.
Result<Settings> follow(Settings settings, const std::string& configuration, const Log& log) {
  const Config& config = settings.config;
  const FleetAccess& fleet = settings.fleet;
  const RuntimeDir runtime = TRY(RuntimeDir::open(config.runtime_dir));
  const Refresher refresher = {runtime, provider_directories(TRY(installation_prefix(levels_of_helper)))};
  Follower follower = TRY(Follower::open(config, refresher, std::move(settings.keys), kept_directory(), log));
  for (const Profile& profile : config.profiles) {
    if (profile.in_fleet) runtime.note_configuration(profile.name, config.path);
  }
  follower.publish_kept();
  notify_ready();
  std::optional<Settings> next;
  const auto is_replaced = [&] {
    auto there = read_settings(configuration);
    if (there && !has_same_keys(there->fleet, fleet)) next.emplace(std::move(*there));
    return next.has_value();
  };
  const Tell tell = [&](const StoreNews& news) { return follower.take(news) || !is_replaced(); };
  if (::geteuid() == 0) {
    TRY(follow_as_root(fleet, log, tell));
  } else {
    watch_store(fleet, tell);
  }
  return std::move(*next);
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  if (const auto answered = answer_standard_options(argc, argv, program, help)) return *answered;
  const Log log = Log::to_stderr(program);
  return run_reported(log, [&]() -> Result<ExitCode> {
    keep_memory_private();
    ::signal(SIGPIPE, SIG_IGN);
    const std::string configuration = TRY(read_config_option({argv + 1, argv + argc}));
    Settings settings = TRY(read_settings(configuration));
    while (true) {
      settings = TRY(follow(std::move(settings), configuration, log));
      log.write(Priority::notice, "the certificate or a key was replaced, so all are read again");
    }
  });
}
