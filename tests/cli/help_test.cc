// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"

#include "cli/command_line.h"

using namespace oci_oauth;

TEST_CASE("the help lists what people type, and leaves out what units type") {
  const std::string help = help_text();
  CHECK(help.find("\n  refresh ") != std::string::npos);
  CHECK(help.find("--version") != std::string::npos);
  for (const std::string_view internal : {"\n  serve ", "\n  exchange ", "\n  units "}) {
    CHECK(help.find(internal) == std::string::npos);
  }
  CHECK(help_text(*find_verb("refresh")).find("--lock-fd") == std::string::npos);
}

TEST_CASE("a verb's help has its usage, each option with its value, and an example") {
  const std::string help = help_text(*find_verb("token"));
  CHECK(help.starts_with("usage: oci-oauth token [--min-ttl DURATION] [--format raw|json|header] PROFILE\n"));
  CHECK(help.find("\n  --min-ttl DURATION ") != std::string::npos);
  CHECK(help.find("\nexample: ") != std::string::npos);
}

TEST_CASE("no line of any help is wider than a terminal") {
  std::string all = help_text();
  for (const VerbSpec& verb : command_line().verbs) all += help_text(verb);
  size_t begin = 0;
  for (size_t end; (end = all.find('\n', begin)) != std::string::npos; begin = end + 1) {
    INFO(all.substr(begin, end - begin));
    CHECK(end - begin <= 110);
  }
}
