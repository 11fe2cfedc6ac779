// SPDX-License-Identifier: Apache-2.0
// A hook that writes into a directory of a person's is killed before each of its system calls, at the start
// of the container and at its end: the next refresh gives a running container what it lacks, and when the
// container is gone no token is left, and everything that the person wrote is.
#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "faults/bundle.h"
#include "faults/host.h"
#include "faults/sweep.h"
#include "faults/tracer.h"
#include "support/catch.h"

namespace oci_oauth::test {
namespace {

using Files = std::map<std::string, std::string>;

// What a person has in the directory before the container comes.
const Files nothing;
const Files own_token = {{"token", "glpat-mine\n"}, {"notes", "mine"}};
const Files own_document = {
    {".credentials.json", "{\n  \"mcpOAuth\": {\"a\": {\"refreshToken\": \"of-a-server\"}}\n}\n"},
    {"notes", "mine"}};

enum class Side { start, end };            // the hook that is killed: createRuntime or poststop
enum class Next { refresh, end_at_once };  // of the container: a refresh comes while it runs, or its end

class WrittenScene {
 public:
  WrittenScene(TokenEndpoint& endpoint, const Files& files) : host_(endpoint) {
    host_.log_in(std::chrono::hours(8));
    if (refresh().status != 0) throw std::runtime_error("nothing is published");
    for (const auto& [name, text] : files) std::ofstream(path(name)) << text;
  }

  Traced run(Side step, const Fault& fault) const {
    const auto command = bundle_.hook(step == Side::start ? "createRuntime" : "poststop");
    UniqueFd state(::open(bundle_.state().c_str(), O_RDONLY | O_CLOEXEC));
    return run_traced(command, fault, {}, std::move(state));
  }
  Output refresh() const { return run_program(host_.command({"refresh", "--offline"})); }
  void end_container() { container_.reset(); }

  bool is_recorded() const { return std::filesystem::exists(host_.runtime + "/containers/box.json"); }
  std::string token() const { return host_.field("accessToken"); }
  // All names of the directory, and what they hold.
  Files files() const {
    Files found;
    for (const auto& entry : std::filesystem::directory_iterator(bundle_.target()))
      found[entry.path().filename()] = file_content(entry.path());
    return found;
  }

 private:
  std::string path(const std::string& name) const { return bundle_.target() + "/" + name; }

  Host host_;
  std::optional<ContainerProcess> container_{std::in_place};
  Bundle bundle_{host_, *container_, "box"};
};

struct KilledHook {
  Fault fault;
  std::optional<Call> killed;
  bool hung = false;
  bool was_recorded = false;
  Files running;  // after a refresh of the running container
  Output refreshed, swept;
  Files left;
  bool has_record = false;  // at the end
  std::string token, output;
};

KilledHook kill_hook(TokenEndpoint& endpoint, const Files& files, Side step, Next next, const Fault& fault) {
  WrittenScene scene(endpoint, files);
  if (step == Side::end) {
    (void)scene.run(Side::start, {});
    scene.end_container();
  }
  KilledHook outcome;
  const Traced traced = scene.run(step, fault);
  outcome.fault = fault;
  outcome.killed = traced.failed;
  outcome.hung = traced.hung;
  outcome.token = scene.token();
  outcome.was_recorded = scene.is_recorded();
  if (next == Next::refresh) {
    outcome.refreshed = scene.refresh();
    outcome.running = scene.files();
  }
  scene.end_container();
  outcome.swept = scene.refresh();
  outcome.left = scene.files();
  outcome.has_record = scene.is_recorded();
  outcome.output = traced.output + outcome.refreshed.text + outcome.swept.text;
  return outcome;
}

// A few more than there were: runs differ by a call or two. The sample has each call in the directory and at
// the records, and some others.
std::vector<Fault> every_call(const std::vector<Call>& calls) {
  std::map<unsigned, std::set<unsigned>> numbers;  // of each process
  for (const Call& call : calls) {
    const bool matters = call.subject.find("/run/secrets/claude") != std::string::npos ||
                         call.subject.find("/containers") != std::string::npos;
    if (is_full_run() || matters || call.number % 16 == 0) numbers[call.process].insert(call.number);
  }
  for (auto& [process, some] : numbers) {
    for (unsigned i = 0; i < 3; ++i) some.insert(*some.rbegin() + 1);
  }
  std::vector<Fault> faults;
  for (const auto& [process, some] : numbers) {
    for (const unsigned number : some) faults.push_back({.process = process, .number = number});
  }
  return faults;
}

std::vector<KilledHook> sweep(const Files& files, Side step, Next next) {
  TokenEndpoint endpoint;
  WrittenScene scene(endpoint, files);
  Traced whole = scene.run(Side::start, {});
  if (step == Side::end) {
    scene.end_container();
    whole = scene.run(step, {});
  }
  INFO(whole.output);
  REQUIRE(whole.status == 0);
  const std::vector<Fault> faults = every_call(whole.calls);
  return in_parallel<KilledHook>(faults.size(),
                                 [&](size_t i) { return kill_hook(endpoint, files, step, next, faults[i]); });
}

std::string names_of(const Files& files) {
  std::string names;
  for (const auto& [name, text] : files) names += name + " ";
  return names;
}

std::string describe(const KilledHook& outcome) {
  return "process " + std::to_string(outcome.fault.process) + ", call " +
         std::to_string(outcome.fault.number) + ": " +
         (outcome.killed ? outcome.killed->name + " " + outcome.killed->subject : "never made") +
         "\nleft: " + names_of(outcome.left) + "\n" + outcome.output;
}

// Result: how many kills there were.
unsigned check_swept(const std::vector<KilledHook>& outcomes, const Files& files) {
  unsigned kills = 0;
  for (const KilledHook& outcome : outcomes) {
    INFO(describe(outcome));
    if (outcome.killed) ++kills;
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.swept.status == 0);
    CHECK(outcome.left == files);
    CHECK_FALSE(outcome.has_record);
    CHECK(outcome.output.find("sk-ant-") == std::string::npos);
  }
  CHECK(kills > 0);
  return kills;
}

}  // namespace

TEST_CASE("killed before any call, a hook leaves no token in a container's directory", "[written]") {
  if (!can_make_containers()) return;
  const unsigned kills = check_swept(sweep(nothing, Side::start, Next::end_at_once), nothing);
  WARN(kills << " kills");
}

TEST_CASE("killed before any call, a hook changes nothing of a person's token", "[written]") {
  if (!can_make_containers()) return;
  const auto outcomes = sweep(own_token, Side::start, Next::refresh);
  const unsigned kills = check_swept(outcomes, own_token);
  for (const KilledHook& outcome : outcomes) {
    INFO(describe(outcome));
    CHECK(outcome.running == own_token);
  }
  WARN(kills << " kills");
}

TEST_CASE("killed before any call, a hook takes nothing from a person's document", "[written]") {
  if (!can_make_containers()) return;
  const unsigned kills = check_swept(sweep(own_document, Side::start, Next::end_at_once), own_document);
  WARN(kills << " kills");
}

TEST_CASE("what a hook that was killed has on record is in a running container after the next refresh",
          "[written]") {
  if (!can_make_containers()) return;
  const auto outcomes = sweep(own_document, Side::start, Next::refresh);
  const unsigned kills = check_swept(outcomes, own_document);
  unsigned mended = 0;
  for (const KilledHook& outcome : outcomes) {
    INFO(describe(outcome));
    if (!outcome.was_recorded) {
      CHECK(outcome.running == own_document);
      continue;
    }
    ++mended;
    Files running = outcome.running;
    CHECK(running["token"] == outcome.token);
    CHECK(running[".credentials.json"].find(outcome.token) != std::string::npos);
    CHECK(running[".credentials.json"].find("of-a-server") != std::string::npos);
    CHECK(running["notes"] == "mine");
    CHECK(running.size() == 3);
  }
  CHECK(mended > 0);
  WARN(kills << " kills, " << mended << " of them with a record");
}

TEST_CASE("killed before any call, a hook at a container's end leaves the rest to the next refresh",
          "[written]") {
  if (!can_make_containers()) return;
  const unsigned kills = check_swept(sweep(own_document, Side::end, Next::end_at_once), own_document);
  WARN(kills << " kills");
}

}  // namespace oci_oauth::test
