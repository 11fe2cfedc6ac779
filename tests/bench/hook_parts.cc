// SPDX-License-Identifier: Apache-2.0
// The hook's steps for a container that gets a mount, as create_runtime() takes them, with a clock between
// them: what the product has no part for. Called as the hook, with a file in front, to which it appends a
// line: microseconds of reading, deciding, mounting, and recording.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "base/process.h"
#include "hook/deliver.h"
#include "hook/freshen.h"
#include "hook/hook_config.h"
#include "hook/inherited.h"
#include "hook/prepare.h"
#include "hook/record.h"
#include "oci/spec.h"
#include "start.h"

using namespace oci_oauth;
using namespace oci_oauth::bench;

namespace {

class Clock {
 public:
  // Microseconds since the last call.
  double lap() {
    const auto before = std::exchange(last_, std::chrono::steady_clock::now());
    return std::chrono::duration<double, std::micro>(last_ - before).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message);
  return std::move(*result);
}

void must(const Result<void>& done) {
  if (!done) give_up(done.error().message);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) give_up("usage: hook-parts FILE [HOOK_ARGUMENT]...");
  Clock clock;
  reset_for_reading();
  const UniqueFd lines(::open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  const Log log = Log::to_syslog("hook-parts");
  const HookArguments arguments = must(parse_hook_arguments({argv + 2, argv + argc}));
  const ContainerState state = must(parse_state(must(read_to_end(STDIN_FILENO, state_limit, "state"))));
  const bool is_root = is_host_root();
  const auto config = must(load_hook_config(arguments, is_root, log));
  const std::string path = state.bundle + "/config.json";
  const std::string text = must(read_file({.path = path}, spec_limit));
  const Spec spec = must(parse_spec(text, path));
  const double reading = clock.lap();

  const HookCall call = {*config, arguments.profiles, state, log, is_root};
  const Choice choice = choose(*config, {.by_argument = call.profiles}, spec);
  if (choice.chosen.size() != 1) give_up("the container does not have one target");
  reset_for_writing();
  const RuntimeDir runtime = must(RuntimeDir::open(config->runtime_dir));
  const ContainerProcess process = must(ContainerProcess::open(state.pid));
  const CreateContext context = {
      call, spec, text, runtime, process, ContainerLedger(runtime.fd()), identify_process(state.pid)};
  const Earlier earlier = find_earlier(context);
  (void)must(freshen(context, *choice.chosen.front().profile));
  const double deciding = clock.lap();

  std::vector<Delivery> deliveries;
  deliveries.emplace_back(choice.chosen.front());
  must(prepare(context, deliveries.front()));
  const double preparing = clock.lap();
  must(save(context, earlier, deliveries));
  const double recording = clock.lap();
  must(deliver(context, deliveries.front()));
  const double mounting = preparing + clock.lap();
  must(write_all(
      lines.get(),
      oci_oauth::fmt::format("{:.1f} {:.1f} {:.1f} {:.1f}\n", reading, deciding, mounting, recording),
      "parts"));
  ::_exit(0);
}
