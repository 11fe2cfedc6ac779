// SPDX-License-Identifier: Apache-2.0
// Each check on a host that is made up; the real one is examined by tests/cli.
#include "doctor/checks.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "support/catch.h"
#include "support/providers.h"
#include "support/record_equal.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

using Words = std::vector<std::string>;

// A host on which everything is as it should be, and its configuration.
struct Scene {
  Config config;
  HostView host;

  Scene() {
    config.path = "/etc/oci-oauth/config.json";
    config.runtime_dir = "/run/oci-oauth";
    Profile& profile = config.profiles.emplace_back();
    profile.name = profile.provider = "claude";
    profile.credentials = "/home/u/login";
    profile.target = "/run/secrets/claude";
    profile.targets = {profile.target};
    host.has_systemd = host.is_root = true;
    host.runtime_directory = {RuntimeDirectoryView::there, {}, true, true};
    host.docker_has_taken_up = [] { return Result<bool>(true); };
    answer("LoadState=loaded\nActiveState=active\nNextElapseUSecRealtime=Tue 12:00\n");
  }

  // Of every command that is run.
  void answer(const std::string& out, int status = 0) {
    host.run = [=](const Words&, Milliseconds) {
      return Result<CommandOutput>(CommandOutput{status, out, "no"});
    };
  }
  void refuse(const Error& error) {
    host.run = [=](const Words&, Milliseconds) { return Result<CommandOutput>(error); };
  }
  void engine(std::string name, decltype(EngineState::state) state) {
    host.engines.push_back({std::move(name), state, "/etc/file", "the state", "the remedy", "the reload"});
  }
  CheckContext context() const { return {config, {test::providers_of(SOURCE_DIR)}, "/probe", host}; }
};

Finding only(const Findings& findings) {
  REQUIRE(findings.size() == 1);
  return findings.front();
}

Finding find(const Findings& findings, const std::string& check) {
  for (const Finding& finding : findings) {
    if (finding.check == check) return finding;
  }
  FAIL("there is no finding '" << check << "'");
  return {};
}

}  // namespace

TEST_CASE("a configuration is praised with its profiles, and one without any is a problem") {
  Scene scene;
  CHECK(only(check_configuration(scene.context())).message == "/etc/oci-oauth/config.json: 'claude'");
  scene.config.profiles.clear();
  CHECK(only(check_configuration(scene.context())).verdict == Verdict::problem);
}

TEST_CASE("a client that no variable leads to its file needs a link in the image, unless it has a socket") {
  Scene scene;
  Profile& profile = scene.config.profiles.front();
  CHECK(only(check_providers(scene.context())).check == "provider 'claude'");
  profile.name = profile.provider = "codex";
  const Findings findings = check_providers(scene.context());
  CHECK_THAT(find(findings, "link of 'codex'").message,
             Contains("ln -s /run/secrets/claude/auth.json ~/.codex/auth.json"));
  profile.delivery = Delivers::socket;
  CHECK(only(check_providers(scene.context())).check == "provider 'codex'");
}

TEST_CASE("gVisor is named where a profile has a socket") {
  Scene scene;
  scene.host.has_gvisor = true;
  CHECK(only(check_providers(scene.context())).check == "provider 'claude'");
  scene.config.profiles.front().delivery = Delivers::socket;
  CHECK(find(check_providers(scene.context()), "gVisor and 'claude'").verdict == Verdict::warning);
}

TEST_CASE("a kernel feature that is missing says what happens without it") {
  Scene scene;
  CHECK(only(check_kernel(scene.context())).verdict == Verdict::ok);
  scene.host.kernel.landlock = false;
  CHECK(only(check_kernel(scene.context())).verdict == Verdict::warning);
  scene.host.kernel.openat2 = false;
  const Findings findings = check_kernel(scene.context());
  REQUIRE(findings.size() == 2);
  CHECK(findings.front().verdict == Verdict::problem);
  CHECK_THAT(findings.front().message, Contains("openat2 (Linux 5.6 or later)") && Contains("no delivery"));
}

TEST_CASE("a runtime directory is private, in memory and, for root, on a file system of its own") {
  Scene scene;
  RuntimeDirectoryView& view = scene.host.runtime_directory;
  const auto finding = [&] { return only(check_runtime_directory(scene.context())); };
  CHECK(finding().message == "/run/oci-oauth: is private and in memory");
  SECTION("somebody else's") {
    view = {RuntimeDirectoryView::refused, {ErrorKind::failed, "belongs to uid 7", "chown"}};
    CHECK(finding() == Finding{"runtime directory", Verdict::problem, "belongs to uid 7", "chown"});
  }
  SECTION("on a disk") {
    view.is_in_memory = false;
    CHECK(finding().message == "/run/oci-oauth/share: is on a disk: tokens are written to it");
    CHECK(finding().verdict == Verdict::warning);
  }
  SECTION("among other files") {
    view.has_own_file_system = false;
    CHECK_THAT(finding().message, Contains("shares its file system"));
    scene.host.is_root = false;
    CHECK(finding().verdict == Verdict::ok);
  }
  SECTION("not there yet") {
    view = {};
    CHECK(finding().message == "/run/oci-oauth: will be created by the first refresh");
    scene.host.is_root = false;
    CHECK_THAT(finding().message, Contains("on a disk"));
    view.is_in_memory = true;
    CHECK(finding().verdict == Verdict::ok);
  }
}

TEST_CASE("a container that lost its token with the runtime directory is named") {
  Scene scene;
  scene.host.stranded = {{4711, "/run/secrets/claude"}};
  const Finding finding = find(check_runtime_directory(scene.context()), "container of process 4711");
  CHECK(finding.verdict == Verdict::problem);
  CHECK_THAT(finding.message, Contains("has no token at /run/secrets/claude") && Contains("lingering"));
}

TEST_CASE("an engine counts by its registration, and Docker by what its daemon has read") {
  Scene scene;
  CHECK(only(check_engines(scene.context())).message == "no container engine is installed");
  scene.engine("crio", EngineState::absent);
  scene.engine("podman", EngineState::unregistered);
  scene.engine("docker", EngineState::registered);
  Findings findings = check_engines(scene.context());
  REQUIRE(findings.size() == 2);
  CHECK(find(findings, "engine podman") ==
        Finding{"engine podman", Verdict::warning, "the state", "the remedy"});
  CHECK(find(findings, "engine docker").verdict == Verdict::ok);
  scene.host.docker_has_taken_up = [] { return Result<bool>(false); };
  CHECK(
      find(check_engines(scene.context()), "engine docker") ==
      Finding{"engine docker", Verdict::problem, "the running daemon has not read /etc/file", "the reload"});
  scene.host.docker_has_taken_up = [] { return Result<bool>(Error{ErrorKind::failed, "no answer"}); };
  CHECK(find(check_engines(scene.context()), "engine docker").verdict == Verdict::ok);
}

TEST_CASE("units are active, or what is lost without them is said") {
  Scene scene;
  Findings findings = check_units(scene.context());
  CHECK(worst(findings) == Verdict::ok);
  CHECK(find(findings, "unit oci-oauth-refresh.timer").message == "active, next at Tue 12:00");
  SECTION("inactive") {
    scene.answer("LoadState=loaded\nActiveState=inactive\n");
    findings = check_units(scene.context());
    CHECK(find(findings, "unit oci-oauth-refresh.timer") ==
          Finding{"unit oci-oauth-refresh.timer", Verdict::problem,
                  "is inactive: logins are refreshed only when a container starts",
                  "systemctl enable --now oci-oauth-refresh.timer"});
    CHECK(findings.size() == 4);  // the units of logins belong to one that is named already
  }
  SECTION("not installed, for a user") {
    scene.host.scope = Scope::user;
    scene.answer("LoadState=not-found\nActiveState=inactive\n");
    CHECK_THAT(find(check_units(scene.context()), "unit oci-oauth-refresh.path").message,
               Contains("is not installed: "));
  }
  SECTION("systemctl fails") {
    scene.answer("", 1);
    CHECK(find(check_units(scene.context()), "unit oci-oauth-boot.timer").message ==
          "systemctl: exit status 1");
    scene.refuse({ErrorKind::not_found, "systemctl: not found"});
    CHECK(worst(check_units(scene.context())) == Verdict::problem);
  }
  SECTION("a user who does not linger") {
    scene.host.scope = Scope::user;
    scene.host.lingers = false;
    CHECK(find(check_units(scene.context()), "linger").remedy == "loginctl enable-linger");
    scene.host.scope = Scope::system;
    CHECK(worst(check_units(scene.context())) == Verdict::ok);
  }
  SECTION("no systemd") {
    scene.host.has_systemd = false;
    CHECK_THAT(only(check_units(scene.context())).message, Contains("systemd is not running"));
  }
}

TEST_CASE("one login's unit that is inactive is started with its path unit") {
  Scene scene;
  scene.config.profiles.push_back(scene.config.profiles.front());  // the same login: one unit
  scene.host.run = [](const Words& command, Milliseconds) {
    const bool is_login = command.at(2) == "oci-oauth-login-claude.path";
    return Result<CommandOutput>(CommandOutput{
        0, is_login ? "LoadState=loaded\nActiveState=failed\n" : "LoadState=loaded\nActiveState=active\n",
        ""});
  };
  const Findings findings = check_units(scene.context());
  CHECK(findings.size() == 5);
  CHECK(find(findings, "unit oci-oauth-login-claude.path").remedy ==
        "systemctl daemon-reload && systemctl restart oci-oauth-refresh.path");
}

TEST_CASE("a login is judged by what the probe reports, and by its absence") {
  Scene scene;
  const Finding reported = {"login 'claude'", Verdict::warning, "mode 0644", "chmod"};
  scene.answer(findings_json({reported}));
  CHECK(only(check_logins(scene.context())) == reported);
  scene.answer("", 139);
  CHECK(only(check_logins(scene.context())).message == "/probe: exit status 139 without any findings");
  scene.refuse({ErrorKind::temporary, "/probe: was still running after 60 s"});
  CHECK(only(check_logins(scene.context())).message == "/probe: was still running after 60 s");
}

TEST_CASE("no container is started without an engine, or with a daemon that does not answer") {
  Scene scene;
  CHECK_THAT(only(try_container(scene.context())).message,
             Contains("neither Podman nor Docker is installed"));
  scene.engine("docker", EngineState::registered);
  scene.host.docker_has_taken_up = [] {
    return Result<bool>(Error{ErrorKind::failed, "no answer", "start it"});
  };
  CHECK(only(try_container(scene.context())) ==
        Finding{"container", Verdict::warning, "no Docker container was started: no answer", "start it"});
  scene.host.docker_has_taken_up = [] { return Result<bool>(false); };
  CHECK(only(try_container(scene.context())).message == "the running Docker daemon has not read /etc/file");
  CHECK(only(try_container(scene.context())).remedy == "the reload");
}

TEST_CASE("a container's token is compared with the current one, at each target") {
  Scene scene;
  const auto status = GENERATE(0, 1, 125);
  CAPTURE(status);
  scene.engine("podman", EngineState::registered);
  scene.engine("docker",
               EngineState::unregistered);  // one engine is registered: the other is not expected to
  scene.config.profiles.front().targets.emplace_back("/home/node/token");
  std::vector<Words> commands;
  scene.host.run = [&](const Words& command, Milliseconds) {
    commands.push_back(command);
    return Result<CommandOutput>(
        CommandOutput{status, status == 0 ? "another token" : "", "podman: broken\n"});
  };
  const Findings findings = try_container(scene.context());
  REQUIRE(findings.size() == 2);
  REQUIRE(commands.size() == 2);
  CHECK(commands.front().front() == "podman");
  CHECK(commands.back().back() == "/home/node/token/token");
  const std::map<int, std::string> messages = {
      {0, "a Podman container reads a different token at /run/secrets/claude"},
      {1, "a Podman container finds no token at /run/secrets/claude"},
      {125, "podman: exit status 125: podman: broken"}};
  CHECK(findings.front().message == messages.at(status));
  CHECK(findings.front().verdict == Verdict::problem);
}

namespace {

// A refresher of a fleet in which nothing is wrong.
struct FleetScene : Scene {
  FleetView view;

  FleetScene() {
    FleetConfig& fleet = config.fleet.emplace();
    fleet.endpoints = {"https://etcd-1:2379"};
    fleet.ca_file = "/etc/ca.pem";
    fleet.certificate_file = "/etc/host.pem";
    fleet.key_file = "/etc/host.key";
    fleet.role = FleetRole::refresher;
    config.profiles.front().in_fleet = true;
    FleetStatus& status = view.status;
    status.store = "etcd";
    status.version = "3.6.14";
    status.clock_behind = Milliseconds(0);
    status.state = "live";
    status.login = status.published_login = 1;
    status.generation = status.published = status.remembered = 42;
    status.certificate_expires_at = now() + std::chrono::hours(24 * 90);
    view.here = FleetArrival{1, 42, now(), now(), "", true};
    view.follower = FollowerState{::getpid(), true, now()};
  }
  Findings findings() const {
    CheckContext asked = context();
    asked.look_at_fleet = [this](const Profile&) { return view; };
    return check_fleet(asked);
  }
  // The worst one: what is wrong with the host leaves the login as it is.
  Finding finding() const {
    const Findings all = findings();
    REQUIRE_FALSE(all.empty());
    return *std::ranges::max_element(all, {}, &Finding::verdict);
  }
};

}  // namespace

TEST_CASE("a fleet in which nothing is wrong is one line, and a host without a fleet has none") {
  FleetScene scene;
  CHECK(scene.finding().verdict == Verdict::ok);
  CHECK_THAT(scene.finding().message, Contains("etcd 3.6.14 has login 1, generation 42"));
  scene.config.profiles.front().in_fleet = false;
  CHECK(scene.findings().empty());
}

TEST_CASE("what is wrong with a fleet has a remedy that can be typed") {
  FleetScene scene;
  FleetStatus& status = scene.view.status;
  const auto expect = [&](Verdict verdict, const char* message, const char* remedy) {
    CHECK(scene.finding().verdict == verdict);
    CHECK_THAT(scene.finding().message, Contains(message));
    CHECK_THAT(scene.finding().remedy, Contains(remedy));
  };
  SECTION("a store that cannot be reached") {
    scene.view.failure = Error{ErrorKind::temporary, "no member answers"};
    expect(Verdict::problem, "no member answers",
           "curl --cacert /etc/ca.pem --cert /etc/host.pem --key /etc/host.key https://etcd-1:2379/health");
  }
  SECTION("a version with known faults") {
    status.version = "3.5.30";
    expect(Verdict::warning, "etcd 3.5.30: a watch shows keys", "upgrade etcd to 3.5.33");
  }
  SECTION("a wrong clock") {
    status.clock_behind = -std::chrono::hours(1);
    expect(Verdict::problem, "clock is 1 h 0 min ahead of the store's: nothing is refreshed here",
           "sudo timedatectl set-ntp true");
  }
  SECTION("a certificate that expires soon") {
    status.certificate_expires_at = now() + std::chrono::hours(24);
    expect(Verdict::warning, "/etc/host.pem: expires at", "systemctl restart oci-oauth-fleet");
  }
  SECTION("a refresh without an answer") {
    status.refreshing = "host-7";
    status.refreshing_since = now() - std::chrono::minutes(5);
    expect(Verdict::warning, "host-7 began a refresh", "oci-oauth fleet takeover claude");
  }
  SECTION("a refresh that is running") {
    status.refreshing = "host-7";
    status.refreshing_since = now();
    CHECK(scene.finding().verdict == Verdict::ok);
  }
  SECTION("a host that is behind") {
    scene.view.here->generation = 41;
    expect(Verdict::warning, "this host has generation 41, and the store generation 42",
           "oci-oauth refresh claude");
    scene.config.fleet->role = FleetRole::follower;
    expect(Verdict::warning, "this host has generation 41", "systemctl restart oci-oauth-fleet");
  }
  SECTION("followers that are behind") {
    status.published = 41;
    expect(Verdict::warning, "followers have generation 41, and the login is in generation 42",
           "oci-oauth refresh claude");
  }
  SECTION("no memory") {
    status.remembered = 0;
    expect(Verdict::warning, "does not remember the login", "oci-oauth refresh claude");
  }
  SECTION("a new login on this host") {
    status.has_new_login = true;
    expect(Verdict::warning, "a person logged in here", "oci-oauth fleet join --force claude");
  }
  SECTION("a login that is over, or was taken back, or was never there") {
    status.state = "dead";
    status.why = "invalid_grant";
    expect(Verdict::problem, "invalid_grant", "log in again");
    status.state = "moved";
    status.by = "two";
    expect(Verdict::problem, "was moved to the host two", "oci-oauth fleet join claude");
    status.login = 0;
    status.published = 0;
    expect(Verdict::problem, "has no such login", "oci-oauth fleet join claude");
  }
  SECTION("nobody who follows") {
    scene.view.follower = FollowerState{::getpid(), false, now(), "no member answers"};
    expect(Verdict::warning, "does not follow the store: no member answers",
           "systemctl restart oci-oauth-fleet");
  }
}

TEST_CASE("engines that cannot be looked for are not taken for missing ones") {
  Scene scene;
  scene.engine("", EngineState::broken);
  CHECK(only(check_engines(scene.context())) ==
        Finding{"engines", Verdict::problem, "the state", "the remedy"});
}
