// SPDX-License-Identifier: Apache-2.0
#include "proxy/proxy_service.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "base/descriptor_message.h"
#include "base/fmt.h"
#include "base/poll.h"
#include "base/service_manager.h"
#include "base/size.h"
#include "base/spawn.h"
#include "base/text.h"
#include "base/unix_socket.h"
#include "delivery/proxy_client.h"
#include "proxy/proxy_files.h"

namespace oci_oauth {

namespace {

constexpr std::string_view control_name = "control";  // FileDescriptorName= of oci-oauth-proxy.socket
constexpr Milliseconds time_to_start{10000}, next_look{10};
constexpr size_t longest_line = 4 * KiB;

// Result: S_IFDIR, S_IFSOCK or the like; a pidfd has another one, or none.
mode_t type_of(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 ? status.st_mode & S_IFMT : S_IFSOCK;
}

}  // namespace

ProxyService::ProxyService(const ProxyInstance& instance, EventLoop loop, const Log& log)
    : instance_(instance),
      log_(log),
      signals_{SIGTERM, SIGINT, SIGHUP, SIGCHLD},
      loop_(std::move(loop)),
      relay_(loop_, instance.directory, [](const Relay::Container& container) {
        remove_descriptors(fmt::format("{}/{}", container.sockets.profile, container.sockets.id));
      }) {}

Result<void> ProxyService::run(const ProxyInstance& instance,
                               std::vector<std::pair<std::string, UniqueFd>> inherited, const Log& log) {
  ProxyService service(instance, TRY(EventLoop::open()), log);
  auto started = service.start(std::move(inherited));
  if (started) service.loop_.run();
  if (!service.nginx_) return started;
  service.nginx_.signal(SIGTERM);
  (void)service.nginx_.wait_until(std::chrono::steady_clock::now() + time_to_start);
  if (started && !service.is_stopping_) return Error{ErrorKind::failed, "nginx has exited", ""};
  return started;
}

Result<void> ProxyService::start(std::vector<std::pair<std::string, UniqueFd>>&& inherited) {
  if (instance_.prepare) TRY(instance_.prepare());
  desk_.emplace(
      loop_, TRY(listen_at(instance_.directory + "/token.sock")),
      [this](const std::string& profile, const Secret& token) { return report_rejected(profile, token); },
      log_);
  dialer_.emplace(loop_, instance_.directory, TRY(make_pipe()), log_);
  TRY(read_configuration());
  if (profiles_.empty()) return Error::configuration("no profile has \"delivery\": \"socket\"");
  loop_.watch(signals_.fd(), EPOLLIN, [this] { take_signals(); });
  TRY(watch_configuration());
  TRY(start_nginx());
  restore(std::move(inherited));
  if (!control_) control_ = TRY(listen_at(instance_.control));
  ::fcntl(control_.get(), F_SETFL, O_NONBLOCK);
  loop_.watch(control_.get(), EPOLLIN, [this] { accept_caller(); });
  notify_ready();
  return {};
}

// Shares have the name of their profile, and are there before the first container asks.
void ProxyService::restore(std::vector<std::pair<std::string, UniqueFd>>&& inherited) {
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
    if (slash == name.npos) {
      desk_->set_share(name, std::move(descriptors.back()));
      continue;
    }
    const std::string profile = name.substr(0, slash);
    const std::string answer =
        admit(fmt::format("{}\n{}\n{}\n{}", admit_request, profile, name.substr(slash + 1),
                          share_text(desk_->share_id(profile))),
              std::move(descriptors));
    if (answer != admitted) remove_descriptors(name);
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
  return dialer_->serve(profiles_);
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
    while (true) {
      const auto connection = connect_unix({.path = path});
      if (connection) break;
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
  size_t begin = 0;
  for (size_t end; (end = unread_.find('\n', begin)) != unread_.npos; begin = end + 1)
    note_request(std::string_view(unread_).substr(begin, end - begin));
  unread_.erase(0, begin);
  if (unread_.size() > longest_line) unread_.clear();
}

// ADDRESS STATUS BYTES TIME METHOD PATH -> TIME PROFILE ID METHOD PATH STATUS BYTES
void ProxyService::note_request(std::string_view line) {
  const auto words = words_in(line, 6);
  const int status = number_in<int>(words[1]).value_or(0);
  const std::string container =
      relay_.note_answer(words[0], status, number_in<std::uint64_t>(words[2]).value_or(0));
  (void)write_all(
      STDOUT_FILENO,
      fmt::format("{} {} {} {} {} {}\n", words[3], container, words[4], words[5], words[1], words[2]),
      "stdout");
}

void ProxyService::accept_caller() {
  while (true) {
    auto caller =
        std::make_shared<UniqueFd>(::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!*caller) return;
    const int fd = caller->get();
    loop_.watch(fd, EPOLLIN, [this, caller] { serve_caller(caller); });
  }
}

void ProxyService::serve_caller(const std::shared_ptr<UniqueFd>& caller) {
  auto message = receive_message(caller->get());
  std::string answer;
  if (message && message->text == traffic_request) {
    answer = traffic();
  } else if (message && !message->text.empty()) {
    answer =
        is_peer_trusted(caller->get()) ? admit(message->text, std::move(message->descriptors)) : "refused\n";
  }
  const int size = static_cast<int>(answer.size()) + 1;
  ::setsockopt(caller->get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  (void)::send(caller->get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  loop_.forget(caller->get());
}

std::string ProxyService::admit(std::string_view request, std::vector<UniqueFd> descriptors) {
  const auto lines = words_in(request, 4, '\n');
  ContainerSockets sockets = {std::string(lines[1]), std::string(lines[2]), {}, {}};
  if (lines[0] != admit_request || sockets.id.empty()) return "unknown request\n";
  // A profile may have been added since the last container came.
  if (!has_profile(sockets.profile)) reload();
  if (!has_profile(sockets.profile))
    return fmt::format("there is no profile '{}' with delivery \"socket\"\n", sockets.profile);
  const bool brings_share = sort(sockets, std::move(descriptors));
  if (sockets.listening.empty() || !sockets.process) return "a descriptor is missing\n";
  const bool has_share = !lines[3].empty() && lines[3] == share_text(desk_->share_id(sockets.profile));
  if (!brings_share && !has_share) return std::string(wants_share);
  const std::string name = fmt::format("{}/{}", sockets.profile, sockets.id);
  remove_descriptors(name);
  for (const UniqueFd& listening : sockets.listening) store_descriptor(name, listening.get());
  store_descriptor(name, sockets.process.get());
  relay_.admit(std::move(sockets));
  return std::string(admitted);
}

// A share, which all containers of a profile have, goes to the desk. Result: whether there is one.
bool ProxyService::sort(ContainerSockets& sockets, std::vector<UniqueFd> descriptors) {
  bool brings_share = false;
  for (UniqueFd& fd : descriptors) {
    if (is_listening(fd.get())) {
      sockets.listening.push_back(std::move(fd));
    } else if (const mode_t type = type_of(fd.get()); type == S_IFDIR) {
      take_share(sockets.profile, std::move(fd));
      brings_share = true;
    } else if (type != S_IFSOCK) {
      sockets.process = std::move(fd);
    }
  }
  return brings_share;
}

void ProxyService::take_share(const std::string& profile, UniqueFd share) {
  const int fd = share.get();
  if (!desk_->set_share(profile, std::move(share))) return;
  remove_descriptors(profile);
  store_descriptor(profile, fd);
}

std::string ProxyService::traffic() const {
  ProxyTraffic traffic;
  for (const auto& [number, container] : relay_.containers()) {
    const auto& [requests, refused, bytes] = container.traffic;
    traffic.containers.push_back({container.sockets.profile, container.sockets.id, requests, refused, bytes});
  }
  return std::string(write_record(traffic).reveal());
}

UniqueFd ProxyService::report_rejected(const std::string& profile, const Secret& token) {
  auto reported = [&]() -> Result<UniqueFd> {
    if (!instance_.rejected_socket.empty()) {
      UniqueFd socket = TRY(connect_unix({.path = instance_.rejected_socket}));
      TRY(write_all(socket.get(), token.reveal(), instance_.rejected_socket));
      ::shutdown(socket.get(), SHUT_WR);
      return socket;
    }
    Pipe pipe = TRY(make_pipe());
    std::vector<std::string> command = instance_.rejected_command;
    command.push_back(profile);
    refreshes_.push_back(TRY(spawn(command, {.input = pipe.reading.get(), .errors = STDERR_FILENO})));
    TRY(write_all(pipe.writing.get(), token.reveal(), "oci-oauth refresh"));
    return open_process(refreshes_.back().pid());
  }();
  if (reported) return std::move(*reported);
  log_.write(Priority::warning,
             std::move(reported).error().in(fmt::format("profile '{}': rejected token", profile)));
  return {};
}

}  // namespace oci_oauth
