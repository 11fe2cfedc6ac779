// SPDX-License-Identifier: Apache-2.0
#include "exchange/login_store.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

Result<LoginStore> open_store(const TempDir& home) {
  return LoginStore::open(home / "login.json", std::chrono::steady_clock::now());
}

}  // namespace

TEST_CASE("what an interrupted rewriting leaves is known, and another text is not taken for it") {
  const std::string old_text = R"({"access":"aaaa","refresh":"bbbb"})";
  const std::string new_text = R"({"access":"cccc","refresh":"dddd","more":1})";
  CHECK(is_torn(R"({"access":"cccc","refresh":"ddbb"})", old_text, new_text));
  CHECK(is_torn(R"({"access":"ccaa","refresh":"bbbb"})", old_text, new_text));
  CHECK(is_torn(new_text.substr(0, 40), old_text, new_text));
  CHECK(is_torn(new_text.substr(0, 40) + std::string(3, '\0'), old_text, new_text));
  CHECK_FALSE(is_torn(old_text, old_text, new_text));
  CHECK_FALSE(is_torn(new_text, old_text, new_text));
  CHECK_FALSE(is_torn(R"({"access":"eeee","refresh":"ffff"})", old_text, new_text));
  CHECK_FALSE(is_torn("{}", old_text, new_text));
  CHECK_FALSE(is_torn("", "", ""));
}

TEST_CASE("one store at a time for a document, and two documents at once") {
  const TempDir home;
  home.write("login.json", "{}");
  const auto first = open_store(home);
  REQUIRE(first);
  const auto second = open_store(home);
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::temporary);
  home.write("other.json", "{}");
  CHECK(LoginStore::open(home / "other.json", std::chrono::steady_clock::now()));
}

TEST_CASE("a staged login that a killed run left is gone once the store is open") {
  const TempDir home;
  home.write("login.json", "{}");
  home.write(".login.json.oci-oauth", "secret");
  REQUIRE(open_store(home));
  CHECK_FALSE(std::filesystem::exists(home / ".login.json.oci-oauth"));
}

TEST_CASE("a limit on the size of files is reported before anything is sent") {
  const TempDir home;
  home.write("login.json", "{}");
  auto store = open_store(home);
  REQUIRE(store);
  rlimit before;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small = {4096, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto prepared = store->prepare(64 * 1024);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  REQUIRE_FALSE(prepared);
  CHECK_THAT(prepared.error().message, Catch::Contains("at most 4096 bytes"));
}
