// SPDX-License-Identifier: Apache-2.0
// Each call on files and sockets that a refresh makes fails once, for each reason that it may have. The login
// survives, its file is whole at every moment, and a failure is told with what failed and why.
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "faults/host.h"
#include "faults/sweep.h"
#include "faults/tracer.h"
#include "support/catch.h"
#include "support/skip.h"

namespace oci_oauth::test {
namespace {

constexpr int reasons[] = {ENOSPC, EIO, EROFS, EDQUOT, EACCES, EINTR, EMFILE};

struct Outcome {
  Call call;
  int error = 0;
  bool hung = false, was_whole = false;
  Output first, mended;
  bool works = false;
  bool sent = false;  // the answer to a request may have been lost
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The calls of a refresh that its own code makes: before the one that opens the configuration, or in the
// worker reads the request, the loader is at work.
std::vector<Call> calls_of_refresh(TokenEndpoint& endpoint) {
  Host host(endpoint);
  host.add_container();
  std::vector<Call> calls;
  bool ours[2] = {false, false};
  for (const Call& call : run_traced(host.command({"refresh"}), {}).calls) {
    bool& begun = ours[call.process % 2];
    begun = begun || call.subject == host.config ||
            (call.process == 1 && call.name == "read" && contains(call.subject, "memfd:request"));
    if (begun && !call.name.empty()) calls.push_back(call);
  }
  REQUIRE_FALSE(calls.empty());
  return calls;
}

Outcome refresh_with(TokenEndpoint& endpoint, const Call& call, int error) {
  Host host(endpoint);
  host.add_container();
  const Traced traced = run_traced(host.command({"refresh"}), {call.process, call.number, error});
  Outcome outcome;
  outcome.call = traced.failed.value_or(call);
  outcome.error = error;
  outcome.hung = traced.hung;
  outcome.was_whole = host.is_whole();
  outcome.first = {WIFEXITED(traced.status) ? WEXITSTATUS(traced.status) : -1, traced.output};
  outcome.mended = host.refresh();
  outcome.works = host.login_works();
  return outcome;
}

// The reason, in lower case where libcurl tells it, and the file or the endpoint; a pipe has no name.
bool tells_of(const Outcome& outcome) {
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

}  // namespace

TEST_CASE("whichever call fails, no login is lost and the reason is told", "[error]") {
  if (!can_inject_errors()) return skip("errors are injected on x86-64 only");
  TokenEndpoint endpoint;
  const std::vector<Call> calls = calls_of_refresh(endpoint);
  std::vector<std::pair<Call, int>> faults;
  for (size_t i = 0; i < calls.size(); ++i) {
    for (size_t j = 0; j < std::size(reasons); ++j) {
      // The sample meets every other call with one reason, and so each kind of call with several.
      if (is_full_run() || (i % 2 == 0 && j == i / 2 % 7)) faults.emplace_back(calls[i], reasons[j]);
    }
  }
  const auto outcomes = in_parallel<Outcome>(
      faults.size(), [&](size_t i) { return refresh_with(endpoint, faults[i].first, faults[i].second); });
  unsigned tolerated = 0, answers_lost = 0;
  for (const Outcome& outcome : outcomes) {
    INFO(outcome.call.process << ":" << outcome.call.number << " " << outcome.call.name << " "
                              << outcome.call.subject << " = " << ::strerror(outcome.error) << "\n"
                              << outcome.first.text << "then:\n"
                              << outcome.mended.text);
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.was_whole);
    CHECK(outcome.first.text.find("sk-ant-") == std::string::npos);
    const bool receives = contains(outcome.call.subject, "socket:") || outcome.call.name == "poll";
    if (receives && !outcome.works) {
      ++answers_lost;
      CHECK_THAT(outcome.mended.text, Catch::Contains("its answer never arrived"));
      continue;
    }
    CHECK(outcome.works);
    CHECK(outcome.mended.status == 0);
    if (outcome.first.status == 0) ++tolerated;
    if (outcome.first.status != 0 && !may_be_silent(outcome.call)) CHECK(tells_of(outcome));
  }
  WARN(outcomes.size() << " failures of " << calls.size() << " calls: " << tolerated << " did no harm; "
                       << answers_lost << " lost the answer on its way");
}

}  // namespace oci_oauth::test
