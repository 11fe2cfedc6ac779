// SPDX-License-Identifier: Apache-2.0
#include "doctor/finding.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/fmt.h"
#include "base/json.h"
#include "program/hint.h"

namespace oci_oauth {

namespace {

constexpr std::array verdicts = {Verdict::ok, Verdict::warning, Verdict::problem};

Tone tone_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return Tone::good;
    case Verdict::warning:
      return Tone::attention;
    case Verdict::problem:
      return Tone::bad;
  }
  return Tone::plain;
}

std::string counted(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

size_t count_of(const Findings& findings, Verdict verdict) {
  return static_cast<size_t>(std::count_if(
      findings.begin(), findings.end(), [&](const Finding& finding) { return finding.verdict == verdict; }));
}

JsonValue finding_value(JsonDocument& json, const Finding& finding) {
  JsonValue value = json_object();
  json_set(json, value, "check", json_copy(json, finding.check));
  json_set(json, value, "verdict", json_copy(json, word(finding.verdict)));
  json_set(json, value, "message", json_copy(json, finding.message));
  json_set(json, value, "remedy", finding.remedy.empty() ? JsonValue() : json_copy(json, finding.remedy));
  return value;
}

Finding read_finding(const JsonValue& value) {
  Finding finding;
  finding.check = json_string(value, "check").value_or("");
  for (const Verdict verdict : verdicts) {
    if (json_string(value, "verdict") == word(verdict)) finding.verdict = verdict;
  }
  finding.message = json_string(value, "message").value_or("");
  finding.remedy = json_string(value, "remedy").value_or("");
  return finding;
}

}  // namespace

std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::problem:
      return "problem";
  }
  return "problem";
}

void append(Findings& all, Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
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

std::string findings_text(const Findings& findings, Colour colour) {
  std::vector<Row> rows;
  for (const Finding& finding : findings) {
    rows.push_back(
        {{std::string(word(finding.verdict)), tone_of(finding.verdict)}, {finding.check}, {finding.message}});
    if (!finding.remedy.empty()) rows.push_back({{""}, {""}, {"hint: " + finding.remedy}});
  }
  return fmt::format("{}\n{}, {}\n", aligned(rows, colour),
                     counted(count_of(findings, Verdict::problem), "problem"),
                     counted(count_of(findings, Verdict::warning), "warning"));
}

std::string findings_json(const Findings& findings) {
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "version", JsonValue(1));
  json_set(json, json, "verdict", json_copy(json, word(worst(findings))));
  JsonValue list = json_array();
  for (const Finding& finding : findings) json_append(list, finding_value(json, finding));
  json_set(json, json, "findings", std::move(list));
  return std::string(write_json(json, JsonStyle::indented).reveal());
}

Result<Findings> parse_findings(std::string_view text) {
  auto json = TRY(parse_json(text, "findings"));
  const JsonValue* list = json_member(json, "findings");
  if (list == nullptr || !list->IsArray())
    return Error{ErrorKind::failed, "findings: not a list of findings"};
  Findings findings;
  for (const JsonValue& value : list->GetArray()) findings.push_back(read_finding(value));
  return findings;
}

}  // namespace oci_oauth
