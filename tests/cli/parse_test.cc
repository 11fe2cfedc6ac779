// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"

#include "cli/command_line.h"

using namespace oci_oauth;

namespace {

ParsedCommandLine parsed(const std::vector<std::string>& words) {
  auto result = parse_command_line(words);
  REQUIRE(result);
  return std::move(*result);
}

std::string refusal(const std::vector<std::string>& words) {
  const auto result = parse_command_line(words);
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::usage);
  return result.error().message;
}

constexpr std::string_view verbs[] = {"refresh", "status", "install", "uninstall"};

}  // namespace

TEST_CASE("options come before the verb, after it, and after its operands") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--config", "c.json", "--format", "json", "token", "claude"},
        {"token", "--config=c.json", "--format=json", "claude"},
        {"token", "claude", "--format", "json", "--config", "c.json"}}) {
    const ParsedCommandLine line = parsed(words);
    CHECK(line.verb->name == "token");
    CHECK(line.config == "c.json");
    CHECK(line.arguments.value("--format") == "json");
    CHECK(line.arguments.operands == std::vector<std::string>{"claude"});
  }
}

TEST_CASE("an empty argument, as of a variable that is not set, is refused") {
  CHECK(refusal({"uninstall", ""}) == "uninstall: an argument is empty");
  CHECK(refusal({"units", ""}) == "units: an argument is empty");
}

TEST_CASE("two dashes end the options") {
  const ParsedCommandLine line = parsed({"refresh", "--", "--force"});
  CHECK_FALSE(line.arguments.has("--force"));
  CHECK(line.arguments.operands == std::vector<std::string>{"--force"});
}

TEST_CASE("of an option that is given twice the last value counts") {
  CHECK(parsed({"token", "x", "--min-ttl", "5m", "--min-ttl=1h"}).arguments.value("--min-ttl") == "1h");
}

TEST_CASE("help and version are answered wherever they are, whatever else is missing") {
  CHECK(parsed({"--help"}).verb == nullptr);
  CHECK(parsed({"help", "token"}).verb->name == "token");
  CHECK(parsed({"token", "-h"}).request == Request::help);
  CHECK(parsed({"status", "--version"}).request == Request::version);
  CHECK(parsed({"--version"}).request == Request::version);
}

TEST_CASE("a verb or an option that nobody described is refused, and the nearest one named") {
  CHECK(refusal({"refesh"}) == "unknown verb 'refesh': did you mean 'refresh'?");
  CHECK(refusal({"frobnicate"}) == "unknown verb 'frobnicate'");
  CHECK(refusal({"status", "--jsno"}) == "status: unknown option '--jsno': did you mean '--json'?");
  CHECK(refusal({"--force", "status"}) == "status: unknown option '--force'");
  CHECK(refusal({"status", "--x"}) == "status: unknown option '--x'");
}

TEST_CASE("a missing value and a value that is not wanted are refused") {
  CHECK(refusal({"--config"}) == "option '--config' needs a value");
  CHECK(refusal({"token", "--format="}) == "token: option '--format' needs a value");
  CHECK(refusal({"refresh", "--force=yes"}) == "refresh: option '--force' takes no value");
  CHECK(refusal({}) == "no verb given");
}

TEST_CASE("verbs that programs call are never suggested") {
  CHECK(refusal({"unitz"}) == "unknown verb 'unitz'");
}

TEST_CASE("a word is found despite a letter too many, too few, wrong, or swapped with its neighbour") {
  for (const std::string_view typed : {"refreshh", "refrsh", "refrexh", "rferesh"}) {
    INFO(typed);
    CHECK(nearest_word(typed, verbs) == "refresh");
  }
  CHECK(nearest_word("instal", verbs) == "install");
}

TEST_CASE("a word that is close to none finds none") {
  CHECK(nearest_word("doctor", verbs).empty());
  CHECK(nearest_word("", verbs).empty());
  CHECK(nearest_word(std::string(1000, 'x'), verbs).empty());
}
