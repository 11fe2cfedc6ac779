// SPDX-License-Identifier: Apache-2.0
#include "delivery/delivery.h"

#include <atomic>
#include <thread>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

struct Directories {
  TempDir share, target;
  UniqueFd share_fd{::open(share.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  UniqueFd target_fd{::open(target.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

  const FileAccess access = {{::getuid(), ::getgid()}, 0440, ""};

  Directories() {
    share.write("token", "new-token");
    share.write(".credentials.json", R"({"claudeAiOauth":{"accessToken":"new-token"}})");
  }
  Result<std::vector<std::string>> deliver(const FileStamp& login = {}) {
    const auto content = read_share(share_fd.get());
    if (!content) return content.error();
    return deliver_files(*content, target_fd.get(), "target", access, login);
  }
};

}  // namespace

TEST_CASE("a refresh token is found at any depth, in broken JSON too, and an empty one is none") {
  CHECK(holds_refresh_token(R"({"mcpOAuth":[{"x":{"refreshToken":"r"}}]})"));
  CHECK(holds_refresh_token(R"({"refresh_token":"r"})"));
  CHECK(holds_refresh_token(R"({"refreshToken":"r")"));
  CHECK(holds_refresh_token(R"({"\u0072efreshToken":"r"})"));
  CHECK_FALSE(holds_refresh_token(R"({"claudeAiOauth":{"refreshToken":"","accessToken":"a"}})"));
}

TEST_CASE("each published file is delivered with its mode") {
  Directories d;
  const auto names = d.deliver();
  REQUIRE(names);
  CHECK(names->size() == 2);
  CHECK(d.target.read("token") == "new-token");
  struct stat status;
  REQUIRE(::stat((d.target / "token").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0440);
}

TEST_CASE("a document that holds a refresh token is left alone, and nothing else is written") {
  Directories d;
  const std::string login = R"({"claudeAiOauth":{"refreshToken":"r"}})";
  d.target.write(".credentials.json", login);
  const auto names = d.deliver();
  REQUIRE_FALSE(names);
  CHECK(names.error().message == "target/.credentials.json: holds a refresh token, so it is left alone");
  CHECK(d.target.read(".credentials.json") == login);
  CHECK_FALSE(std::filesystem::exists(d.target / "token"));
}

TEST_CASE("the login itself is left alone, also behind a symbolic link") {
  Directories d;
  const TempDir home;
  const std::string path = home.write("login.json", "{}");
  REQUIRE(::symlink(path.c_str(), (d.target / ".credentials.json").c_str()) == 0);
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  const auto names = d.deliver(FileStamp::of(status));
  REQUIRE_FALSE(names);
  CHECK(names.error().message.find("is the login itself") != std::string::npos);
}

TEST_CASE("a login that comes at any moment of a delivery is there afterwards") {
  constexpr int moments = 500;
  Directories d;
  const std::string login = R"({"claudeAiOauth":{"refreshToken":"r"}})";
  for (int moment = 0; moment < moments; ++moment) {
    d.target.write(".credentials.json", R"({"claudeAiOauth":{"accessToken":"old"}})");
    const auto newer = d.target.write("newer", login);
    std::atomic<bool> begun = false;
    std::jthread delivery([&] {
      begun = true;
      (void)d.deliver();
    });
    while (!begun) {
    }
    for (int spin = 0; spin < moment; ++spin) (void)::getppid();
    std::filesystem::rename(newer, d.target / ".credentials.json");
    delivery.join();
    REQUIRE(d.target.read(".credentials.json") == login);
  }
}

TEST_CASE("a symbolic link that a container planted is replaced, never followed") {
  Directories d;
  const TempDir host;
  host.write("canary", "untouched");
  REQUIRE(::symlink((host / "canary").c_str(), (d.target / "token").c_str()) == 0);
  REQUIRE(d.deliver());
  CHECK(host.read("canary") == "untouched");
  CHECK(d.target.read("token") == "new-token");
}

TEST_CASE("a hard link that a container planted keeps its other name's content") {
  Directories d;
  d.target.write("other", "untouched");
  REQUIRE(::link((d.target / "other").c_str(), (d.target / "token").c_str()) == 0);
  REQUIRE(d.deliver());
  CHECK(d.target.read("other") == "untouched");
}

TEST_CASE("what was delivered is removed, and a login that came meanwhile is not") {
  Directories d;
  REQUIRE(d.deliver());
  std::filesystem::remove(d.target / ".credentials.json");
  d.target.write(".credentials.json", R"({"refreshToken":"r"})");
  remove_delivered(d.target_fd.get(), {"token", ".credentials.json"}, {});
  CHECK_FALSE(std::filesystem::exists(d.target / "token"));
  CHECK(std::filesystem::exists(d.target / ".credentials.json"));
}

TEST_CASE("the share directory under another name is delivered already, so it stays as it is") {
  Directories d;
  struct stat before, after;
  REQUIRE(::stat((d.share / "token").c_str(), &before) == 0);
  const auto names = deliver_files(*read_share(d.share_fd.get()), d.share_fd.get(), "target", d.access, {});
  REQUIRE(names);
  CHECK(names->empty());
  REQUIRE(::stat((d.share / "token").c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  CHECK(after.st_mode == before.st_mode);
}

TEST_CASE("a file that is no file is left alone, and never opened") {
  Directories d;
  REQUIRE(::mkfifo((d.target / "token").c_str(), 0600) == 0);
  const auto names = d.deliver();
  REQUIRE_FALSE(names);
  CHECK(names.error().message == "target/token: is a FIFO, so it is left alone");
  remove_delivered(d.target_fd.get(), {"token"}, {});
  CHECK(std::filesystem::is_fifo(d.target / "token"));
}

TEST_CASE("what a writer that was killed has left goes with the rest") {
  Directories d;
  REQUIRE(d.deliver());
  d.target.write(".token.4711.oci-oauth", "token");
  d.target.write(".other.4711.oci-oauth", "somebody's");
  remove_delivered(d.target_fd.get(), {"token", ".credentials.json"}, {});
  CHECK_FALSE(std::filesystem::exists(d.target / ".token.4711.oci-oauth"));
  CHECK(std::filesystem::exists(d.target / ".other.4711.oci-oauth"));
}

TEST_CASE("a directory is open to others only if all that lead to it are") {
  const Directories d;
  std::filesystem::permissions(d.target.path(), std::filesystem::perms(0755));
  CHECK(is_open_to_others(d.target_fd.get()));
  std::filesystem::create_directories(d.target / "inner");
  std::filesystem::permissions(d.target.path(), std::filesystem::perms(0700));
  const UniqueFd inner(::open((d.target / "inner").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK_FALSE(is_open_to_others(inner.get()));
}
