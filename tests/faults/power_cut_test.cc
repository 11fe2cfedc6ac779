// SPDX-License-Identifier: Apache-2.0
// The power goes after any call of a refresh. Every state that the disk may then have is built and given to
// the next run; the login survives, unless the cut fell between the request and the note of its answer.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "faults/host.h"
#include "faults/power_cut.h"
#include "faults/scene.h"
#include "faults/sweep.h"
#include "faults/tracer.h"
#include "support/catch.h"

namespace oci_oauth::test {
namespace {

namespace fs = std::filesystem;

// What a refresh did beside the login, from the state before.
struct Record {
  std::vector<DiskStep> steps;
  size_t granted = 0;                // the step that begins to note the answer
  size_t granted_synced = 0;         // the one after which it must be there
  size_t fenced = 0;                 // the one after which the fence is there
  std::string spent, granted_token;  // refresh tokens
};

bool changes_files(const Call& call) {
  static const std::set<std::string> names = {"openat", "write",    "ftruncate", "fsync",  "fdatasync",
                                              "rename", "renameat", "renameat2", "unlink", "unlinkat"};
  return names.count(call.name) != 0;
}

Record record_refresh(const Host& host) {
  Record record;
  record.spent = host.field("refreshToken");
  record.steps.push_back({look_at_directory(host.home), {}, true, "before"});
  const auto traced = run_traced(host.command({"refresh", "claude"}), {}, [&](const Call& call) {
    if (call.process != 1 || !changes_files(call) || !call.subject.starts_with(host.home)) return;
    DiskStep step = {look_at_directory(host.home), {}, false, call.name + " " + call.subject};
    const bool sync = call.name == "fsync" || call.name == "fdatasync";
    step.names_synced = sync && call.subject == host.home;
    const auto name =
        step.after.names.find(call.subject.substr(std::min(call.subject.size(), host.home.size() + 1)));
    if (sync && name != step.after.names.end()) step.synced = name->second;
    const bool last = record.steps.back().after == step.after && !sync;
    if (!last) record.steps.push_back(std::move(step));
  });
  INFO(traced.output);
  REQUIRE(traced.status == 0);
  record.granted_token = host.field("refreshToken");
  REQUIRE(record.granted_token != record.spent);
  const auto names_token = [&](const DiskStep& step) {
    return std::ranges::any_of(step.after.contents, [&](const auto& file) {
      return file.second.find(record.granted_token) != std::string::npos;
    });
  };
  auto& steps = record.steps;
  const auto granted = std::ranges::find_if(steps, names_token);
  const auto is_sync = [](const DiskStep& step) { return step.synced.has_value(); };
  const auto synced = std::find_if(granted, steps.end(), is_sync);
  REQUIRE(synced != steps.end());
  const auto fenced = std::find_if(std::make_reverse_iterator(granted), steps.rend(),
                                   [](const DiskStep& step) { return step.names_synced; });
  record.granted = static_cast<size_t>(granted - steps.begin());
  record.granted_synced = static_cast<size_t>(synced - steps.begin());
  record.fenced = static_cast<size_t>(steps.rend() - fenced) - 1;
  REQUIRE(record.fenced > 0);
  return record;
}

// What the next run must find of the login in a state of the disk.
struct Case {
  DiskState state;
  bool may_be_spent = true;    // the old refresh token may be all there is
  bool may_be_granted = true;  // the new one may be there
  bool fenced = false;         // where it is the old one, a person must be told
  std::string after;           // the last call before the cut
};

std::vector<Case> cases_of(const Record& record) {
  std::map<DiskState, Case> cases;
  for (size_t last = 0; last < record.steps.size(); ++last) {
    for (const DiskState& state : states_after(record.steps, last)) {
      const auto [found, is_new] =
          cases.try_emplace(state, Case{state, true, true, false, record.steps[last].call});
      Case& known = found->second;
      if (last < record.granted) known.may_be_granted = false;
      if (last >= record.fenced && last < record.granted_synced) known.fenced = true;
      if (last >= record.granted_synced && known.may_be_spent) {
        known.may_be_spent = false;
        known.after = record.steps[last].call;
      }
    }
  }
  std::vector<Case> all;
  for (auto& [state, found] : cases) all.push_back(std::move(found));
  return all;
}

// The sample has the states in which an answer can be lost, and some of the others.
std::vector<Case> sample(std::vector<Case> cases, size_t size) {
  if (is_full_run() || cases.size() <= size) return cases;
  std::stable_partition(cases.begin(), cases.end(), [](const Case& one) { return !one.may_be_spent; });
  const auto critical = static_cast<size_t>(std::ranges::count(cases, false, &Case::may_be_spent));
  const size_t of_critical = std::min(critical, size * 2 / 3), of_others = size - of_critical;
  std::vector<Case> chosen;
  for (size_t i = 0; i < of_critical; ++i) chosen.push_back(cases[i * critical / of_critical]);
  for (size_t i = 0; i < of_others; ++i) {
    chosen.push_back(cases[critical + i * (cases.size() - critical) / of_others]);
  }
  return chosen;
}

struct NextRun {
  Output output;
  std::string token;    // the login's refresh token then
  std::string problem;  // empty: as it must be
};

std::string problem_of(const Case& found, const Record& record, const NextRun& outcome) {
  if (outcome.output.status != 0) return "the next run fails";
  if (outcome.token == record.granted_token) return found.may_be_granted ? "" : "a token from nowhere";
  if (outcome.token != record.spent) return "the login is not whole";
  if (!found.may_be_spent) return "the login is lost";
  const bool told = outcome.output.text.find("its answer never arrived") != std::string::npos;
  return found.fenced && !told ? "nobody is told of the request" : "";
}

// Puts the state on a disk and lets the next run find it: the one at boot, which asks no endpoint.
NextRun give_to_next_run(TokenEndpoint& endpoint, const Record& record, const Case& found, Place place) {
  Host host(endpoint);
  if (place == Place::two_logins) host.add_other_login();
  fs::remove(host.credentials);
  for (const auto& [name, content] : found.state) {
    const std::string path = host.home + "/" + name;
    host.directory.write("home/claude/" + name, content);
    fs::permissions(path, fs::perms(0600));
    if (::chown(path.c_str(), owner_id(), owner_id()) != 0) throw std::runtime_error(path + ": chown");
  }
  std::optional<MountedFile> mounted;
  if (place == Place::mounted_file && fs::exists(host.credentials)) mounted.emplace(host.credentials);
  NextRun outcome;
  // Another login in the same directory has its turn first, and does no harm.
  std::vector<std::string> next = {"refresh", "--offline"};
  if (place == Place::two_logins) next.emplace_back("other");
  next.emplace_back("claude");
  outcome.output = run_program(host.command(next));
  outcome.token = host.field("refreshToken");
  outcome.problem = problem_of(found, record, outcome);
  return outcome;
}

std::string shown(const DiskState& state) {
  std::string text;
  for (const auto& [name, content] : state) {
    std::string printable = content;
    std::ranges::replace(printable, '\0', '~');
    text += name + ": " + printable + "\n";
  }
  return text;
}

// Result: how many states have a problem.
size_t check_states(TokenEndpoint& endpoint, const Record& record, Place place, size_t size,
                    bool must_be_fine) {
  const auto cases = sample(cases_of(record), size);
  const auto outcomes = in_parallel<NextRun>(
      cases.size(), [&](size_t i) { return give_to_next_run(endpoint, record, cases[i], place); });
  size_t problems = 0;
  WARN(cases.size() << " states of the disk after " << record.steps.size() << " calls");
  for (size_t i = 0; i < cases.size(); ++i) {
    if (outcomes[i].problem.empty()) continue;
    ++problems;
    if (!must_be_fine) continue;
    INFO("after " << cases[i].after << ":\n" << shown(cases[i].state) << outcomes[i].output.text);
    CHECK(outcomes[i].problem == "");
  }
  return problems;
}

// As the program would be without that sync.
Record without_sync(Record record, const std::function<bool(const DiskStep&)>& is_meant, size_t from) {
  const auto begin = record.steps.begin() + static_cast<std::ptrdiff_t>(from);
  const auto step = std::find_if(begin, record.steps.end(), is_meant);
  REQUIRE(step != record.steps.end());
  step->synced.reset();
  step->names_synced = false;
  return record;
}

}  // namespace

TEST_CASE("the states of a write, a rename and their syncs are those that a disk may have", "[power]") {
  const auto step = [](Snapshot after) { return DiskStep{std::move(after), {}, false, ""}; };
  std::vector<DiskStep> steps = {step({{{"f", 1}}, {{1, "old"}}})};
  steps.push_back(step({{{"f", 1}, {"t", 2}}, {{1, "old"}, {2, ""}}}));
  steps.push_back(step({{{"f", 1}, {"t", 2}}, {{1, "old"}, {2, "newer"}}}));
  steps.push_back(step({{{"f", 2}}, {{2, "newer"}}}));
  const std::string zeros(5, '\0');
  const std::set<DiskState> unsynced = states_after(steps, 3);
  CHECK(unsynced.count({{"f", "old"}}) == 1);
  CHECK(unsynced.count({{"f", zeros}}) == 1);
  CHECK(unsynced.count({{"f", ""}}) == 1);
  CHECK(unsynced.count({{"f", "newer"}}) == 1);
  CHECK(unsynced.count({}) == 0);
  steps[2].synced = 2;
  CHECK(states_after(steps, 3) ==
        std::set<DiskState>{{{"f", "old"}}, {{"f", "old"}, {"t", "newer"}}, {{"f", "newer"}}});
  steps[3].names_synced = true;
  CHECK(states_after(steps, 3) == std::set<DiskState>{{{"f", "newer"}}});
}

TEST_CASE("a power cut after any call loses no login", "[power]") {
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const Record record = record_refresh(host);
  CHECK(check_states(endpoint, record, Place::directory, 60, true) == 0);
}

TEST_CASE("a power cut after any call of a refresh that rewrites a mounted file loses no login", "[power]") {
  if (!own_mount_namespace()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const MountedFile mounted(host.credentials);
  const Record record = record_refresh(host);
  CHECK(check_states(endpoint, record, Place::mounted_file, 60, true) == 0);
}

TEST_CASE("a power cut after any call loses no login where another one is in the same directory", "[power]") {
  TokenEndpoint endpoint;
  Host host(endpoint);
  host.add_other_login();
  const Record record = record_refresh(host);
  CHECK(check_states(endpoint, record, Place::two_logins, 60, true) == 0);
}

TEST_CASE("a program that leaves out a sync is found to lose a login", "[power]") {
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const Record record = record_refresh(host);
  const auto of_file = [](const DiskStep& step) { return step.synced.has_value(); };
  const Record no_note = without_sync(record, of_file, record.granted);
  CHECK(check_states(endpoint, no_note, Place::directory, 60, false) > 0);
  const Record no_login = without_sync(record, of_file, record.granted_synced + 1);
  CHECK(check_states(endpoint, no_login, Place::directory, 60, false) > 0);
}

}  // namespace oci_oauth::test
