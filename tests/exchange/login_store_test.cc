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

TEST_CASE("a document that is to be created needs only its directory, and is for its owner alone") {
  const TempDir home;
  auto store = LoginStore::open(home / "login.json", std::chrono::steady_clock::now(), Document::created);
  REQUIRE(store);
  REQUIRE(store->prepare(100));
  CHECK_FALSE(std::filesystem::exists(home / "login.json"));
  REQUIRE(store->replace(Secret(std::string_view("{}"))));
  CHECK(home.read("login.json") == "{}");
  struct stat status;
  REQUIRE(::stat((home / "login.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  REQUIRE(store->remove());
  CHECK(std::filesystem::is_empty(home.path()));
}

TEST_CASE("a document that appears in the meantime is not replaced") {
  const TempDir home;
  auto store = LoginStore::open(home / "login.json", std::chrono::steady_clock::now(), Document::created);
  REQUIRE(store);
  REQUIRE(store->prepare(100));
  home.write("login.json", "theirs");
  const auto replaced = store->replace(Secret(std::string_view("{}")));
  REQUIRE_FALSE(replaced);
  CHECK_THAT(replaced.error().message, Catch::Contains("another program created it"));
  CHECK(home.read("login.json") == "theirs");
}

TEST_CASE("without a directory, or behind a link to nothing, no document is created") {
  const TempDir home;
  const auto at = [&](const std::string& name) {
    return LoginStore::open(home / name, std::chrono::steady_clock::now(), Document::created);
  };
  const auto missing = at("none/login.json");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().hint == "mkdir -p -m 700 " + (home / "none"));
  std::filesystem::create_symlink("nowhere", home / "link.json");
  CHECK_FALSE(at("link.json"));
  CHECK_FALSE(LoginStore::open(home / "login.json", std::chrono::steady_clock::now()));
}
