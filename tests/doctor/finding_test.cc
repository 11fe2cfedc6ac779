// SPDX-License-Identifier: Apache-2.0
#include "doctor/finding.h"

#include "base/text.h"
#include "support/catch.h"
#include "support/record_equal.h"

using namespace oci_oauth;

namespace {

const Findings some = {{"configuration", Verdict::ok, "/etc/oci-oauth/config.json: profiles: 1", ""},
                       {"login 'claude'", Verdict::warning, "/l: mode 0644", "chmod 0600 /l"},
                       {"unit x.timer", Verdict::problem, "is inactive", "systemctl enable --now x.timer"}};

}  // namespace

TEST_CASE("each finding is a line, its remedy below it, and the count at the end") {
  CHECK(findings_text(some, Colour::no) ==
        "ok       configuration   /etc/oci-oauth/config.json: profiles: 1\n"
        "warning  login 'claude'  /l: mode 0644\n"
        "                         hint: chmod 0600 /l\n"
        "problem  unit x.timer    is inactive\n"
        "                         hint: systemctl enable --now x.timer\n"
        "\n"
        "1 problem, 1 warning\n");
}

TEST_CASE("the absence of problems is reported as such") {
  CHECK(findings_text({{"kernel", Verdict::ok, "all there", ""}}, Colour::no) ==
        "ok  kernel  all there\n\n0 problems, 0 warnings\n");
}

TEST_CASE("the worst finding decides the verdict") {
  CHECK(worst({}) == Verdict::ok);
  CHECK(worst(some) == Verdict::problem);
}

TEST_CASE("findings come back from their JSON as they were") {
  const auto read = read_record<FindingsReport>(findings_json(some), "findings");
  REQUIRE(read);
  CHECK(*read == FindingsReport{Verdict::problem, some});
}

TEST_CASE("text that holds no findings is refused") {
  for (const char* text : {"", "{}", "Killed", R"({"version":1})"})
    CHECK_FALSE(read_record<FindingsReport>(text, "findings"));
}

TEST_CASE("findings fit terminals of 40, 80 and 200 columns, and hints can be copied") {
  const Findings long_ones = {
      {"login 'claude'", Verdict::warning,
       "/home/u/.claude/login: has 2 hard links: a refresh replaces this one, and the "
       "others keep an unusable login",
       "find / -xdev -samefile /home/u/.claude/login"}};
  const std::string plain = findings_text(long_ones, Colour::no);
  CHECK(findings_text(long_ones, {Colour::no, 200}) == plain);
  CHECK(findings_text(long_ones, {Colour::no, 80}) ==
        "warning  login 'claude'  /home/u/.claude/login: has 2 hard links: a refresh\n"
        "                         replaces this one, and the others keep an unusable\n"
        "                         login\n"
        "                         hint: find / -xdev -samefile /home/u/.claude/login\n"
        "\n0 problems, 1 warning\n");
  const std::string narrow = findings_text(long_ones, {Colour::no, 40});
  for (std::string_view text = narrow; !text.empty();) {
    const std::string_view line = next_line(text);
    CAPTURE(line);
    CHECK(
        (display_width(line) <= 40 || line.ends_with("hint: find / -xdev -samefile /home/u/.claude/login")));
  }
  CHECK_THAT(narrow, Catch::Contains("warning  login     /home/u/.claude/login"));
}
