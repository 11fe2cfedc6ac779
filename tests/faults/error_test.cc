// SPDX-License-Identifier: Apache-2.0
// Each call on files and sockets that a refresh makes fails once, for each reason that it may have. The login
// survives, its file is whole at every moment, and a failure is told with what failed and why.
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "faults/scene.h"
#include "faults/sweep.h"
#include "faults/tracer.h"
#include "support/catch.h"
#include "support/skip.h"

namespace oci_oauth::test {
namespace {

constexpr int reasons[] = {ENOSPC, EIO, EROFS, EDQUOT, EACCES, EINTR, EMFILE};

struct FailedRefresh {
  Call call;
  int error = 0;
  bool hung = false, was_whole = false;
  Output first, mended;
  bool works = false;
  bool in_window = false;  // it had sent the request, and had not noted the answer
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Calls {
  std::vector<Call> own;  // that its own code makes
  unsigned sends = 0;     // Course::sends
};

// Before the call that opens the configuration, or in the worker reads the request, the loader is at work.
Calls calls_of_refresh(TokenEndpoint& endpoint, Place place) {
  const Scene scene(endpoint, place);
  const Traced traced = scene.run({});
  Calls calls;
  bool ours[2] = {false, false};
  for (const Call& call : traced.calls) {
    bool& begun = ours[call.process % 2];
    begun =
        begun || call.subject == scene.host.config ||
        (call.process == scene.worker() && call.name == "read" && contains(call.subject, "memfd:oci-oauth"));
    if (begun && !call.name.empty()) calls.own.push_back(call);
  }
  calls.sends = course_of(traced.calls, scene.worker()).sends;
  REQUIRE(std::ranges::any_of(calls.own, [&](const Call& call) { return call.process == scene.worker(); }));
  REQUIRE(calls.sends != 0);
  return calls;
}

FailedRefresh refresh_with(TokenEndpoint& endpoint, const Call& call, int error, unsigned sends,
                           Place place) {
  const Scene scene(endpoint, place);
  const Traced traced = scene.run({call.process, call.number, error});
  FailedRefresh outcome;
  outcome.call = traced.failed.value_or(call);
  outcome.error = error;
  outcome.hung = traced.hung;
  outcome.was_whole = scene.host.is_whole();
  outcome.first = {WIFEXITED(traced.status) ? WEXITSTATUS(traced.status) : -1, traced.output};
  outcome.mended = scene.mend();
  outcome.works = scene.logins_work();
  outcome.in_window = outcome.call.process == scene.worker() && has_sent(traced.calls, sends, scene.worker());
  return outcome;
}

// The reason, in lower case where libcurl tells it, and the file or the endpoint; a pipe has no name.
bool tells_of(const FailedRefresh& outcome) {
  const std::string& text = outcome.first.text;
  std::string reason = ::strerror(outcome.error), lower = reason;
  lower[0] = static_cast<char>(lower[0] - 'A' + 'a');
  const bool names_place = contains(text, "/") || contains(text, "localhost:") || contains(text, ": pipe: ");
  return contains(text, "error: ") && names_place && (contains(text, reason) || contains(text, lower));
}

// Where no message can be written, or the answer was lost, or the two processes lose sight of each other,
// there is no reason to quote.
bool may_be_silent(const Call& call) {
  const bool network = contains(call.subject, "socket:") || call.name == "poll" || call.name == "socket" ||
                       call.name == "socketpair";
  return network || contains(call.subject, "memfd:") || contains(call.subject, "pipe:") ||
         call.name == "ppoll";
}

// Every call with every reason, or each `stride`-th call with one, and so each kind of call with several.
void check_errors(Place place, size_t stride) {
  TokenEndpoint endpoint;
  const Calls calls = calls_of_refresh(endpoint, place);
  std::vector<std::pair<Call, int>> faults;
  for (size_t i = 0; i < calls.own.size(); ++i) {
    for (size_t j = 0; j < std::size(reasons); ++j) {
      if (is_full_run() || (i % stride == 0 && j == i / stride % 7))
        faults.emplace_back(calls.own[i], reasons[j]);
    }
  }
  const auto outcomes = in_parallel<FailedRefresh>(faults.size(), [&](size_t i) {
    return refresh_with(endpoint, faults[i].first, faults[i].second, calls.sends, place);
  });
  unsigned tolerated = 0, answers_lost = 0;
  for (const FailedRefresh& outcome : outcomes) {
    INFO(outcome.call.process << ":" << outcome.call.number << " " << outcome.call.name << " "
                              << outcome.call.subject << " = " << ::strerror(outcome.error) << "\n"
                              << outcome.first.text << "then:\n"
                              << outcome.mended.text);
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.was_whole);
    CHECK(outcome.first.text.find("sk-ant-") == std::string::npos);
    const bool receives = contains(outcome.call.subject, "socket:") || outcome.call.name == "poll";
    if (receives && outcome.in_window && !outcome.works) {
      ++answers_lost;
      CHECK_THAT(outcome.mended.text, Catch::Contains("its answer never arrived"));
      continue;
    }
    CHECK(outcome.works);
    CHECK(outcome.mended.status == 0);
    if (outcome.first.status == 0) ++tolerated;
    if (outcome.first.status != 0 && !may_be_silent(outcome.call)) CHECK(tells_of(outcome));
  }
  WARN(outcomes.size() << " failures of " << calls.own.size() << " calls: " << tolerated << " did no harm; "
                       << answers_lost << " lost the answer on its way");
}

}  // namespace

TEST_CASE("whichever call fails, no login is lost and the reason is reported", "[error]") {
  if (!can_inject_errors()) return skip("errors are injected on x86-64 only");
  check_errors(Place::directory, 2);
}

TEST_CASE("whichever call fails, neither login of one directory is lost", "[error]") {
  if (!can_inject_errors()) return skip("errors are injected on x86-64 only");
  check_errors(Place::two_logins, 8);
}

TEST_CASE("whichever call of an exchange fails that is a service of its own, no login is lost", "[error]") {
  if (!can_inject_errors()) return skip("errors are injected on x86-64 only");
  check_errors(Place::socket, 4);
}

}  // namespace oci_oauth::test
