// SPDX-License-Identifier: Apache-2.0
#include "serve/refresh_server.h"

#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/spawn.h"
#include "base/unix_socket.h"
#include "base/wait.h"
#include "program/exit_code.h"

namespace oci_oauth {

namespace {

using namespace std::chrono_literals;

constexpr auto time_to_ask = 5s;
constexpr size_t most_connections = 1000;
constexpr size_t longest_question = 65;  // a profile's name and the newline

// One line fits into the empty buffer of a socket; a client that does not read it loses it.
void answer(const UniqueFd& socket, ExitCode code) {
  const std::string line = fmt::format("{}\n", static_cast<int>(code));
  (void)::send(socket.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void answer(std::vector<UniqueFd>& sockets, ExitCode code) {
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

std::string published_directory(const RuntimeDir& runtime) {
  return runtime.path() + "/profiles";
}

// nullopt if what is published cannot be read.
std::optional<ProfileSight> see(const RuntimeDir& runtime, const Profile& profile) {
  auto published = runtime.published(profile.name);
  if (!published) return std::nullopt;
  ProfileSight sight = {profile.name, published->value_or(Published{}), {}};
  struct stat status;
  if (sight.published.login_is_visible && ::stat(profile.credentials.c_str(), &status) == 0)
    sight.login = FileStamp::of(status);
  return sight;
}

}  // namespace

Result<RefreshServer> RefreshServer::open(RefreshService service) {
  const std::string directory = published_directory(service.runtime);
  UniqueFd publications(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (::inotify_add_watch(publications.get(), directory.c_str(),
                          IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) < 0)
    return Error::from_errno(errno, directory);
  return RefreshServer(std::move(service), std::move(publications), file_id({.path = directory}));
}

void RefreshServer::run() {
  const SignalQueue signals{SIGTERM, SIGINT};
  while (true) {
    const Instant time = service_.clock.now();
    end_refreshes(time.steady);
    accept_callers(time.steady);
    read_callers(time.steady);
    if (!is_stopping_ && !is_current()) stop();
    if (!is_stopping_ && time.steady >= schedule_.look_at()) look(time);
    for (auto& [profile, queue] : queues_) {
      if (!queue.refresh && !queue.waiting.empty()) start_refresh(profile, queue);
    }
    if (may_leave(time)) return;
    sleep(signals);
  }
}

bool RefreshServer::is_full() const {
  size_t count = callers_.size();
  for (const auto& [profile, queue] : queues_) count += queue.served.size() + queue.waiting.size();
  return count >= most_connections;
}

void RefreshServer::accept_callers(SteadyTime now) {
  while (service_.listening && !is_full()) {
    UniqueFd socket(::accept4(service_.listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    schedule_.note_caller(now);
    if (is_peer_trusted(socket.get())) {
      callers_.push_back({std::move(socket), "", now + time_to_ask});
    } else {
      const uid_t uid = peer_uid(socket.get()).value_or(static_cast<uid_t>(-1));
      service_.log.write(Priority::warning, fmt::format("serve: refused a request from uid {}", uid));
    }
  }
}

void RefreshServer::read_callers(SteadyTime now) {
  std::vector<Caller> unfinished;
  for (Caller& caller : callers_) {
    const Reading reading = read_question(caller.socket.get(), caller.question);
    if (reading == Reading::unfinished && now < caller.deadline) {
      unfinished.push_back(std::move(caller));
    } else if (reading == Reading::asked && service_.config.find(caller.question) != nullptr) {
      queues_[caller.question].waiting.push_back(std::move(caller.socket));
    } else if (reading == Reading::asked) {
      answer(caller.socket, ExitCode::usage);
    }
  }
  callers_ = std::move(unfinished);
}

// A child process, so that no login and no endpoint can block the server. It logs as the server does.
void RefreshServer::start_refresh(const std::string& profile, Queue& queue) {
  queue.served = std::exchange(queue.waiting, {});
  std::vector<std::string> command = service_.command;
  command.push_back(profile);
  auto started = spawn(command, {.output = STDOUT_FILENO, .errors = STDERR_FILENO});
  if (started) {
    schedule_.begin(profile, attempts_of(profile));
    queue.refresh = std::move(*started);
  } else {
    service_.log.write(Priority::error, std::move(started).error().in("serve"));
    answer(queue.served, ExitCode::failed);
  }
}

void RefreshServer::end_refreshes(SteadyTime now) {
  for (auto& [profile, queue] : queues_) {
    const auto end = queue.refresh ? queue.refresh.wait_until(SteadyTime{}) : std::nullopt;
    if (!end) continue;
    const ExitCode code = end->signal() == 0 ? ExitCode{end->code()} : ExitCode::failed;
    answer(queue.served, code);
    const bool went_well = code == ExitCode::fine || code == ExitCode::temporary;
    schedule_.end(profile, went_well, attempts_of(profile), now);
  }
}

std::uint64_t RefreshServer::attempts_of(const std::string& profile) const {
  const auto published = service_.runtime.published(profile);
  return published && *published ? (*published)->attempts : 0;
}

// If runtime_dir is removed, the next program creates a new one, and this server would watch the old one for
// ever.
bool RefreshServer::is_current() const {
  return file_id({.path = published_directory(service_.runtime)}) == directory_;
}

void RefreshServer::look(Instant now) {
  if (auto config = service_.read_config()) service_.config = std::move(*config);
  std::vector<ProfileSight> sights;
  for (const Profile& profile : service_.config.profiles) {
    if (auto sight = see(service_.runtime, profile)) sights.push_back(std::move(*sight));
  }
  for (const std::string& profile : schedule_.look(sights, now)) start_refresh(profile, queues_[profile]);
}

bool RefreshServer::may_leave(Instant now) const {
  const bool has_work = std::ranges::any_of(
      queues_, [](const auto& entry) { return entry.second.refresh || !entry.second.waiting.empty(); });
  if (has_work || is_stopping_) return !has_work;
  return callers_.empty() && schedule_.is_idle(now);
}

void RefreshServer::sleep(const SignalQueue& signals) {
  std::vector<pollfd> watched = {readable(signals.fd()), readable(publications_.get())};
  if (service_.listening && !is_full()) watched.push_back(readable(service_.listening.get()));
  SteadyTime until = is_stopping_ ? SteadyTime::max() : schedule_.look_at();
  for (const Caller& caller : callers_) {
    watched.push_back(readable(caller.socket.get()));
    until = std::min(until, caller.deadline);
  }
  for (auto& [profile, queue] : queues_) watched.push_back(readable(queue.refresh.fd()));
  service_.clock.wait(watched, until);
  if (signals.take()) stop();
  alignas(inotify_event) char events[4 * KiB];
  while (::read(publications_.get(), events, sizeof events) > 0) {
    schedule_.note_publication(service_.clock.now().steady);
  }
}

// Running refreshes finish and their clients get an answer; later clients find no server and start a refresh
// themselves.
void RefreshServer::stop() {
  is_stopping_ = true;
  service_.listening.reset();
  callers_.clear();
  for (auto& [profile, queue] : queues_) {
    queue.waiting.clear();
    queue.refresh.signal(SIGTERM);
  }
}

}  // namespace oci_oauth
