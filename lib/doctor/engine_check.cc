// SPDX-License-Identifier: Apache-2.0
#include "base/fmt.h"
#include "doctor/checks.h"
#include "setup/engine.h"

namespace oci_oauth {

namespace {

// Several engines may be installed, and one registered.
Verdict verdict_on(const EngineState& engine) {
  const bool is_broken = engine.state == EngineState::unread || engine.state == EngineState::broken;
  return engine.state == EngineState::registered ? Verdict::ok
         : is_broken                             ? Verdict::problem
                                                 : Verdict::warning;
}

// A registration counts only once the running daemon has read it. A daemon that does not answer is not asked
// again.
EngineState as_running(EngineState engine, const HostView& host) {
  if (engine.engine != engine_name::docker || engine.state != EngineState::registered) return engine;
  const auto taken_up = host.docker_has_taken_up();
  if (!taken_up || *taken_up) return engine;
  engine.state = EngineState::unread;
  engine.message = fmt::format("the running daemon has not read {}", engine.file);
  engine.remedy = engine.reload;
  return engine;
}

}  // namespace

Findings check_engines(const CheckContext& context) {
  Findings findings;
  for (const EngineState& found : context.host.engines) {
    if (found.state == EngineState::absent) continue;
    const EngineState engine = as_running(found, context.host);
    const std::string check = engine.engine.empty()                   ? "engines"
                              : engine.engine == engine_name::systemd ? "units at boot"
                                                                      : "engine " + engine.engine;
    findings.push_back({check, verdict_on(engine), engine.message, engine.remedy});
  }
  if (!findings.empty()) return findings;
  return {{"engines", Verdict::warning, "no container engine is installed", ""}};
}

}  // namespace oci_oauth
