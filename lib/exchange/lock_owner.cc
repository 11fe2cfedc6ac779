// SPDX-License-Identifier: Apache-2.0
#include "exchange/lock_owner.h"

#include <limits.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

// As JavaScript counts: whole milliseconds and the rest are added as doubles. Both sides compare for
// equality.
double javascript_milliseconds(std::int64_t born_ns) {
  constexpr std::int64_t second = 1'000'000'000;
  return static_cast<double>(born_ns / second * 1000) + static_cast<double>(born_ns % second) / 1e6;
}

std::string link_target(const char* path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path, target, sizeof target);
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

// One line, or what there is of it; empty where the file cannot be read.
std::string line_of(const char* path) {
  const auto text = read_file(FileAt{.path = path}, 4 * KiB);
  return text ? text->substr(0, text->find('\n')) : "";
}

// proc(5): the words of stat after the name, which is in parentheses and may hold anything, begin with the
// third; the start time is the 22nd.
std::string start_time() {
  const std::string line = line_of("/proc/self/stat");
  std::string_view rest = std::string_view(line).substr(std::min(line.size(), line.rfind(')') + 2));
  for (int word = 3; word < 22; ++word) rest.remove_prefix(std::min(rest.size(), rest.find(' ') + 1));
  return std::string(rest.substr(0, rest.find(' ')));
}

}  // namespace

std::string lock_owner_record(std::int64_t first_born_ns, std::optional<std::int64_t> second_born_ns) {
  const std::string space = link_target("/proc/self/ns/pid");
  utsname host = {};
  ::uname(&host);
  JsonDocument record;
  record.SetObject();
  const auto set = [&](std::string_view key, std::string_view text) {
    json_set(record, record, key, json_copy(record, text));
  };
  json_set(record, record, "pid", JsonValue(::getpid()));
  set("procStart", start_time());
  set("pidDomain", fmt::format("linux:{}:{}", line_of("/etc/machine-id"), space));
  set("pidSpace", fmt::format("{}{}{}", host.nodename, space.empty() ? "" : "#", space));
  json_set(record, record, "lockBirthtimeMs", JsonValue(javascript_milliseconds(first_born_ns)));
  if (second_born_ns) {
    json_set(record, record, "legacyLockBirthtimeMs", JsonValue(javascript_milliseconds(*second_born_ns)));
  }
  return std::string(write_json(record).reveal());
}

bool names_lock(std::string_view record, std::int64_t born_ns) {
  const auto json = parse_json(record, "lock owner");
  if (!json || !json->IsObject()) return false;
  const JsonValue* born = json_member(*json, "lockBirthtimeMs");
  return born != nullptr && born->IsNumber() && born->GetDouble() == javascript_milliseconds(born_ns);
}

}  // namespace oci_oauth
