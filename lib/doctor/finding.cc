// SPDX-License-Identifier: Apache-2.0
#include "doctor/finding.h"

#include <algorithm>
#include <iterator>

#include "base/fmt.h"
#include "program/hint.h"

namespace oci_oauth {

namespace {

Tone tone_of(Verdict verdict) {
  return verdict == Verdict::ok ? Tone::good : verdict == Verdict::warning ? Tone::attention : Tone::bad;
}

std::string counted(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

size_t count_of(const Findings& findings, Verdict verdict) {
  return static_cast<size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

}  // namespace

void append(Findings& all, Findings more) {
  std::ranges::move(more, std::back_inserter(all));
}

Finding problem(std::string_view check, const Error& error) {
  // One of the general hints points here.
  const bool is_configuration = error.kind == ErrorKind::configuration;
  return {std::string(check), Verdict::problem, error.message,
          is_configuration ? hint_of(error) : error.hint};
}

Verdict worst(const Findings& findings) {
  Verdict worst = Verdict::ok;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

std::string findings_text(const Findings& findings, const Display& display) {
  std::vector<Row> rows;
  for (const Finding& finding : findings) {
    rows.push_back(
        {{std::string(word(finding.verdict)), tone_of(finding.verdict)}, {finding.check}, {finding.message}});
    if (!finding.remedy.empty())
      rows.push_back({{""}, {""}, {.text = "hint: " + as_typed(finding.remedy), .is_whole = true}});
  }
  return fmt::format("{}\n{}, {}\n", aligned(rows, display),
                     counted(count_of(findings, Verdict::problem), "problem"),
                     counted(count_of(findings, Verdict::warning), "warning"));
}

std::string findings_json(const Findings& findings) {
  return std::string(write_record(FindingsReport{worst(findings), findings}, JsonStyle::indented).reveal());
}

}  // namespace oci_oauth
