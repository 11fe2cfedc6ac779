// SPDX-License-Identifier: Apache-2.0
#include "faults/scene.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "base/unique_fd.h"
#include "support/child_process.h"

namespace oci_oauth::test {

namespace {

UniqueFd listen_at(const std::string& path) {
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + ": too long for a socket");
  path.copy(address.sun_path, path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), 1) != 0)
    throw std::system_error(errno, std::generic_category(), path);
  return socket;
}

}  // namespace

Scene::Scene(TokenEndpoint& endpoint, Place place)
    : host(endpoint), place_(place), second_(place == Place::two_logins) {
  host.add_container();
  if (second_) host.add_other_login();
  if (place == Place::mounted_file) mounted_.emplace(host.credentials);
}

Traced Scene::run(const Fault& fault) const {
  return place_ == Place::socket ? run_service(fault)
                                 : run_traced(host.command({"refresh", "claude"}), fault);
}

Traced Scene::run_service(const Fault& fault) const {
  const std::string path = host.directory / "exchange.sock", output = host.directory / "refresh.log";
  const UniqueFd listener = listen_at(path);
  const pid_t refresh =
      start_program(host.command({"refresh", "--exchange", path, "claude"}), "/dev/null", output);
  pollfd asked = {listener.get(), POLLIN, 0};
  UniqueFd connection;
  if (::poll(&asked, 1, child_bound) == 1)
    connection.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection) throw std::runtime_error("the refresh asks for no exchange");
  Traced traced = run_traced({installed("bin/oci-oauth"), "exchange"}, fault, {}, std::move(connection));
  const int code = end_of(refresh);
  traced.output += host.directory.read("refresh.log");
  traced.status = code == 0 ? traced.status : code << 8;  // as wait(2) has an exit code
  return traced;
}

Output Scene::mend() const {
  if (second_) {
    host.age_locks();
    Output other = host.mend("other");
    if (other.status != 0) return other;
  }
  return host.mend();
}

bool is_journal(const Call& call) {
  return call.subject.ends_with(".oci-oauth.journal");
}

bool is_journal_write(const Call& call) {
  return call.name == "write" && is_journal(call);
}

Course course_of(const std::vector<Call>& calls, unsigned worker) {
  Course course;
  unsigned sends = 0;
  for (const Call& call : calls) {
    course.counts[call.process] = std::max(course.counts[call.process], call.number);
    if (call.process != worker) continue;
    if (call.name == "sendto") ++sends;
    // The first note after a request is the answer's, the last one before it the fence.
    if (is_journal_write(call) && course.sends == 0) course.sends = sends;
    if (is_journal_write(call) && sends == 0) course.fence = call.number;
    if (call.name == "ftruncate" && is_journal(call)) course.end = call.number;
  }
  return course;
}

bool has_sent(const std::vector<Call>& calls, unsigned sends, unsigned worker) {
  unsigned sent = 0;
  for (const Call& call : calls) {
    if (call.process != worker) continue;
    if (call.name == "sendto") ++sent;
    if (sent == sends && is_journal_write(call)) return false;
  }
  return sent == sends;
}

}  // namespace oci_oauth::test
