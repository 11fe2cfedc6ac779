// SPDX-License-Identifier: Apache-2.0
// The doctor's findings: a verdict, what was found, and the command that fixes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/text_table.h"

namespace oci_oauth {

enum class Verdict { ok, warning, problem };
std::string_view word(Verdict verdict);

struct Finding {
  std::string check;  // "login 'claude'"
  Verdict verdict = Verdict::ok;
  std::string message;  // what was found, for people; never a secret
  std::string remedy;   // a command or an instruction; empty if there is nothing to do
};
using Findings = std::vector<Finding>;

void append(Findings& all, Findings more);
Finding problem(std::string_view check, const Error& error);

// ok if there is no warning and no problem.
Verdict worst(const Findings& findings);

// One line for each finding, with its remedy below it, and the counts at the end.
std::string findings_text(const Findings& findings, Colour colour);

// {"version": 1, "verdict": …, "findings": [{"check", "verdict", "message", "remedy"}]}; remedy is null if
// there is none.
std::string findings_json(const Findings& findings);
// Failure: the text does not come from findings_json.
Result<Findings> parse_findings(std::string_view text);

}  // namespace oci_oauth
