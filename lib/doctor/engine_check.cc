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

std::string describe_engine(const EngineState& engine) {
  const std::string detail = engine.detail.empty() ? "" : ": " + engine.detail;
  switch (engine.state) {
    case EngineState::registered:
      return "is registered with " + engine.file + detail;
    case EngineState::unread:
      return "does not read " + engine.file + detail;
    case EngineState::unregistered:
    case EngineState::absent:
      break;
  }
  return "is not registered" + detail;
}

}  // namespace

Findings check_engines(const Subject&) {
  Findings findings;
  for (const EngineState& engine : inspect_engines("/")) {
    if (engine.state == EngineState::absent) continue;
    findings.push_back(
        {"engine " + engine.engine, verdict_on(engine), describe_engine(engine), engine.remedy});
  }
  if (!findings.empty()) return findings;
  return {{"engines", Verdict::warning, "no container engine is installed", ""}};
}

}  // namespace oci_oauth
