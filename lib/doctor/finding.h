// SPDX-License-Identifier: Apache-2.0
// What the doctor found: a verdict, what was seen, and the command that mends it.
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
  std::string message;  // what was seen, for a person; never a secret
  std::string remedy;   // a command, or an act; empty where there is nothing to do
};
using Findings = std::vector<Finding>;

void append(Findings& all, Findings more);
Finding problem(std::string_view check, const Error& error);

// ok where there is neither a warning nor a problem.
Verdict worst(const Findings& findings);

// A line for each finding, its remedy below it, and the count at the end.
std::string findings_text(const Findings& findings, Colour colour);

// {"version": 1, "verdict": …, "findings": [{"check", "verdict", "message", "remedy"}]}; remedy null where
// there is none.
std::string findings_json(const Findings& findings);
// Failure: a text that findings_json did not write.
Result<Findings> parse_findings(std::string_view text);

}  // namespace oci_oauth
