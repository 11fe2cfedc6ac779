// SPDX-License-Identifier: Apache-2.0
#include "doctor/checks.h"
#include "setup/engine.h"

namespace oci_oauth {

namespace {

Verdict verdict_on(const EngineState& engine) {
  switch (engine.state) {
    case EngineState::registered:
      return Verdict::ok;
    case EngineState::unread:
      return Verdict::problem;
    case EngineState::unregistered:  // a person may want one engine of several
    case EngineState::absent:
      break;
  }
  return Verdict::warning;
}

}  // namespace

Findings check_engines(const Subject&) {
  Findings findings;
  for (const EngineState& engine : inspect_engines("/")) {
    if (engine.state == EngineState::absent) continue;
    const std::string check = engine.engine == "systemd" ? "units at boot" : "engine " + engine.engine;
    findings.push_back({check, verdict_on(engine), engine.message, engine.remedy});
  }
  if (!findings.empty()) return findings;
  return {{"engines", Verdict::warning, "no container engine is installed", ""}};
}

}  // namespace oci_oauth
