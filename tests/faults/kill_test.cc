// SPDX-License-Identifier: Apache-2.0
// A refresh is killed before each of its system calls, in the program and in its worker; then a plain refresh
// mends what is left. The login survives, unless the kill fell between the request and the note of its
// answer.
#include <sys/mount.h>
#include <sys/wait.h>

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "faults/host.h"
#include "faults/sweep.h"
#include "faults/tracer.h"
#include "support/catch.h"

namespace oci_oauth::test {
namespace {

enum class Place { directory, mounted_file };

struct Outcome {
  Fault fault;
  bool reached = false;
  Call call;
  bool was_whole = false, had_locks = false;  // before the login was mended
  Output mended;
  bool works = false;
  bool published = false;  // everywhere
  std::string left_behind, output;
};

// The login document as a mount point of its own, as a person binds a single file.
class MountedFile {
 public:
  explicit MountedFile(const std::string& path) : path_(path) {
    if (::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0)
      throw std::runtime_error(path + ": mount");
  }
  ~MountedFile() { ::umount2(path_.c_str(), MNT_DETACH); }
  MountedFile(const MountedFile&) = delete;
  MountedFile& operator=(const MountedFile&) = delete;

 private:
  const std::string path_;
};

Outcome refresh_with(TokenEndpoint& endpoint, const Fault& fault, Place place) {
  Host host(endpoint);
  host.add_container();
  std::optional<MountedFile> mounted;
  if (place == Place::mounted_file) mounted.emplace(host.credentials);
  const Traced traced = run_traced(host.command({"refresh"}), fault);
  Outcome outcome;
  outcome.fault = fault;
  outcome.reached = !traced.calls.empty();
  if (outcome.reached) outcome.call = traced.calls.front();
  outcome.was_whole = host.is_whole();
  outcome.had_locks = host.has_locks();
  outcome.mended = host.refresh();
  outcome.works = host.login_works();
  const std::string token = host.field("accessToken");
  outcome.published = host.published_token() == token && host.directory.read("delivered/token") == token;
  outcome.left_behind = host.left_behind();
  outcome.output = traced.output + outcome.mended.text;
  return outcome;
}

// How many calls each process of a refresh makes when nothing goes wrong.
std::map<unsigned, unsigned> count_calls(TokenEndpoint& endpoint, Place place) {
  Host host(endpoint);
  host.add_container();
  std::optional<MountedFile> mounted;
  if (place == Place::mounted_file) mounted.emplace(host.credentials);
  const Traced traced = run_traced(host.command({"refresh"}), {});
  REQUIRE(traced.status == 0);
  std::map<unsigned, unsigned> counts;
  for (const Call& call : traced.calls) counts[call.process] = std::max(counts[call.process], call.number);
  return counts;
}

// A few more than there were: runs differ by a call or two.
std::vector<Fault> every_call(const std::map<unsigned, unsigned>& counts, const Fault& like) {
  std::vector<Fault> faults;
  for (const auto& [process, count] : counts) {
    for (unsigned number = 1; number <= count + 10; ++number) {
      faults.push_back(like);
      faults.back().process = process;
      faults.back().number = number;
    }
  }
  return faults;
}

std::vector<Outcome> sweep(TokenEndpoint& endpoint, const std::vector<Fault>& faults, Place place) {
  return in_parallel<Outcome>(faults.size(),
                              [&](size_t i) { return refresh_with(endpoint, faults[i], place); });
}

bool is_journal_write(const Call& call) {
  return call.name == "write" && call.subject.ends_with("/.oci-oauth.journal");
}

// By so many calls one run may differ from another: how often a socket is asked depends on how its bytes
// arrive.
constexpr unsigned drift = 3;

// The worker's calls from the one after the last that sends the request, to the one that notes the answer.
struct Window {
  unsigned begin = 0, end = 0;  // both are in it
};

Window window_of(const std::vector<Outcome>& outcomes) {
  Window window;
  unsigned last_send = 0;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.reached || outcome.call.process != 1) continue;
    if (outcome.call.name == "sendto") last_send = outcome.call.number;
    if (is_journal_write(outcome.call) && last_send != 0 && window.end == 0) {
      window = {last_send + 1, outcome.call.number};
    }
  }
  return window;
}

std::string describe(const Outcome& outcome) {
  return "process " + std::to_string(outcome.fault.process) + ", call " +
         std::to_string(outcome.fault.number) + ": " + outcome.call.name + " " + outcome.call.subject + "\n" +
         outcome.output;
}

void check_mended(const Outcome& outcome) {
  CHECK(outcome.works);
  CHECK(outcome.mended.status == 0);
  CHECK(outcome.published);
  CHECK(outcome.left_behind == "");
}

void check_kills(const std::vector<Outcome>& outcomes, Place place) {
  const Window window = window_of(outcomes);
  REQUIRE(window.begin != 0);
  unsigned kills = 0, lost = 0;
  std::string message, calls;
  for (const Outcome& outcome : outcomes) {
    INFO(describe(outcome));
    kills += outcome.reached ? 1 : 0;
    CHECK(outcome.output.find("sk-ant-") == std::string::npos);
    if (place == Place::directory) CHECK(outcome.was_whole);
    const bool in_window = outcome.fault.process == 1 && outcome.fault.number + drift >= window.begin &&
                           outcome.fault.number <= window.end + drift;
    if (in_window) calls += " " + outcome.call.name;
    if (in_window && !outcome.works) {
      ++lost;
      message = outcome.mended.text;
      CHECK(outcome.mended.status == 3);
      CHECK_THAT(outcome.mended.text, Catch::Contains("its answer never arrived"));
      CHECK_THAT(outcome.mended.text, Catch::Contains("log in again"));
    } else {
      check_mended(outcome);
    }
  }
  WARN(kills << " kills, one before each call of either process; " << lost << " lose the login, all of "
             << window.end - window.begin + 1 << " calls between request and note:" << calls
             << "\nA person then reads:\n"
             << message);
}

// The first of `expected` that does not come after those before it; empty where all are there in their order.
std::string out_of_order(const std::vector<Call>& calls,
                         const std::vector<std::pair<std::string, std::string>>& expected) {
  auto at = calls.begin();
  for (const auto& [name, subject] : expected) {
    at = std::find_if(at, calls.end(), [&](const Call& call) {
      return call.process == 1 && call.name == name && call.subject.ends_with(subject);
    });
    if (at == calls.end()) return name + " " + subject;
  }
  return "";
}

}  // namespace

TEST_CASE("what a step relies on is synced before it, and nothing comes between an answer and its note",
          "[kill]") {
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const Traced traced = run_traced(host.command({"refresh"}), {});
  REQUIRE(traced.status == 0);
  const std::string journal = host.home + "/.oci-oauth.journal",
                    staged = host.home + "/..credentials.json.oci-oauth";
  CHECK(out_of_order(traced.calls, {{"fallocate", journal},
                                    {"fallocate", staged},
                                    {"fsync", staged},
                                    {"write", journal},
                                    {"renameat2", ".oauth_refresh.lock.oci-oauth"},
                                    {"write", journal},
                                    {"renameat2", "claude.lock.oci-oauth"},
                                    {"openat", ".credentials.json"},
                                    {"write", journal},
                                    {"fdatasync", journal},
                                    {"fsync", host.home},
                                    {"connect", ""},
                                    {"sendto", ""},
                                    {"recvfrom", ""},
                                    {"write", journal},
                                    {"fdatasync", journal},
                                    {"write", staged},
                                    {"fsync", staged},
                                    {"renameat", staged},
                                    {"fsync", host.home},
                                    {"rmdir", ".lock"},
                                    {"rmdir", ".lock"},
                                    {"ftruncate", journal}}) == "");
  const auto sent = std::find_if(traced.calls.begin(), traced.calls.end(),
                                 [](const Call& call) { return call.name == "sendto"; });
  const auto noted = std::find_if(sent, traced.calls.end(), is_journal_write);
  REQUIRE(noted != traced.calls.end());
  CHECK((noted - 1)->name == "recvfrom");
}

TEST_CASE("killed before any call, a refresh loses no login", "[kill]") {
  TokenEndpoint endpoint;
  const auto faults = every_call(count_calls(endpoint, Place::directory), {});
  check_kills(sweep(endpoint, faults, Place::directory), Place::directory);
}

TEST_CASE("killed before any call, a refresh that rewrites a mounted file loses no login", "[kill]") {
  if (!own_mount_namespace()) return;
  TokenEndpoint endpoint;
  auto faults = every_call(count_calls(endpoint, Place::mounted_file), {});
  // The program itself does the same as ever.
  if (!is_full_run()) std::erase_if(faults, [](const Fault& fault) { return fault.process == 0; });
  check_kills(sweep(endpoint, faults, Place::mounted_file), Place::mounted_file);
}

TEST_CASE("asked to end before any call, a refresh gives the locks back and loses no login", "[kill]") {
  TokenEndpoint endpoint;
  for (const int signal : {SIGTERM, SIGINT}) {
    Fault asked;
    asked.signal = signal;
    auto faults = every_call(count_calls(endpoint, Place::directory), asked);
    // Until it has a worker there is nothing to give back.
    std::erase_if(faults, [&](const Fault& fault) {
      return fault.process == 0 || (!is_full_run() && fault.number % 4 != static_cast<unsigned>(signal) % 4);
    });
    for (const Outcome& outcome : sweep(endpoint, faults, Place::directory)) {
      INFO(describe(outcome));
      CHECK(outcome.was_whole);
      CHECK_FALSE(outcome.had_locks);
      check_mended(outcome);
    }
  }
}

}  // namespace oci_oauth::test
