// SPDX-License-Identifier: Apache-2.0
// Times programs as whole processes, in turns: A B C, A B C, … so that a machine whose speed drifts is slow
// or fast for all of them. Reads a plan from stdin and writes what it measured to stdout, both JSON:
//   {"rounds": 200, "programs": [{"name": "…", "command": ["/path", "arg"], "stdin": "/file", "before":
//   ["/path"]}]}
// The first program is the reference: each other's ratio is taken round by round. `before` is not timed.
// Processor time is told too: it leaves out what a busy machine makes a process wait. Static and small,
// because a child that vfork(2) made is charged with its parent's peak memory.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "start.h"

using namespace oci_oauth;
using namespace oci_oauth::bench;

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

struct Program {
  std::string name;
  std::vector<std::string> command, before;
  std::string standard_input = "/dev/null";
  std::vector<double> walls_us = {}, ratios = {}, cpus_us = {}, cpu_ratios = {};
  long peak_kib = 0, page_faults = 0;
};

std::vector<std::string> words(const JsonValue* value) {
  std::vector<std::string> list;
  if (value == nullptr || !value->IsArray()) return list;
  for (const JsonValue& word : value->GetArray()) list.emplace_back(json_text(word));
  return list;
}

std::vector<Program> read_programs(const JsonValue& plan) {
  std::vector<Program> programs;
  const JsonValue* list = json_member(plan, "programs");
  if (list == nullptr || !list->IsArray()) give_up("the plan names no programs");
  for (const JsonValue& value : list->GetArray()) {
    Program program = {std::string(json_string(value, "name").value_or("")),
                       words(json_member(value, "command")), words(json_member(value, "before")),
                       std::string(json_string(value, "stdin").value_or("/dev/null"))};
    if (program.command.empty()) give_up(fmt::format("'{}' has no command", program.name));
    programs.push_back(std::move(program));
  }
  return programs;
}

double microseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

void run_once(Program& program) {
  if (!program.before.empty()) {
    const Start before(program.before, "/dev/null");
    before.wait_for(before.run());
  }
  const Start start(program.command, program.standard_input);
  const auto began = std::chrono::steady_clock::now();
  const rusage usage = start.wait_for(start.run());
  program.walls_us.push_back(Microseconds(std::chrono::steady_clock::now() - began).count());
  program.cpus_us.push_back(microseconds(usage.ru_utime) + microseconds(usage.ru_stime));
  program.peak_kib = std::max(program.peak_kib, usage.ru_maxrss);
  program.page_faults = usage.ru_minflt;
}

double quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
}

JsonValue spread_value(const std::vector<double>& values) {
  JsonValue value = json_object();
  json_set(value, "median", JsonValue(quantile(values, 0.5)));
  json_set(value, "p10", JsonValue(quantile(values, 0.1)));
  json_set(value, "p90", JsonValue(quantile(values, 0.9)));
  return value;
}

JsonDocument report(const std::vector<Program>& programs) {
  JsonDocument json;
  json.SetArray();
  for (const Program& program : programs) {
    JsonValue value = json_object();
    json_set(value, "name", program.name);
    json_set(value, "wall_us", spread_value(program.walls_us));
    json_set(value, "ratio", spread_value(program.ratios));
    json_set(value, "cpu_us", spread_value(program.cpus_us));
    json_set(value, "cpu_ratio", spread_value(program.cpu_ratios));
    json_set(value, "peak_kib", JsonValue(std::int64_t{program.peak_kib}));
    json_set(value, "page_faults", JsonValue(std::int64_t{program.page_faults}));
    json_append(json, std::move(value));
  }
  return json;
}

// Where it may, so that what else the machine does delays no program more than another. Children inherit it.
// Not a real-time class: a runtime could not move such a process into a cgroup.
void take_priority() {
  if (::setpriority(PRIO_PROCESS, 0, -20) != 0) {
    (void)write_all(STDERR_FILENO, "side-by-side: no high priority: expect a wider spread\n", "stderr");
  }
}

}  // namespace

int main() {
  take_priority();
  std::string text(MiB, '\0');
  size_t size = 0;
  for (ssize_t count; (count = ::read(STDIN_FILENO, text.data() + size, text.size() - size)) > 0;)
    size += static_cast<size_t>(count);
  auto plan = parse_json(std::string_view(text).substr(0, size), "plan");
  if (!plan) give_up(plan.error().message);
  std::vector<Program> programs = read_programs(*plan);
  for (Program& program : programs) run_once(program);  // warm caches; not counted
  for (Program& program : programs)
    program = {program.name, program.command, program.before, program.standard_input};

  const auto rounds = json_int(*plan, "rounds").value_or(100);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (Program& program : programs) {
      run_once(program);
      program.ratios.push_back(program.walls_us.back() / programs.front().walls_us.back());
      program.cpu_ratios.push_back(program.cpus_us.back() / programs.front().cpus_us.back());
    }
  }
  const auto printed =
      write_all(STDOUT_FILENO, write_json(report(programs), JsonStyle::indented).reveal(), "stdout");
  return printed ? 0 : 1;
}
