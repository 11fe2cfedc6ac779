// SPDX-License-Identifier: Apache-2.0
#include "doctor/finding.h"

#include <algorithm>
#include <iterator>

#include "base/fmt.h"
#include "program/hint.h"
#include "report/text_table.h"

namespace oci_oauth {

namespace {

std::string counted(const Findings& findings, Verdict verdict) {
  const auto count = std::ranges::count(findings, verdict, &Finding::verdict);
  return fmt::format("{} {}{}", count, word(verdict), count == 1 ? "" : "s");
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
  constexpr Tone tones[] = {Tone::good, Tone::attention, Tone::bad};
  std::vector<Row> rows;
  for (const auto& [check, verdict, message, remedy] : findings) {
    rows.push_back({{std::string(word(verdict)), tones[static_cast<size_t>(verdict)]}, {check}, {message}});
    if (!remedy.empty())
      rows.push_back({{""}, {""}, {.text = "hint: " + as_typed(remedy), .is_whole = true}});
  }
  return fmt::format("{}\n{}, {}\n", aligned(std::move(rows), display), counted(findings, Verdict::problem),
                     counted(findings, Verdict::warning));
}

std::string findings_json(Findings findings) {
  for (Finding& finding : findings) finding.remedy = as_typed(finding.remedy);
  const Verdict verdict = worst(findings);
  return std::string(
      write_record(FindingsReport{verdict, std::move(findings)}, JsonStyle::indented).reveal());
}

}  // namespace oci_oauth
