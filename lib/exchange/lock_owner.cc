// SPDX-License-Identifier: Apache-2.0
// The record beside a lock (directory_lock.h).
#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "exchange/directory_lock.h"

namespace oci_oauth {

namespace {

// As in JavaScript: whole milliseconds and the fraction are added as doubles. Both sides compare for
// equality.
double javascript_milliseconds(std::int64_t born_ns) {
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t whole_seconds = born_ns / second;
  return static_cast<double>(whole_seconds * 1000) + static_cast<double>(born_ns % second) / 1e6;
}

// Empty if it cannot be read.
std::string pid_namespace() {
  const auto name = link_target("/proc/self/ns/pid");
  return name ? *name : "";
}

// Where a pid is valid: the machine and the PID namespace.
std::string pid_domain() {
  const auto machine = read_file(FileAt{.path = "/etc/machine-id"}, 4 * KiB);
  return fmt::format("linux:{}:{}", machine ? first_line(*machine) : "", pid_namespace());
}

std::string pid_space() {
  const std::string space = pid_namespace();
  utsname host = {};
  ::uname(&host);
  return fmt::format("{}{}{}", host.nodename, space.empty() ? "" : "#", space);
}

bool is_born(const JsonValue& record, std::string_view key, std::int64_t born_ns) {
  // error of RapidJSON's fast parsing of doubles, and far below a tick
  constexpr double parser_error = 0.001;
  const JsonValue* born = json_member(record, key);
  return born != nullptr && born->IsNumber() &&
         std::abs(born->GetDouble() - javascript_milliseconds(born_ns)) < parser_error;
}

bool names_lock(const JsonValue& record, std::int64_t born_ns) {
  return is_born(record, "lockBirthtimeMs", born_ns) || is_born(record, "legacyLockBirthtimeMs", born_ns);
}

// kill(2) also finds a process that /proc hides (hidepid).
bool is_gone(pid_t pid, std::string_view start_time) {
  if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
  const auto running = identify_process(pid);
  return running && fmt::format("{}", running->start_time) != start_time;
}

}  // namespace

std::string lock_owner_record(std::int64_t first_born_ns, std::optional<std::int64_t> second_born_ns) {
  const auto self = identify_process(::getpid());
  JsonValue record = json_object({{"pid", ::getpid()},
                                  {"procStart", self ? fmt::format("{}", self->start_time) : ""},
                                  {"pidDomain", pid_domain()},
                                  {"pidSpace", pid_space()},
                                  {"lockBirthtimeMs", JsonValue(javascript_milliseconds(first_born_ns))}});
  if (second_born_ns) {
    json_set(record, "legacyLockBirthtimeMs", JsonValue(javascript_milliseconds(*second_born_ns)));
  }
  return std::string(write_json(record).reveal());
}

bool names_lock(std::string_view record, std::int64_t born_ns) {
  const auto json = parse_json(record, "lock owner");
  return json && names_lock(*json, born_ns);
}

bool is_abandoned(std::string_view record, std::int64_t born_ns) {
  const auto json = parse_json(record, "lock owner");
  if (!json || born_ns == 0 || !names_lock(*json, born_ns)) return false;
  const std::int64_t pid = json_int(*json, "pid").value_or(0);
  const std::string_view start_time = json_string(*json, "procStart").value_or("");
  return pid > 0 && pid <= std::numeric_limits<pid_t>::max() && !start_time.empty() &&
         json_string(*json, "pidDomain") == pid_domain() && json_string(*json, "pidSpace") == pid_space() &&
         is_gone(static_cast<pid_t>(pid), start_time);
}

}  // namespace oci_oauth
