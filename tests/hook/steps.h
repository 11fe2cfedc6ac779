// SPDX-License-Identifier: Apache-2.0
// The steps between the choice and the outcome, and what may happen between two of them.
#pragma once

#include <functional>
#include <string>

#include "hook/creation.h"
#include "hook/hook_host.h"

namespace oci_oauth {

using Between = std::function<void(Delivery& delivery)>;

struct Steps {
  Between before_prepare = [](Delivery&) {}, before_describe = [](Delivery&) {},
          before_deliver = [](Delivery&) {};
};

// The steps for one target of the container, in a process of their own. Result: "delivered", or the step that
// failed and why, and the state in its record.
inline std::string run_steps(const HookHost& host, const HookContainer& container, Consent consent,
                             const Steps& steps) {
  const ChildProcess hook([&]() -> std::string {
    const ContainerState state = host.state(container.pid());
    const HookCall call = host.call(state);
    Creation creation(call);
    creation.spec.root_path = host.rootfs();
    if (!creation.open()) return "not opened";
    const std::string source = host.dir / "written";
    Delivery delivery({&host.config.profiles.front(), target, consent, source}, creation.spec);
    steps.before_prepare(delivery);
    if (const auto done = prepare(creation, delivery); !done) return "prepare: " + done.error().message;
    steps.before_describe(delivery);
    if (const auto done = describe(creation, delivery); !done) return "describe: " + done.error().message;
    steps.before_deliver(delivery);
    const auto done = deliver(creation, delivery);
    const std::string state_word(word(delivery.record.state));
    return done ? "delivered" : fmt::format("deliver: {} ({})", done.error().message, state_word);
  });
  return hook.answer();
}

}  // namespace oci_oauth
