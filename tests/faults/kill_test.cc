// SPDX-License-Identifier: Apache-2.0
// A refresh is killed before each of its system calls, in the program and in its worker; then a plain refresh
// mends what is left. The login survives, unless the kill fell between the request and the note of its
// answer.
#include <sys/wait.h>

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/fingerprint.h"
#include "faults/host.h"
#include "faults/scene.h"
#include "faults/sweep.h"
#include "faults/tracer.h"
#include "support/catch.h"

namespace oci_oauth::test {
namespace {

struct KilledRefresh {
  Fault fault;
  std::optional<Call> killed;  // before this call; none: the process makes fewer
  bool in_window = false;      // it had sent the request, and had not noted the answer
  bool hung = false;
  bool was_whole = false, had_locks = false;  // before the login was mended
  Output mended;
  bool works = false;
  bool published = false;  // everywhere
  std::string left_behind, output;
};

KilledRefresh refresh_with(TokenEndpoint& endpoint, const Fault& fault, unsigned sends, Place place) {
  const Scene scene(endpoint, place);
  const Host& host = scene.host;
  const Traced traced = scene.run(fault);
  KilledRefresh outcome;
  outcome.fault = fault;
  outcome.killed = traced.failed;
  outcome.in_window = traced.failed && traced.failed->process == scene.worker() &&
                      has_sent(traced.calls, sends, scene.worker());
  outcome.hung = traced.hung;
  outcome.was_whole = host.is_whole();
  outcome.had_locks = host.has_locks();
  outcome.mended = scene.mend();
  outcome.works = scene.logins_work();
  const std::string token = host.field("accessToken");
  outcome.published = host.published_token() == token && host.directory.read("delivered/token") == token;
  outcome.left_behind = host.left_behind();
  outcome.output = traced.output + outcome.mended.text;
  return outcome;
}

Course course_of(TokenEndpoint& endpoint, Place place) {
  const Scene scene(endpoint, place);
  const Traced traced = scene.run({});
  INFO(traced.output);
  REQUIRE(traced.status == 0);
  const Course course = course_of(traced.calls, scene.worker());
  REQUIRE(course.sends != 0);
  REQUIRE(course.fence < course.end);
  return course;
}

// A few more than there were: runs differ by a call or two. The sample has each call that matters, and some
// others.
std::vector<Fault> every_call(const Course& course, const Fault& like, unsigned worker = 1) {
  std::vector<Fault> faults;
  for (const auto& [process, count] : course.counts) {
    for (unsigned number = 1; number <= count + 10; ++number) {
      const bool matters = process == worker && number >= course.fence && number <= course.end + 1;
      if (!is_full_run() && !matters && number % 16 != 0) continue;
      faults.push_back(like);
      faults.back().process = process;
      faults.back().number = number;
    }
  }
  return faults;
}

std::vector<KilledRefresh> sweep(TokenEndpoint& endpoint, const std::vector<Fault>& faults, unsigned sends,
                                 Place place) {
  return in_parallel<KilledRefresh>(
      faults.size(), [&](size_t i) { return refresh_with(endpoint, faults[i], sends, place); });
}

std::string describe(const KilledRefresh& outcome) {
  return "process " + std::to_string(outcome.fault.process) + ", call " +
         std::to_string(outcome.fault.number) + ": " +
         (outcome.killed ? outcome.killed->name + " " + outcome.killed->subject : "never made") + "\n" +
         outcome.output;
}

void check_mended(const KilledRefresh& outcome) {
  CHECK(outcome.works);
  CHECK(outcome.mended.status == 0);
  CHECK(outcome.published);
  CHECK(outcome.left_behind == "");
}

void check_kills(const std::vector<KilledRefresh>& outcomes, Place place) {
  unsigned kills = 0, window = 0, lost = 0;
  std::string message, calls;
  for (const KilledRefresh& outcome : outcomes) {
    INFO(describe(outcome));
    if (outcome.killed) ++kills;
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.output.find("sk-ant-") == std::string::npos);
    if (place != Place::mounted_file) CHECK(outcome.was_whole);
    if (outcome.in_window) {
      ++window;
      calls += " " + outcome.killed->name;
    }
    if (outcome.in_window && !outcome.works) {
      ++lost;
      message = outcome.mended.text;
      CHECK(outcome.mended.status == 3);
      CHECK_THAT(outcome.mended.text, Catch::Contains("its answer never arrived"));
      CHECK_THAT(outcome.mended.text, Catch::Contains("log in again"));
    } else {
      check_mended(outcome);
    }
  }
  WARN(kills << " kills, each before a call of its own; " << lost << " lose the login, all of " << window
             << " calls between request and note:" << calls << "\nA person then reads:\n"
             << message);
}

// The first of `expected` that does not come after those before it; empty where all are there in their order.
std::string out_of_order(const std::vector<Call>& calls,
                         const std::vector<std::pair<std::string, std::string>>& expected) {
  auto at = calls.begin();
  for (const auto& [name, subject] : expected) {
    at = std::find_if(at, calls.end(), [&name = name, &subject = subject](const Call& call) {
      return call.process == 1 && call.name == name && call.subject.ends_with(subject);
    });
    if (at == calls.end()) return name + " " + subject;
  }
  return "";
}

}  // namespace

TEST_CASE("what a step relies on is synced before it, and nothing comes between an answer and its record",
          "[kill]") {
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const Traced traced = run_traced(host.command({"refresh"}), {});
  REQUIRE(traced.status == 0);
  const std::string journal = host.journal, staged = host.home + "/..credentials.json.oci-oauth",
                    mark = fingerprint(Secret(std::string_view(host.credentials))).substr(0, 8);
  CHECK(out_of_order(traced.calls, {{"fallocate", journal},
                                    {"fallocate", staged},
                                    {"fsync", staged},
                                    {"write", journal},
                                    {"renameat2", "/.oauth_refresh.lock." + mark + ".oci-oauth"},
                                    {"write", journal},
                                    {"renameat2", "/claude.lock." + mark + ".oci-oauth"},
                                    {"openat", ".oauth_refresh.lock.owner"},
                                    {"openat", ".credentials.json"},
                                    {"write", journal},
                                    {"fdatasync", journal},
                                    {"fsync", host.home},
                                    {"connect", ""},
                                    {"sendto", ""},
                                    {"recvfrom", ""},
                                    {"write", journal},
                                    {"fdatasync", journal},
                                    {"renameat2", "/.storage-write.lock." + mark + ".oci-oauth"},
                                    {"openat", ".credentials.json"},
                                    {"write", staged},
                                    {"fsync", staged},
                                    {"renameat", staged},
                                    {"fsync", host.home},
                                    {"rmdir", "/.storage-write.lock"},
                                    {"unlink", "/.oauth_refresh.lock.owner"},
                                    {"rmdir", "/claude.lock"},
                                    {"rmdir", "/.oauth_refresh.lock"},
                                    {"ftruncate", journal}}) == "");
  const auto sent = std::find_if(traced.calls.begin(), traced.calls.end(),
                                 [](const Call& call) { return call.name == "sendto"; });
  const auto noted = std::find_if(sent, traced.calls.end(), is_journal_write);
  REQUIRE(noted != traced.calls.end());
  CHECK((noted - 1)->name == "recvfrom");
}

TEST_CASE("killed before any call, a refresh loses no login", "[kill]") {
  TokenEndpoint endpoint;
  const Course course = course_of(endpoint, Place::directory);
  const auto faults = every_call(course, {});
  check_kills(sweep(endpoint, faults, course.sends, Place::directory), Place::directory);
}

TEST_CASE("killed before any call, a refresh that rewrites a mounted file loses no login", "[kill]") {
  if (!own_mount_namespace()) return;
  TokenEndpoint endpoint;
  const Course course = course_of(endpoint, Place::mounted_file);
  auto faults = every_call(course, {});
  // The program itself does the same as ever, and so does most of the worker.
  if (!is_full_run())
    std::erase_if(faults, [](const Fault& fault) { return fault.process == 0 || fault.number % 3 != 0; });
  check_kills(sweep(endpoint, faults, course.sends, Place::mounted_file), Place::mounted_file);
}

TEST_CASE("killed before any call, a refresh harms neither its login nor another in the same directory",
          "[kill]") {
  TokenEndpoint endpoint;
  const Course course = course_of(endpoint, Place::two_logins);
  auto faults = every_call(course, {});
  if (!is_full_run()) {
    std::erase_if(faults, [&](const Fault& fault) {
      return fault.process == 0 || fault.number < course.fence || fault.number % 2 != 0;
    });
  }
  check_kills(sweep(endpoint, faults, course.sends, Place::two_logins), Place::two_logins);
}

TEST_CASE("killed before any call, an exchange that is a service of its own loses no login", "[kill]") {
  TokenEndpoint endpoint;
  const Course course = course_of(endpoint, Place::socket);
  auto faults = every_call(course, {}, 0);
  if (!is_full_run()) std::erase_if(faults, [](const Fault& fault) { return fault.number % 2 != 0; });
  check_kills(sweep(endpoint, faults, course.sends, Place::socket), Place::socket);
}

TEST_CASE("asked to end before any call, a refresh gives the locks back and loses no login", "[kill]") {
  TokenEndpoint endpoint;
  const Course course = course_of(endpoint, Place::directory);
  for (const int signal : {SIGTERM, SIGINT}) {
    Fault asked;
    asked.signal = signal;
    auto faults = every_call(course, asked);
    // Until it has a worker there is nothing to give back. The sample asks in turns.
    std::erase_if(faults, [&](const Fault& fault) {
      return fault.process == 0 || (!is_full_run() && fault.number % 6 != (signal == SIGTERM ? 1 : 4));
    });
    for (const KilledRefresh& outcome : sweep(endpoint, faults, course.sends, Place::directory)) {
      INFO(describe(outcome));
      CHECK_FALSE(outcome.hung);
      CHECK(outcome.was_whole);
      CHECK_FALSE(outcome.had_locks);
      check_mended(outcome);
    }
  }
}

}  // namespace oci_oauth::test
