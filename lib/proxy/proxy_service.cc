// SPDX-License-Identifier: Apache-2.0
#include "proxy/proxy_service.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <map>
#include <optional>
#include <string_view>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/service_manager.h"
#include "base/spawn.h"
#include "base/text.h"
#include "base/unix_socket.h"
#include "base/wait.h"
#include "delivery/proxy_client.h"
#include "proxy/dialer.h"
#include "proxy/event_loop.h"
#include "proxy/nginx_configuration.h"
#include "proxy/relay.h"
#include "proxy/token_desk.h"

namespace oci_oauth {

namespace {

constexpr std::string_view control_name = "control";  // FileDescriptorName= of oci-oauth-proxy.socket
constexpr Milliseconds time_to_start{10000}, next_look{10};
constexpr size_t longest_line = 4 * KiB;

// What a caller brings.
struct Brought {
  ContainerSockets sockets;
  UniqueFd share;  // of all containers of a profile; empty: it brings none
};
Brought sorted(std::vector<UniqueFd> descriptors) {
  Brought brought;
  for (UniqueFd& fd : descriptors) {
    struct stat status = {};
    const bool is_file = ::fstat(fd.get(), &status) == 0;
    if (is_listening(fd.get())) {
      brought.sockets.listening.push_back(std::move(fd));
    } else if (S_ISDIR(status.st_mode)) {
      brought.share = std::move(fd);
    } else if (is_file && !S_ISSOCK(status.st_mode)) {  // a pidfd has another type, or none
      brought.sockets.process = std::move(fd);
    }
  }
  return brought;
}

// Of a container's descriptors, as systemd stores them; those of a profile's share have the profile's.
std::string stored_name(std::string_view profile, std::string_view id) {
  return fmt::format("{}/{}", profile, id);
}

using Inherited = std::vector<std::pair<std::string, UniqueFd>>;

class ProxyService {
 public:
  ProxyService(const ProxyInstance& instance, const Log& log);

  Result<void> run(Inherited inherited);

 private:
  Result<void> start(Inherited inherited);
  Result<void> start_nginx();
  Result<void> wait_for_nginx();
  Result<void> watch_configuration();
  void reload();
  Result<void> read_configuration();
  bool has_profile(std::string_view name) const;
  void take_signals();
  void read_log();
  void note_request(std::string_view line);
  void serve_caller(int caller);
  std::string answer_to(int caller, DescriptorMessage message);
  // Result: the answer. `share`: which one the caller knows the proxy to have, unless it brings one.
  std::string admit(const std::string& profile, const std::string& id, std::string_view share,
                    std::vector<UniqueFd> descriptors);
  void restore(Inherited&& inherited);
  void take_share(const std::string& profile, UniqueFd share);
  std::string traffic() const;
  Result<UniqueFd> report_rejected(const std::string& profile, const Secret& token);

  const ProxyInstance& instance_;
  const Log& log_;
  SignalQueue signals_;
  EventLoop loop_;
  Relay relay_;
  Dialer dialer_;
  std::string configuration_;  // nginx's, as it was read last
  std::vector<PreparedProfile> profiles_;
  Child nginx_;
  std::list<Child> refreshes_;
  UniqueFd changes_;  // inotify(7), of the directory and the sources
  Pipe requests_;     // nginx's log
  std::string unread_;
  UniqueFd control_;
  std::optional<TokenDesk> desk_;
  bool is_stopping_ = false;
};

ProxyService::ProxyService(const ProxyInstance& instance, const Log& log)
    : instance_(instance),
      log_(log),
      signals_{SIGTERM, SIGINT, SIGHUP, SIGCHLD},
      relay_(loop_, instance.directory,
             [](const ProxiedContainer& container) {
               remove_descriptors(stored_name(container.profile, container.id));
             }),
      dialer_(loop_, instance.directory, log) {}

Result<void> ProxyService::run(Inherited inherited) {
  auto started = start(std::move(inherited));
  if (started) loop_.run();
  if (!nginx_) return started;
  nginx_.signal(SIGTERM);
  (void)nginx_.wait_until(std::chrono::steady_clock::now() + time_to_start);
  if (started && !is_stopping_) return Error{ErrorKind::failed, "nginx has exited"};
  return started;
}

Result<void> ProxyService::start(Inherited inherited) {
  if (instance_.prepare) TRY(instance_.prepare());
  desk_.emplace(
      loop_, TRY(listen_unix(instance_.directory + "/token.sock")),
      [this](const std::string& profile, const Secret& token) { return report_rejected(profile, token); },
      log_);
  TRY(read_configuration());
  if (profiles_.empty()) return Error::configuration("no profile has \"delivery\": \"socket\"");
  loop_.watch(signals_.fd(), EPOLLIN, [this] { take_signals(); });
  TRY(watch_configuration());
  TRY(start_nginx());
  restore(std::move(inherited));
  if (!control_) control_ = TRY(listen_unix(instance_.control));
  ::fcntl(control_.get(), F_SETFL, O_NONBLOCK);
  loop_.accept(control_.get(), [this](UniqueFd connection) {
    const auto caller = std::make_shared<const UniqueFd>(std::move(connection));
    loop_.watch(caller->get(), EPOLLIN, [this, caller] { serve_caller(caller->get()); });
  });
  notify_ready();
  return {};
}

// Shares have the name of their profile, and are there before the first container asks.
void ProxyService::restore(Inherited&& inherited) {
  std::map<std::string, std::vector<UniqueFd>, std::less<>> stored;
  for (auto& [name, fd] : inherited) {
    if (name == control_name) {
      control_ = std::move(fd);
    } else {
      stored[name].push_back(std::move(fd));
    }
  }
  for (auto& [name, descriptors] : stored) {
    const size_t slash = name.find('/');
    const std::string profile = name.substr(0, slash);
    if (slash == name.npos) {
      desk_->set_share(profile, std::move(descriptors.back()));
      continue;
    }
    const std::string share = share_text(desk_->share_id(profile));
    if (admit(profile, name.substr(slash + 1), share, std::move(descriptors)) != admitted)
      remove_descriptors(name);
  }
}

// Files are replaced by a rename; a person's editor may write into them.
Result<void> ProxyService::watch_configuration() {
  changes_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (::inotify_add_watch(changes_.get(), instance_.directory.c_str(), IN_MOVED_TO | IN_ONLYDIR) < 0)
    return Error::from_errno(errno, instance_.directory);
  for (const std::string& source : instance_.sources)
    ::inotify_add_watch(changes_.get(), source.c_str(),
                        IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR);
  loop_.watch(changes_.get(), EPOLLIN, [this] {
    alignas(inotify_event) char events[4 * KiB];
    while (::read(changes_.get(), events, sizeof events) > 0) {
    }
    reload();
  });
  return {};
}

void ProxyService::reload() {
  auto done = instance_.prepare ? instance_.prepare() : Result<void>();
  if (done) done = read_configuration();
  if (!done) log_.write(Priority::error, done.error());
}

Result<void> ProxyService::read_configuration() {
  std::string text = nginx_file_in(instance_.directory);
  if (text == configuration_) return {};
  configuration_ = std::move(text);
  profiles_ = profiles_in(configuration_);
  if (nginx_) nginx_.signal(SIGHUP);
  return dialer_.serve(profiles_);
}

bool ProxyService::has_profile(std::string_view name) const {
  return std::ranges::count(profiles_, name, &PreparedProfile::name) > 0;
}

Result<void> ProxyService::start_nginx() {
  requests_ = TRY(make_pipe());
  ::fcntl(requests_.reading.get(), F_SETFL, O_NONBLOCK);
  loop_.watch(requests_.reading.get(), EPOLLIN, [this] { read_log(); });
  std::vector<std::string> command = {"nginx", "-e", "stderr", "-p", instance_.directory, "-c", "nginx.conf"};
  if (::geteuid() == 0) command.insert(command.end(), {"-g", "user root;"});
  nginx_ = TRY(spawn(command, {.environment = std::vector<std::string>{system_path},
                               .output = requests_.writing.get(),
                               .errors = STDERR_FILENO}));
  return wait_for_nginx();
}

// nginx listens on all its sockets before it starts workers.
Result<void> ProxyService::wait_for_nginx() {
  const SteadyTime deadline = std::chrono::steady_clock::now() + time_to_start;
  for (const PreparedProfile& profile : profiles_) {
    const std::string path = fmt::format("{}/{}.sock", instance_.directory, profile.name);
    while (!connect_unix({.path = path})) {
      const SteadyTime now = std::chrono::steady_clock::now();
      if (now >= deadline || wait_readable(nginx_.fd(), now + next_look))
        return Error{ErrorKind::failed, "nginx did not start; its own messages say why", ""};
    }
  }
  return {};
}

void ProxyService::take_signals() {
  while (const auto signal = signals_.take()) {
    if (*signal == SIGHUP) {
      reload();
      continue;
    }
    if (*signal == SIGCHLD) {
      std::erase_if(refreshes_, [](Child& child) { return child.wait_until(SteadyTime{}).has_value(); });
      if (!nginx_.wait_until(SteadyTime{})) continue;
    } else {
      is_stopping_ = true;
    }
    loop_.stop();
  }
}

void ProxyService::read_log() {
  char buffer[64 * KiB];
  const ssize_t count = ::read(requests_.reading.get(), buffer, sizeof buffer);
  if (count <= 0) return;
  unread_.append(buffer, static_cast<size_t>(count));
  std::string_view rest = unread_;
  while (rest.find('\n') != rest.npos) note_request(next_line(rest));
  unread_.erase(0, unread_.size() - rest.size());
  if (unread_.size() > longest_line) unread_.clear();
}

// ADDRESS STATUS BYTES TIME METHOD PATH -> TIME PROFILE ID METHOD PATH STATUS BYTES
void ProxyService::note_request(std::string_view line) {
  const auto [address, status, bytes, time, method, path] = parts_of<6>(line, ' ');
  const std::string container = relay_.note_answer(address, number_in<int>(status).value_or(0),
                                                   number_in<std::uint64_t>(bytes).value_or(0));
  (void)write_all(STDOUT_FILENO,
                  fmt::format("{} {} {} {} {} {}\n", time, container, method, path, status, bytes), "stdout");
}

void ProxyService::serve_caller(int caller) {
  auto message = receive_message(caller);
  const std::string answer =
      message && !message->text.empty() ? answer_to(caller, std::move(*message)) : std::string();
  const int size = static_cast<int>(answer.size()) + 1;
  ::setsockopt(caller, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  (void)::send(caller, answer.data(), answer.size(), MSG_NOSIGNAL);
  loop_.forget(caller);
}

std::string ProxyService::answer_to(int caller, DescriptorMessage message) {
  if (message.text == traffic_request) return traffic();
  if (!is_peer_trusted(caller)) return "refused\n";
  const auto [request, profile, id, share] = parts_of<4>(message.text, '\n');
  if (request != admit_request) return "unknown request\n";
  return admit(std::string(profile), std::string(id), share, std::move(message.descriptors));
}

std::string ProxyService::admit(const std::string& profile, const std::string& id, std::string_view share,
                                std::vector<UniqueFd> descriptors) {
  if (id.empty()) return "unknown request\n";
  // A profile may have been added since the last container came.
  if (!has_profile(profile)) reload();
  if (!has_profile(profile))
    return fmt::format("there is no profile '{}' with delivery \"socket\"\n", profile);
  auto [sockets, new_share] = sorted(std::move(descriptors));
  const bool has_share = new_share || (!share.empty() && share == share_text(desk_->share_id(profile)));
  if (new_share) take_share(profile, std::move(new_share));
  if (sockets.listening.empty() || !sockets.process) return "a descriptor is missing\n";
  if (!has_share) return std::string(wants_share);
  const std::string name = stored_name(profile, id);
  remove_descriptors(name);
  for (const UniqueFd& listening : sockets.listening) store_descriptor(name, listening.get());
  store_descriptor(name, sockets.process.get());
  relay_.admit(profile, id, std::move(sockets));
  return std::string(admitted);
}

void ProxyService::take_share(const std::string& profile, UniqueFd share) {
  const int fd = share.get();
  if (!desk_->set_share(profile, std::move(share))) return;
  remove_descriptors(profile);
  store_descriptor(profile, fd);
}

std::string ProxyService::traffic() const {
  ProxyTraffic traffic;
  for (const auto& [address, container] : relay_.containers())
    traffic.containers.push_back(container.traffic);
  return std::string(write_record(traffic).reveal());
}

Result<UniqueFd> ProxyService::report_rejected(const std::string& profile, const Secret& token) {
  if (!instance_.rejected_socket.empty()) {
    UniqueFd socket = TRY(connect_unix({.path = instance_.rejected_socket}));
    TRY(write_all(socket.get(), token.reveal(), instance_.rejected_socket));
    ::shutdown(socket.get(), SHUT_WR);
    return socket;
  }
  const Pipe pipe = TRY(make_pipe());
  std::vector<std::string> command = instance_.rejected_command;
  command.push_back(profile);
  refreshes_.push_back(TRY(spawn(command, {.input = pipe.reading.get(), .errors = STDERR_FILENO})));
  TRY(write_all(pipe.writing.get(), token.reveal(), "oci-oauth refresh"));
  return open_process(refreshes_.back().pid());
}

}  // namespace

Result<void> run_proxy(const ProxyInstance& instance, Inherited inherited, const Log& log) {
  return ProxyService(instance, log).run(std::move(inherited));
}

}  // namespace oci_oauth
