// SPDX-License-Identifier: Apache-2.0
#include "sinks/environment_file.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

std::string value_in(std::string_view text) {
  auto found = find_in_environment_file(text, "KEY", "f");
  if (!found) return found.error().message;
  return *found ? std::string((*found)->reveal()) : "none";
}

}  // namespace

TEST_CASE("an assignment is found however systemd and .env files write it") {
  for (const char* text : {"KEY=v w", "export KEY=v w", "  KEY = v w  ", "KEY='v w'", "KEY=\"v w\"",
                           "KEY=v w\r\n", "KEY=v w # comment", "KEY=\"v w\" # comment",
                           "OTHER=x\n# KEY=c\n; KEY=c\nKEY=v w\n", "KEY=first\nKEY=v w", "KEY=\"v\\ w\""}) {
    CAPTURE(text);
    CHECK(value_in(text) == "v w");
  }
}

TEST_CASE("what looks like syntax inside a value is the value's") {
  CHECK(value_in("KEY=a#b=c$D") == "a#b=c$D");
  CHECK(value_in(R"(KEY='a"\b')") == R"(a"\b)");
  CHECK(value_in(R"(KEY="a\"\\'b#")") == R"(a"\'b#)");
}

TEST_CASE("a name that is not set, or set to nothing, has no value") {
  for (const char* text :
       {"", "\n\n", "KEYS=v", "MY_KEY=v", "KEY", "#KEY=v", "KEY=", "KEY=''", "KEY= # v", "KEY=v\nKEY="}) {
    CAPTURE(text);
    CHECK(value_in(text) == "none");
  }
}

TEST_CASE("an invalid value is an error that names its line and not the value") {
  CHECK(value_in("A=1\nKEY=\"secret") == "f:2: KEY: has no closing quote on the same line");
  CHECK(value_in("KEY='secret'more") == "f:1: KEY: has text after its closing quote");
  CHECK(value_in("KEY=secret\\\nmore") == "f:1: KEY: continues on the next line");
}

TEST_CASE("other names may hold what is not understood") {
  CHECK(value_in("PEM=\"-----BEGIN\nabc=\n-----END\"\n=x\nbroken line \" '\nKEY=v") == "v");
}
