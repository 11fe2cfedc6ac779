// SPDX-License-Identifier: Apache-2.0
#include "base/service_manager.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "base/fmt.h"
#include "base/process.h"
#include "base/text.h"
#include "base/unix_socket.h"

namespace oci_oauth {

namespace {

constexpr int first_listen_fd = 3;  // SD_LISTEN_FDS_START
constexpr size_t longest_name = 255;

std::string take_variable(const char* name) {
  std::string text(from_environment(name));
  ::unsetenv(name);
  return text;
}

// A path begins with "/", and a name in the abstract namespace with "@".
void notify(std::string_view message, std::initializer_list<int> descriptors) {
  const std::string_view name = from_environment("NOTIFY_SOCKET");
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  if (name.empty() || name.size() >= sizeof address.sun_path) return;
  name.copy(address.sun_path, name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0)
    (void)send_message(socket.get(), message, descriptors);
}

bool can_be_stored(std::string_view name) {
  return name.size() <= longest_name &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

}  // namespace

bool is_systemd_running() {
  return ::access("/run/systemd/system", F_OK) == 0;
}

std::vector<std::pair<std::string, UniqueFd>> inherited_descriptors() {
  const std::string pid = take_variable("LISTEN_PID"), number = take_variable("LISTEN_FDS"),
                    all_names = take_variable("LISTEN_FDNAMES");
  std::vector<std::pair<std::string, UniqueFd>> descriptors;
  const int count = number_in<int>(number).value_or(0);
  if (pid != std::to_string(::getpid())) return descriptors;
  std::string_view names = all_names;
  for (int fd = first_listen_fd; fd < first_listen_fd + count; ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    descriptors.emplace_back(next_part(names, ':'), UniqueFd(fd));
  }
  return descriptors;
}

bool is_listening(int fd) {
  int accepts = 0;
  socklen_t size = sizeof accepts;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts != 0;
}

void notify_ready() {
  notify("READY=1", {});
}

void store_descriptor(std::string_view name, int fd) {
  if (can_be_stored(name)) notify(fmt::format("FDSTORE=1\nFDNAME={}", name), {fd});
}

void remove_descriptors(std::string_view name) {
  if (can_be_stored(name)) notify(fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name), {});
}

}  // namespace oci_oauth
