// SPDX-License-Identifier: Apache-2.0
// The server with a shell as a stand-in for `oci-oauth refresh`; the real one is run by tests/systemd.
#include "serve/refresh_server.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>

#include "base/wait.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

// A server in a process of its own, whose refreshes run `script` with the profile as $1. It ends by itself
// only when it is told to.
class Served {
 public:
  explicit Served(const std::string& script) : server_([this, script] { return serve(script); }) {}

  pid_t pid() const { return server_.pid(); }
  std::string end() const { return server_.answer(); }
  const TempDir& directory() const { return directory_; }

  UniqueFd call(std::string_view text) const {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0);
    REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
    return socket;
  }

  // "none" if the server hangs up.
  static std::string answer_to(const UniqueFd& caller) {
    char line[16];
    if (!wait_readable(caller.get(), std::chrono::steady_clock::now() + 20s)) return "no answer in time";
    const ssize_t count = ::recv(caller.get(), line, sizeof line, 0);
    return count > 1 ? std::string(line, static_cast<size_t>(count) - 1) : "none";
  }

 private:
  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }

  static UniqueFd listen_at(const sockaddr_un& address) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket.get(), 100) == 0);
    return socket;
  }

  Config config() const {
    Config config;
    config.profiles.emplace_back().name = "claude";
    config.profiles.front().credentials = directory_ / "no-login";
    config.runtime_dir = directory_ / "run";
    return config;
  }

  std::string serve(const std::string& script) {
    auto runtime = RuntimeDir::open(directory_ / "run");
    if (!runtime) return runtime.error().message;
    const Log log = Log::to_stderr("test");
    ServerClock clock;
    auto server = RefreshServer::open({.listening = std::move(listening_),
                                       .runtime = std::move(*runtime),
                                       .config = config(),
                                       .read_config = [this] { return Result<Config>(config()); },
                                       .command = {"/bin/sh", "-c", script, "sh"},
                                       .log = log,
                                       .clock = clock});
    if (!server) return server.error().message;
    server->run();
    return "left";
  }

  TempDir directory_;
  sockaddr_un address_ = address_of(directory_ / "socket");
  UniqueFd listening_ = listen_at(address_);
  ChildProcess server_;
};

// A clock that leaps to the next thing to do, unless a refresh is running: that is waited for.
class LeapingClock : public ServerClock {
 public:
  Instant now() override { return {noon + std::chrono::floor<Milliseconds>(passed_), SteadyTime(passed_)}; }
  void wait(std::span<pollfd> watched, SteadyTime until) override {
    const bool is_running = std::ranges::count_if(watched, [](const pollfd& one) { return one.fd >= 0; }) > 2;
    if (wait_readable(watched, is_running ? std::chrono::steady_clock::now() + 20s : SteadyTime{})) return;
    REQUIRE_FALSE(is_running);
    passed_ = std::max(passed_, until.time_since_epoch());
  }
  Milliseconds passed() const { return std::chrono::floor<Milliseconds>(passed_); }

  static constexpr Time noon = Time(1'800'000'000'000ms);

 private:
  SteadyTime::duration passed_{0};
};

// The server in this process, with that clock and without a listening socket.
struct Scene {
  TempDir directory;
  LeapingClock clock;
  Log log = Log::to_stderr("test");

  RuntimeDir runtime() const {
    auto runtime = RuntimeDir::open(directory / "run");
    REQUIRE(runtime);
    return std::move(*runtime);
  }
  void publish(Milliseconds due_in) const {
    ProfileRecords known;
    known.published.obtained_at = LeapingClock::noon - 1h;
    known.published.due_at = LeapingClock::noon + due_in;
    known.published.expires_at = known.published.due_at + 1h;
    known.published.login_is_visible = false;
    REQUIRE(runtime().publish("claude", known));
  }
  // Each refresh leaves a line and runs `script`.
  void serve(const std::string& script) {
    Config config;
    config.profiles.emplace_back().name = "claude";
    config.runtime_dir = directory / "run";
    auto server = RefreshServer::open(
        {.listening = UniqueFd(),
         .runtime = runtime(),
         .config = config,
         .read_config = [&] { return Result<Config>(config); },
         .command = {"/bin/sh", "-c", "echo x >> " + directory / "runs" + "; " + script, "sh"},
         .log = log,
         .clock = clock});
    REQUIRE(server);
    server->run();
  }
  std::string runs() const { return directory.read("runs"); }
};

}  // namespace

TEST_CASE("a server without a token to refresh leaves after ten quiet seconds") {
  Scene scene;
  scene.serve("exit 0");
  CHECK(scene.clock.passed() >= 10s);
  CHECK(scene.clock.passed() < 20s);
  CHECK(scene.runs().empty());
}

TEST_CASE("a token that becomes due before the timer's next tick is refreshed when it is due") {
  Scene scene;
  scene.publish(5min);
  // The stand-in publishes nothing, so its failure is not tried again: the server leaves.
  scene.serve("exit 1");
  CHECK(scene.runs() == "x\n");
  CHECK(scene.clock.passed() >= 5min);
  CHECK(scene.clock.passed() < 6min);
}

TEST_CASE("a token that is due after the timer's next tick is left to the timer") {
  Scene scene;
  scene.publish(34min);
  scene.serve("exit 0");
  CHECK(scene.runs().empty());
  CHECK(scene.clock.passed() < 1min);
}

TEST_CASE("a caller is answered with the exit code of the refresh that it asked for") {
  const Served served("test \"$1\" = claude && exit 4");
  CHECK(Served::answer_to(served.call("claude\n")) == "4");
}

TEST_CASE("a profile that is not configured is a usage error, a question without an end is none") {
  const Served served("exit 0");
  CHECK(Served::answer_to(served.call("other\n")) == "2");
  CHECK(Served::answer_to(served.call(std::string(100, 'x'))) == "none");
}

TEST_CASE("a refresh that is killed, or cannot be started, has failed") {
  const Served served("kill -KILL $$");
  CHECK(Served::answer_to(served.call("claude\n")) == "1");
}

TEST_CASE("one refresh runs at a time, and those that ask meanwhile share the next one") {
  const TempDir directory;
  const std::string gate = directory / "gate";
  REQUIRE(::mkfifo(gate.c_str(), 0600) == 0);
  // Each leaves a line and ends when it is let.
  const Served gated("echo x >> " + directory / "runs" + "; read line < " + gate + "; exit 0");
  const UniqueFd first = gated.call("claude\n");
  std::ofstream opened(gate);  // waits for the first refresh
  const UniqueFd second = gated.call("claude\n"), third = gated.call("claude\n");
  CHECK_FALSE(is_readable(second.get()));
  opened << "go\n" << std::flush;
  opened.close();
  CHECK(Served::answer_to(first) == "0");
  std::ofstream again(gate);
  again << "go\n" << std::flush;
  again.close();
  CHECK(Served::answer_to(second) == "0");
  CHECK(Served::answer_to(third) == "0");
  CHECK(directory.read("runs") == "x\nx\n");
}

TEST_CASE("a server that is told to end lets a refresh finish, and answers who waits for it") {
  const TempDir directory;
  const std::string begun = directory / "begun";
  REQUIRE(::mkfifo(begun.c_str(), 0600) == 0);
  const Served served("trap 'exit 3' TERM; echo x > " + begun + "; while :; do sleep 0.1; done");
  const UniqueFd caller = served.call("claude\n");
  std::string line;
  std::getline(std::ifstream(begun), line);
  REQUIRE(::kill(served.pid(), SIGTERM) == 0);
  CHECK(Served::answer_to(caller) == "3");
  CHECK(served.end() == "left");
}

TEST_CASE("a server whose runtime directory was removed leaves") {
  const Served served("exit 0");
  CHECK(Served::answer_to(served.call("claude\n")) == "0");
  std::filesystem::rename(served.directory() / "run", served.directory() / "gone");
  CHECK(served.end() == "left");
}
