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
#include "hook/creation.h"
#include "hook/freshen.h"
#include "hook/hook_call.h"
#include "hook/inherited.h"
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
  const HookCall call = {*config, arguments.profiles, state, log, is_root};
  Creation creation(call);
  const std::string path = state.bundle + "/config.json";
  creation.spec_text = must(read_file({.path = path}, spec_limit));
  creation.spec = must(parse_spec(creation.spec_text, path));
  const double reading = clock.lap();

  const Choice choice = choose(*config, {.by_argument = call.profiles}, creation.spec);
  if (choice.chosen.size() != 1) give_up("the container does not have one target");
  reset_for_writing();
  must(creation.open());
  creation.earlier = find_earlier(creation);
  (void)must(freshen(creation, *choice.chosen.front().profile));
  const double deciding = clock.lap();

  Delivery& delivery = creation.deliveries.emplace_back(choice.chosen.front(), creation.spec);
  must(prepare(creation, delivery));
  const double preparing = clock.lap();
  must(save(creation));
  const double recording = clock.lap();
  must(deliver(creation, delivery));
  const double mounting = preparing + clock.lap();
  must(write_all(
      lines.get(),
      oci_oauth::fmt::format("{:.1f} {:.1f} {:.1f} {:.1f}\n", reading, deciding, mounting, recording),
      "parts"));
  ::_exit(0);
}
