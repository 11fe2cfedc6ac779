// SPDX-License-Identifier: Apache-2.0
// Many at once on one login: hooks, refreshers, and a Claude Code with its locks. One request for all of
// them, no refresh token sent twice, and what one of them learns is known to every other.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>

#include "base/file_lock.h"
#include "config/provider.h"
#include "faults/bundle.h"
#include "faults/claude_code.h"
#include "faults/host.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/control_api.h"
#include "support/json_text.h"
#include "support/lock_waiter.h"
#include "support/skip.h"

namespace oci_oauth::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Programs that wait at one line until they are let go together.
class StartLine {
 public:
  StartLine() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    waiting_.reset(ends[0]);
    line_.reset(ends[1]);
  }
  void add(const std::vector<std::string>& command, const std::string& input, const std::string& output) {
    const pid_t pid = ::fork();
    if (pid != 0) {
      programs_.push_back(pid);
      return;
    }
    line_.reset();
    char none;
    (void)!::read(waiting_.get(), &none, 1);  // its end
    ::_exit(end_of(start_program(command, input, output)));
  }
  void go() { line_.reset(); }
  // Their exit codes.
  std::vector<int> ends() {
    std::vector<int> codes;
    for (const pid_t pid : programs_) codes.push_back(end_of(pid));
    programs_.clear();
    return codes;
  }

 private:
  UniqueFd waiting_, line_;
  std::vector<pid_t> programs_;
};

// A program that took both locks and died; the time of its last touch is nearly a minute ago.
void die_holding(const Host& host, Milliseconds left) {
  ClaudeCode claude(host, {"hold"});
  REQUIRE(claude.line() == "held");
  claude.die();
  const auto touched = (now() - ProviderLock().stale_after + left).time_since_epoch().count();
  const timespec times[] = {{touched / 1000, touched % 1000 * 1'000'000},
                            {touched / 1000, touched % 1000 * 1'000'000}};
  for (const std::string& lock : {host.home + "/.oauth_refresh.lock", host.home + ".lock"}) {
    REQUIRE(::utimensat(AT_FDCWD, lock.c_str(), times, 0) == 0);
  }
}

size_t count_lines(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
}

constexpr const char* patient = R"(, "hook_wait": "12s")";

}  // namespace

TEST_CASE("500 hooks that start together on an expired token make one request, and all deliver its token",
          "[crowd]") {
  if (!can_make_containers()) return;
  constexpr size_t crowd = 500;
  TokenEndpoint endpoint;
  const Host host(endpoint, patient);
  const ContainerProcess process;
  std::vector<std::unique_ptr<Bundle>> bundles;
  StartLine line;
  for (size_t i = 0; i < crowd; ++i) {
    bundles.push_back(std::make_unique<Bundle>(host, process, "box-" + std::to_string(i)));
    line.add(bundles.back()->hook(), bundles.back()->state(), "/dev/null");
  }
  line.go();
  const std::vector<int> codes = line.ends();
  CHECK(codes == std::vector<int>(crowd, 0));
  CHECK(endpoint.counters().posts == 1);
  CHECK(host.login_works());
  const std::string token = host.field("accessToken");
  size_t delivered = 0;
  for (const auto& bundle : bundles) delivered += bundle->token() == token ? 1U : 0U;
  CHECK(delivered == crowd);
}

TEST_CASE("a hook that waits for a refresh sleeps in one call", "[crowd]") {
  if (!can_make_containers()) return;
  if (!fs::exists("/usr/bin/strace")) return skip("strace is not installed");
  TokenEndpoint endpoint;
  const Host host(endpoint, patient);
  const ContainerProcess process;
  const Bundle first(host, process, "first"), second(host, process, "second");
  endpoint.script({.delay = 3s});
  const pid_t starter = start_program(first.hook(), first.state());
  REQUIRE(endpoint.wait_until([](const Counters& now) { return now.posts == 1; }, 20s));
  std::vector<std::string> traced = {"/usr/bin/strace", "-f", "-o", host.directory / "calls"};
  for (const std::string& word : second.hook()) traced.push_back(word);
  CHECK(end_of(start_program(traced, second.state())) == 0);
  CHECK(end_of(starter) == 0);
  CHECK(second.token() == host.field("accessToken"));
  const std::string calls = file_content(host.directory / "calls");
  INFO(calls);
  // To know since when others wait, to start a refresh, to find it under way; and for the records.
  CHECK(count_lines(calls, "|LOCK_NB)") == 4);
  CHECK(count_lines(calls, ", LOCK_SH)") == 1);
  // What it asks without waiting: whether the container is there, and which of its own stdio is open.
  CHECK(count_lines(calls, "poll(") ==
        count_lines(calls, "events=POLLIN}], 1, 0)") + count_lines(calls, "{fd=2, events=0}], 3, 0)"));
  for (const char* wait : {"nanosleep", "select(", "inotify"}) CHECK(count_lines(calls, wait) == 0);
  CHECK(endpoint.counters().posts == 1);
}

TEST_CASE("hooks that find only other waiting hooks queue, and give up when their time is over", "[crowd]") {
  if (!can_make_containers()) return;
  if (!fs::exists("/usr/bin/strace")) return skip("strace is not installed");
  TokenEndpoint endpoint;
  const Host host(endpoint, R"(, "hook_wait": "1s")");
  const ContainerProcess process;
  const Bundle bundle(host, process, "box");
  // As one who waits has it, but for ever.
  const auto shared =
      FileLock::acquire({.path = host.runtime + "/locks/claude"}, LockMode::shared, SteadyTime{});
  REQUIRE(shared);
  std::vector<std::string> traced = {"/usr/bin/strace", "-f", "-o", host.directory / "calls"};
  for (const std::string& word : bundle.hook()) traced.push_back(word);
  CHECK(end_of(start_program(traced, bundle.state())) == 0);
  const std::string calls = file_content(host.directory / "calls");
  INFO(calls);
  // At once, as one who waits for a refresh; in line, until the time is over; since when others wait; the
  // records.
  CHECK(count_lines(calls, "LOCK_EX|LOCK_NB)") == 3);
  CHECK(count_lines(calls, "LOCK_SH|LOCK_NB)") == 2);
  CHECK(count_lines(calls, ", LOCK_EX)") >= 1);
  CHECK(count_lines(calls, "flock(") <= 8);  // the alarm may come just before a call
  CHECK(endpoint.counters().posts == 0);
}

TEST_CASE("a hook that finds the refresh ended since it looked starts none", "[crowd]") {
  if (!can_make_containers()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint, patient);
  const ContainerProcess process;
  const Bundle bundle(host, process, "box");
  // The hook looks, and finds an expired token; then it waits for whoever has the lock.
  auto refreshing =
      FileLock::acquire({.path = host.runtime + "/locks/claude"}, LockMode::exclusive, SteadyTime{});
  REQUIRE(refreshing);
  const pid_t hook = start_program(bundle.hook(), bundle.state());
  REQUIRE(comes_to_wait(hook));
  const int fd = ::fcntl(refreshing->fd(), F_DUPFD, 100);  // the refresh inherits the lock, as from a hook
  const Output refresh = run_program(host.command({"refresh", "--lock-fd", std::to_string(fd)}));
  CHECK(refresh.status == 0);
  ::close(fd);
  refreshing = Error{ErrorKind::failed, ""};
  CHECK(end_of(hook) == 0);
  CHECK(bundle.token() == host.field("accessToken"));
  CHECK(endpoint.counters().posts == 1);
}

TEST_CASE("a lock that is held long is touched in time", "[crowd]") {
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const UniqueFd events(::inotify_init1(IN_CLOEXEC));
  endpoint.script({.delay = 6500ms, .meanwhile = [&] {
                     ::inotify_add_watch(events.get(), (host.home + ".lock").c_str(), IN_ATTRIB);
                   }});
  const pid_t refresh = start_program(host.command({"refresh"}));
  REQUIRE(endpoint.wait_until([](const Counters& now) { return now.posts == 1; }, 20s));
  pollfd touched = {events.get(), POLLIN, 0};
  CHECK(::poll(&touched, 1, 20'000) == 1);
  CHECK(end_of(refresh) == 0);
  CHECK(host.login_works());
}

TEST_CASE("a cool-down is every process's, until a person overrides it", "[crowd]") {
  if (!can_make_containers()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const ContainerProcess process;
  endpoint.script({.reply = Reply{429, {{"Retry-After", "600"}}, ""}});
  const Output asked = host.refresh();
  CHECK(asked.status == 4);
  CHECK_THAT(asked.text, Catch::Contains("429, retry after 600 s"));
  const std::vector<std::string> commands[] = {{"refresh"}, {"token", "claude"}};
  for (const auto& words : commands) {
    const Output output = run_program(host.command(words));
    CHECK(output.status == 4);
    CHECK_THAT(output.text, Catch::Contains("no request to the token endpoint before"));
  }
  const Bundle bundle(host, process, "box");
  CHECK(run_program(bundle.hook(), bundle.state()).status == 0);
  CHECK(endpoint.counters().posts == 1);
  const Output forced = run_program(host.command({"refresh", "--force"}));
  CHECK(forced.status == 0);
  CHECK_THAT(forced.text, Catch::Contains("overriding the pause that lasts until"));
  CHECK(host.login_works());
}

TEST_CASE("a dead login is not requested again until the file changes or a person insists", "[crowd]") {
  if (!can_make_containers()) return;
  TokenEndpoint endpoint;
  Host host(endpoint);
  const ContainerProcess process;
  endpoint.script({.reply = Reply{400, {}, R"({"error":"invalid_grant"})"}});
  CHECK(host.refresh().status == 3);
  const std::vector<std::string> commands[] = {{"refresh"}, {"token", "claude"}};
  for (const auto& words : commands) {
    const Output output = run_program(host.command(words));
    CHECK(output.status == 3);
    CHECK_THAT(output.text, Catch::Contains("log in again"));
  }
  // The hook does not even start a refresher: with one, it would wait for the lock that we hold.
  const Bundle bundle(host, process, "box");
  {
    const auto held =
        FileLock::acquire(FileAt{.path = host.runtime + "/locks/claude"}, LockMode::exclusive, SteadyTime{});
    REQUIRE(held);
    const auto began = steady_clock::now();
    CHECK(run_program(bundle.hook(), bundle.state()).status == 0);
    CHECK(steady_clock::now() - began < 7s);
  }
  // Touched, it is still the same refresh token.
  host.expire();
  CHECK(host.refresh().status == 3);
  CHECK(endpoint.counters().connections == 1);
  const Output forced = run_program(host.command({"refresh", "--force"}));
  CHECK(forced.status == 0);
  CHECK_THAT(forced.text, Catch::Contains("sending a request although the server refused this login"));
  host.log_in(-60s);
  CHECK(host.refresh().status == 0);
  CHECK(host.login_works());
}

TEST_CASE("two profiles on one login make one request", "[crowd]") {
  TokenEndpoint endpoint;
  const Host host(endpoint);
  std::string config = file_content(host.config);
  const std::string profile =
      config.substr(config.find("{\"credentials\""), config.rfind("}}") - config.find("{\"credentials\""));
  config.insert(config.rfind("}}"),
                R"(, "other": )" + profile.substr(0, profile.rfind('}')) + R"(, "provider": "claude"})");
  host.directory.write("config.json", config);
  StartLine line;
  for (const char* name : {"claude", "other"})
    line.add(host.command({"refresh", name}), "/dev/null", "/dev/null");
  line.go();
  CHECK(line.ends() == std::vector<int>{0, 0});
  CHECK(endpoint.counters().posts == 1);
  CHECK(file_content(host.runtime + "/share/other/token") == host.published_token());
}

TEST_CASE("proper-lockfile finds the locks held while a refresh is under way, and free afterwards",
          "[crowd]") {
  if (const std::string why = ClaudeCode::missing(); !why.empty()) return skip(why);
  TokenEndpoint endpoint;
  const Host host(endpoint);
  std::string meanwhile;
  endpoint.script({.meanwhile = [&] { meanwhile = ClaudeCode(host, {"try"}).line(); }});
  CHECK(host.refresh().status == 0);
  CHECK(meanwhile == "held");
  CHECK(ClaudeCode(host, {"try"}).line() == "free");
}

TEST_CASE("refreshers, hooks, and a Claude Code that locks, rewrites and dies lose no login", "[crowd]") {
  if (!can_make_containers()) return;
  if (const std::string why = ClaudeCode::missing(); !why.empty()) return skip(why);
  constexpr size_t refreshers = 8, hooks = 64;
  const int rounds = is_full_run() ? 200 : 12;
  TokenEndpoint endpoint;
  Host host(endpoint, patient);
  const ContainerProcess process;
  std::vector<std::unique_ptr<Bundle>> bundles;
  for (size_t i = 0; i < hooks; ++i)
    bundles.push_back(std::make_unique<Bundle>(host, process, "box-" + std::to_string(i)));
  for (int round = 0; round < rounds; ++round) {
    INFO("round " << round);
    const auto refreshes_before = endpoint.counters().refreshes;
    StartLine line;
    for (size_t i = 0; i < refreshers; ++i) {
      line.add(host.command({"refresh"}), "/dev/null", host.directory / "refresh.log");
    }
    for (const auto& bundle : bundles) line.add(bundle->hook(), bundle->state(), "/dev/null");
    host.expire();
    std::optional<ClaudeCode> claude;
    if (round % 4 == 3) die_holding(host, 500ms);
    if (round % 4 != 3) claude.emplace(host, std::vector<std::string>{"rewrite", std::to_string(round)});
    if (claude) REQUIRE(claude->line() == "ready");
    line.go();
    if (claude) CHECK(claude->end() == 0);
    line.ends();
    REQUIRE(endpoint.counters().reuses == 0);
    CHECK(host.refresh().status == 0);
    REQUIRE(host.login_works());
    CHECK(host.left_behind() == "");
    // One for all; and another one where Claude Code wrote its fresh token as expired.
    const bool spoiled = claude && host.document().find(R"("replaces":"fresh")") != std::string::npos;
    CHECK(endpoint.counters().refreshes - refreshes_before == (spoiled ? 2U : 1U));
  }
  size_t most = 0;
  for (const auto& [token, posts] : endpoint.posts_by_refresh_token()) most = std::max(most, posts);
  CHECK(most == 1);
  WARN(rounds << " rounds of " << refreshers << " refreshers and " << hooks << " hooks: "
              << endpoint.counters().refreshes << " refreshes, " << endpoint.counters().reuses << " reuses");
}

}  // namespace oci_oauth::test
