// SPDX-License-Identifier: Apache-2.0
// The doctor's findings: a verdict, what was found, and the command that fixes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "base/result.h"
#include "report/terminal.h"

namespace oci_oauth {

enum class Verdict { ok, warning, problem };
constexpr std::array<std::string_view, 3> words_of(Verdict) {
  return {"ok", "warning", "problem"};
}

struct Finding {
  std::string check;  // "login 'claude'"
  Verdict verdict = Verdict::ok;
  std::string message;      // what was found, for people; never a secret
  std::string remedy = {};  // a command or an instruction; empty if there is nothing to do
};
using Findings = std::vector<Finding>;

void append(Findings& all, Findings more);
Finding problem(std::string_view check, const Error& error);

// ok if there is no warning and no problem.
Verdict worst(const Findings& findings);

void describe(auto& each, RecordOf<Finding> auto& finding) {
  each("check", finding.check, Presence::required);
  each("verdict", finding.verdict, Presence::required);
  each("message", finding.message, Presence::required);
  each("remedy", finding.remedy, Presence::nullable);
}

// What oci-oauth-probe reports, and doctor --json.
struct FindingsReport {
  static constexpr int version = 1;

  Verdict verdict = Verdict::ok;  // the worst of them
  Findings findings;
};

void describe(auto& each, RecordOf<FindingsReport> auto& report) {
  each("verdict", report.verdict, Presence::required);
  each("findings", report.findings, Presence::required);
}

// One line for each finding, with its remedy below it, and the counts at the end.
std::string findings_text(const Findings& findings, const Display& display);
// A FindingsReport. Its remedies, as those of the text, are as_typed().
std::string findings_json(Findings findings);

}  // namespace oci_oauth
