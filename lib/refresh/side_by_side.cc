// SPDX-License-Identifier: Apache-2.0
#include "refresh/side_by_side.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/unique_fd.h"
#include "worker/stop_signals.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

struct Job {
  pid_t pid = -1;
  UniqueFd process;  // pidfd_open(2): readable when it has ended; empty once that was noticed
};

Job start(const std::function<int()>& work, const sigset_t& outside) {
  Job job;
  ::fflush(nullptr);
  job.pid = ::fork();
  if (job.pid == 0) {
    ::sigprocmask(SIG_SETMASK, &outside, nullptr);
    ::_exit(work());
  }
  if (job.pid > 0) job.process.reset(static_cast<int>(::syscall(SYS_pidfd_open, job.pid, 0)));
  return job;
}

std::optional<int> result_of(Job& job, int flags) {
  int status = 0;
  if (::waitpid(job.pid, &status, flags) != job.pid) return std::nullopt;
  job.process.reset();
  return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}

void signal_all(const std::vector<Job>& jobs, int number) {
  for (const Job& job : jobs) {
    if (job.process) ::kill(job.pid, number);
  }
}

bool is_over(const std::vector<Job>& jobs) {
  return std::none_of(jobs.begin(), jobs.end(), [](const Job& job) { return bool(job.process); });
}

// Sleeps until a job has ended, a signal has arrived or the time is over.
void sleep_until(SteadyTime time, const std::vector<Job>& jobs, const sigset_t& outside) {
  std::vector<pollfd> watched;
  for (const Job& job : jobs) {
    if (job.process) watched.push_back({job.process.get(), POLLIN, 0});
  }
  const auto left = std::max<steady_clock::duration>(time - steady_clock::now(), std::chrono::nanoseconds(0));
  const auto whole = std::chrono::floor<std::chrono::seconds>(left);
  const timespec timeout = {static_cast<time_t>(whole.count()),
                            static_cast<long>(std::chrono::nanoseconds(left - whole).count())};
  (void)::ppoll(watched.data(), watched.size(), &timeout, &outside);
}

}  // namespace

std::vector<std::optional<int>> run_side_by_side(const std::vector<std::function<int()>>& jobs,
                                                 const Patience& patience) {
  const StopSignals signals;
  sigset_t outside;
  ::sigprocmask(SIG_SETMASK, nullptr, &outside);
  StopSignals::block();  // signals are delivered only while we sleep, so none is missed
  const SteadyTime began = steady_clock::now();
  std::vector<Job> running;
  for (const auto& job : jobs) running.push_back(start(job, outside));

  std::vector<std::optional<int>> results(jobs.size());
  bool told = false;
  while (!is_over(running)) {
    const bool late = steady_clock::now() - began >= patience.until_told;
    if ((late || StopSignals::requested()) && !told) {
      told = true;
      signal_all(running, SIGTERM);
    }
    if (steady_clock::now() - began >= patience.until_killed) break;
    sleep_until(began + (told ? patience.until_killed : patience.until_told), running, outside);
    for (size_t i = 0; i < running.size(); ++i) {
      if (!running[i].process) continue;
      if (const auto result = result_of(running[i], WNOHANG)) results[i] = result;
    }
  }
  signal_all(running, SIGKILL);
  for (Job& job : running) {
    if (job.process) (void)result_of(job, WNOHANG);
  }
  ::sigprocmask(SIG_SETMASK, &outside, nullptr);
  return results;
}

}  // namespace oci_oauth
