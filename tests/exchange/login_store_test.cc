// SPDX-License-Identifier: Apache-2.0
#include "exchange/login_store.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <functional>

#include "base/unique_fd.h"
#include "support/catch.h"
#include "support/skip.h"
#include "support/temp_dir.h"
#include "worker/login_owner.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

Result<LoginStore> open_store(const TempDir& home) {
  return LoginStore::open(home / "login.json", std::chrono::steady_clock::now());
}

constexpr const char* access_list = "system.posix_acl_access";
constexpr const char* default_list = "system.posix_acl_default";

// acl(5) as xattrs hold it (version 2): the owner rw, user 12345 `user`, the group nothing, mask and others.
std::string a_list(unsigned user, unsigned mask, unsigned others) {
  struct Entry {
    std::uint16_t tag, rights;
    std::uint32_t id;
  };
  const Entry entries[] = {{0x01, 6, ~0U},
                           {0x02, static_cast<std::uint16_t>(user), 12345},
                           {0x04, 0, ~0U},
                           {0x10, static_cast<std::uint16_t>(mask), ~0U},
                           {0x20, static_cast<std::uint16_t>(others), ~0U}};
  const std::uint32_t version = 2;
  return std::string(reinterpret_cast<const char*>(&version), sizeof version) +
         std::string(reinterpret_cast<const char*>(entries), sizeof entries);
}

struct Access {
  uid_t uid;
  gid_t gid;
  mode_t mode;
  std::string list;
  friend bool operator==(const Access&, const Access&) = default;
};

Access access_of(int fd) {
  struct stat status;
  REQUIRE(::fstat(fd, &status) == 0);
  char list[256];
  const ssize_t size = ::fgetxattr(fd, access_list, list, sizeof list);
  return {status.st_uid, status.st_gid, status.st_mode & 07777,
          std::string(list, static_cast<size_t>(size < 0 ? 0 : size))};
}

// An old file and the one that takes its place.
struct Files {
  TempDir home;
  UniqueFd from{::open((home / "from").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)}, to;

  void make_new() { to = UniqueFd(::open((home / "to").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); }
  Access kept() {
    if (!to) make_new();
    REQUIRE(keep_access(from.get(), to.get(), "login"));
    return access_of(to.get());
  }
};

bool is_root() {
  return ::geteuid() == 0;
}

bool has_lists(const Files& files) {
  const std::string list = a_list(4, 4, 0);
  return ::fsetxattr(files.from.get(), access_list, list.data(), list.size(), 0) == 0;
}

// Runs as that user for good, in a child; `run` tells whether it went as it should.
bool as_user(const LoginOwner& user, const std::function<bool()>& run) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(become(user) && run() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

// What a user `uid` in `groups` makes of a file of its own in `group`.
Access kept_by(uid_t uid, std::vector<gid_t> groups, gid_t group, mode_t mode) {
  Files files;
  REQUIRE(::fchown(files.from.get(), uid, group) == 0);
  REQUIRE(::fchmod(files.from.get(), mode) == 0);
  files.make_new();
  REQUIRE(::fchown(files.to.get(), uid, groups.front()) == 0);
  CHECK(as_user({uid, groups.front(), groups, "somebody"},
                [&] { return keep_access(files.from.get(), files.to.get(), "login").has_value(); }));
  return access_of(files.to.get());
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

TEST_CASE("mode, owner and group stay, whatever the umask") {
  for (const mode_t mode : {0600U, 0400U, 0640U, 0664U}) {
    Files files;
    REQUIRE(::fchmod(files.from.get(), mode) == 0);
    CHECK(files.kept() == access_of(files.from.get()));
  }
}

TEST_CASE("a group that the owner is only a further member of stays") {
  if (!is_root()) return skip("needs root to make files of other groups");
  const Access access = kept_by(20001, {20001, 20002}, 20002, 0640);
  CHECK(access.gid == 20002);
  CHECK(access.mode == 0640);
}

TEST_CASE("a group that cannot stay takes its rights along, and others get no more than it had") {
  if (!is_root()) return skip("needs root to make files of other groups");
  const std::pair<mode_t, mode_t> rows[] = {
      {0640, 0600}, {0660, 0600}, {0644, 0604}, {0604, 0600}, {0664, 0604}};
  for (const auto& [before, after] : rows) {
    const Access access = kept_by(20001, {20001}, 20002, before);
    CHECK(access.gid == 20001);
    CHECK(access.mode == after);
  }
  // Nor can root without capabilities keep a group that it is not in.
  CHECK(kept_by(0, {0}, 20002, 0640) == Access{0, 0, 0600, ""});
}

TEST_CASE("an access control list stays") {
  Files files;
  if (!has_lists(files)) return skip("the file system has no access control lists");
  CHECK(files.kept() == access_of(files.from.get()));
  CHECK(access_of(files.to.get()).list == a_list(4, 4, 0));
}

TEST_CASE("a directory's default list does not open the new file") {
  Files files;
  const std::string list = a_list(6, 6, 0);
  if (::setxattr(files.home.path().c_str(), default_list, list.data(), list.size(), 0) != 0)
    return skip("the file system has no access control lists");
  REQUIRE(::fchmod(files.from.get(), 0640) == 0);
  files.make_new();
  REQUIRE_FALSE(access_of(files.to.get()).list.empty());
  CHECK(files.kept().list.empty());
  CHECK(access_of(files.to.get()).mode == 0640);
}
