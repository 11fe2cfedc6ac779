// SPDX-License-Identifier: Apache-2.0
#include "refresh_server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include "base/fmt.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto idle_before_leaving = 10s;
constexpr auto glance = 1s;          // between checks, until it is idle
constexpr auto longest_sleep = 30s;  // the wall clock may jump, as after a suspend
constexpr auto time_to_ask = 5s;
constexpr auto rest_after_run = 1s;
constexpr auto rest_after_failure = 60s;
constexpr size_t most_connections = 1000;
constexpr size_t longest_question = 65;  // a profile's name and the newline

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, number);
  return signals;
}

// Result: -1 if the kernel does not say.
uid_t peer_uid(int socket) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.uid : static_cast<uid_t>(-1);
}

// One line fits into the empty buffer of a socket; a client that does not read it loses it.
void answer(const UniqueFd& socket, int code) {
  const std::string line = fmt::format("{}\n", code);
  (void)::send(socket.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void answer(std::vector<UniqueFd>& sockets, int code) {
  for (const UniqueFd& socket : sockets) answer(socket, code);
  sockets.clear();
}

enum class Reading { unfinished, asked, gone };

Reading read_question(int socket, std::string& question) {
  char buffer[longest_question];
  const ssize_t count = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Reading::unfinished;
  if (count <= 0) return Reading::gone;
  question.append(buffer, static_cast<size_t>(count));
  const size_t end = question.find('\n');
  if (end == std::string::npos)
    return question.size() < longest_question ? Reading::unfinished : Reading::gone;
  question.resize(end);
  return Reading::asked;
}

// A child process, so that no login and no endpoint can block the server. It logs as the server does.
pid_t spawn_refresh(const std::string& config, const std::string& profile,
                    const std::string& exchange_socket) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const sigset_t signals = handled_signals();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::execl("/proc/self/exe", "oci-oauth", "--config", config.c_str(), "refresh", "--exchange",
          exchange_socket.c_str(), "--", profile.c_str(), nullptr);
  ::_exit(static_cast<int>(ExitCode::failed));
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(ExitCode::failed);
}

// Device and inode; zero if there is none.
FileStamp identity_of(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return {};
  return {.device = status.st_dev, .inode = status.st_ino};
}

// Result: the login's file, if it is not the one that was published.
FileStamp changed_login(const Profile& profile, const Published& known) {
  struct stat status;
  if (!known.login_is_visible || ::stat(profile.credentials.c_str(), &status) != 0) return {};
  const FileStamp login = FileStamp::of(status);
  return login == known.login ? FileStamp{} : login;
}

}  // namespace

Result<RefreshServer> RefreshServer::open(const Invocation& invocation, UniqueFd listening,
                                          std::string exchange_socket) {
  auto workplace = TRY(open_workplace(invocation));
  RefreshServer server(invocation, std::move(workplace), std::move(listening), std::move(exchange_socket));
  const sigset_t signals = handled_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  server.signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!server.signals_) return Error::from_errno(errno, "signalfd");
  const std::string profiles = server.workplace_.runtime.path() + "/profiles";
  server.publications_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (::inotify_add_watch(server.publications_.get(), profiles.c_str(),
                          IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) < 0)
    return Error::from_errno(errno, profiles);
  server.directory_ = identity_of(profiles);
  return server;
}

Result<void> RefreshServer::run() {
  active_at_ = steady_clock::now();
  // Whatever started us without a request has just begun a refresh.
  look_at_ = active_at_ + glance;
  while (true) {
    const SteadyTime time = steady_clock::now();
    end_runs(time);
    accept_callers(time);
    read_callers(time);
    if (!stopping_ && !is_current()) stop();
    if (time >= look_at_ && !stopping_) look(now(), time);
    start_runs();
    if (may_leave(now(), time)) return {};
    TRY(sleep());
  }
}

size_t RefreshServer::connections() const {
  size_t count = callers_.size();
  for (const auto& [profile, queue] : queues_) count += queue.served.size() + queue.waiting.size();
  return count;
}

void RefreshServer::accept_callers(SteadyTime time) {
  while (listening_ && connections() < most_connections) {
    UniqueFd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    active_at_ = time;
    const uid_t uid = peer_uid(socket.get());
    if (uid == 0 || uid == ::geteuid()) {
      callers_.push_back({std::move(socket), "", time + time_to_ask});
    } else {
      invocation_.log.write(Priority::warning, fmt::format("serve: refused a request from uid {}", uid));
    }
  }
}

void RefreshServer::read_callers(SteadyTime time) {
  std::vector<Caller> unfinished;
  for (Caller& caller : callers_) {
    const Reading reading = read_question(caller.socket.get(), caller.question);
    if (reading == Reading::asked) enqueue(caller.question, std::move(caller.socket));
    if (reading == Reading::unfinished && time < caller.deadline) unfinished.push_back(std::move(caller));
  }
  callers_ = std::move(unfinished);
}

void RefreshServer::enqueue(const std::string& profile, UniqueFd socket) {
  if (workplace_.config.find(profile) == nullptr) return answer(socket, static_cast<int>(ExitCode::usage));
  queues_[profile].waiting.push_back(std::move(socket));
}

void RefreshServer::start_runs() {
  for (auto& [profile, queue] : queues_) {
    if (queue.run == 0 && !queue.waiting.empty()) start_run(profile, queue);
  }
}

void RefreshServer::start_run(const std::string& profile, Queue& queue) {
  queue.served = std::exchange(queue.waiting, {});
  queue.attempts = attempts_of(profile);
  queue.is_barren = false;
  queue.run = spawn_refresh(workplace_.config.path, profile, exchange_socket_);
  if (queue.run > 0) return;
  invocation_.log.write(Priority::error, Error::from_errno(errno, "serve: fork"));
  queue.run = 0;
  answer(queue.served, static_cast<int>(ExitCode::failed));
}

void RefreshServer::end_runs(SteadyTime time) {
  for (auto& [profile, queue] : queues_) {
    int status = 0;
    if (queue.run == 0 || ::waitpid(queue.run, &status, WNOHANG) != queue.run) continue;
    const int code = code_of(status);
    const bool went_well =
        code == static_cast<int>(ExitCode::fine) || code == static_cast<int>(ExitCode::temporary);
    answer(queue.served, code);
    queue.run = 0;
    queue.is_barren = !went_well && attempts_of(profile) == queue.attempts;
    queue.rest_until = time + (went_well ? rest_after_run : rest_after_failure);
    active_at_ = look_at_ = time;
  }
}

std::uint64_t RefreshServer::attempts_of(const std::string& profile) const {
  const auto published = workplace_.runtime.published(profile);
  return published && *published ? (*published)->attempts : 0;
}

// If runtime_dir is removed, the next program creates a new one, and this server would watch the old one for
// ever.
bool RefreshServer::is_current() const {
  return identity_of(workplace_.runtime.path() + "/profiles") == directory_;
}

// A login that changed while no unit was watching is refreshed now: systemd.path(5) misses changes while its
// service is running.
std::optional<Time> RefreshServer::wanted_at(const Profile& profile, const Queue& queue,
                                             Time wall_time) const {
  const auto published = workplace_.runtime.published(profile.name);
  if (!published) return std::nullopt;
  const Published known = published->value_or(Published{});
  const FileStamp changed = changed_login(profile, known);
  if (changed != FileStamp{} && changed != queue.tried) return wall_time;
  return queue.is_barren ? std::nullopt : next_look(known, wall_time);
}

void RefreshServer::look(Time wall_time, SteadyTime time) {
  auto config = open_configuration(invocation_);
  if (config) workplace_.config = std::move(*config);
  next_look_.reset();
  for (const Profile& profile : workplace_.config.profiles) {
    Queue& queue = queues_[profile.name];
    if (queue.run != 0) continue;
    auto wanted = wanted_at(profile, queue, wall_time);
    const auto rest = std::chrono::ceil<Milliseconds>(queue.rest_until - time);
    if (wanted && rest > 0ms) wanted = std::max<Time>(*wanted, wall_time + rest);
    if (wanted && *wanted <= wall_time) {
      struct stat status;
      if (::stat(profile.credentials.c_str(), &status) == 0) queue.tried = FileStamp::of(status);
      start_run(profile.name, queue);
    } else if (wanted) {
      next_look_ = std::min(next_look_.value_or(*wanted), *wanted);
    }
  }
  SteadyTime::duration pause = time - active_at_ < idle_before_leaving ? glance : longest_sleep;
  if (next_look_) pause = std::clamp<SteadyTime::duration>(*next_look_ - wall_time, 50ms, pause);
  look_at_ = time + pause;
}

bool RefreshServer::may_leave(Time wall_time, SteadyTime time) const {
  const bool running = std::any_of(queues_.begin(), queues_.end(), [](const auto& entry) {
    return entry.second.run != 0 || !entry.second.waiting.empty();
  });
  if (running || stopping_) return !running;
  const bool needed = next_look_ && *next_look_ - wall_time < longest_tick;
  return !needed && callers_.empty() && time - active_at_ >= idle_before_leaving;
}

Result<void> RefreshServer::sleep() {
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}, {publications_.get(), POLLIN, 0}};
  if (listening_ && connections() < most_connections) watched.push_back({listening_.get(), POLLIN, 0});
  SteadyTime until = stopping_ ? steady_clock::now() + longest_sleep : look_at_;
  for (const Caller& caller : callers_) {
    watched.push_back({caller.socket.get(), POLLIN, 0});
    until = std::min(until, caller.deadline);
  }
  const auto left = std::chrono::ceil<Milliseconds>(until - steady_clock::now());
  const int timeout = static_cast<int>(std::max<Milliseconds::rep>(left.count(), 0));
  if (::poll(watched.data(), watched.size(), timeout) < 0 && errno != EINTR)
    return Error::from_errno(errno, "poll");

  signalfd_siginfo signal = {};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo != SIGCHLD) stop();
  }
  alignas(inotify_event) char events[4096];
  while (::read(publications_.get(), events, sizeof events) > 0) {
    active_at_ = look_at_ = steady_clock::now();
  }
  return {};
}

// Running refreshes finish and their clients get an answer; later clients find no server and start a refresh
// themselves.
void RefreshServer::stop() {
  stopping_ = true;
  listening_.reset();
  callers_.clear();
  for (auto& [profile, queue] : queues_) {
    queue.waiting.clear();
    if (queue.run != 0) ::kill(queue.run, SIGTERM);
  }
}

}  // namespace oci_oauth
