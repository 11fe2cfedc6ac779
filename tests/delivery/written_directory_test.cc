// SPDX-License-Identifier: Apache-2.0
#include "delivery/written_directory.h"

#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "base/fingerprint.h"
#include "support/catch.h"
#include "support/temp_dir.h"
#include "support/written_host.h"

using namespace oci_oauth;
namespace fs = std::filesystem;

namespace {

constexpr const char* document = ".credentials.json";

std::string claude_document(const std::string& token) {
  return R"({"claudeAiOauth":{"accessToken":")" + token + R"("}})";
}

struct Directories {
  TempDir share, target;
  DeliveryRecord record;

  Directories() {
    struct stat status;
    REQUIRE(::stat(target.path().c_str(), &status) == 0);
    record.kind = DeliveryKind::write;
    record.source = target.path();
    record.directory = FileId::of(status);
    record.owner = {::getuid(), ::getgid()};
    record.mode = 0440;
    record.files = {{.name = "token"},
                    {.name = document,
                     .member = "/claudeAiOauth",
                     .access_token = "/claudeAiOauth/accessToken",
                     .refresh_token = "/claudeAiOauth/refreshToken"}};
    publish("new");
  }
  void publish(const std::string& token) const {
    share.write("token", token);
    share.write(document, claude_document(token));
  }
  Share content(const TempDir& of) const {
    const UniqueFd fd(::open(of.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto read = read_share(fd.get(), record.files);
    REQUIRE(read);
    return std::move(*read);
  }
  WrittenDirectory open() const {
    auto directory = WrittenDirectory::open(record, {}, "target");
    REQUIRE(directory);
    return std::move(*directory);
  }
  Result<void> deliver(const std::string& ours = "", const FileStamp& login = {}) const {
    return open().deliver(content(share), {login, known_as(ours)});
  }
  Result<void> clean(const std::string& ours = "new") const { return open().clean({{}, known_as(ours)}); }
  Result<void> look() const { return open().look(content(share), {{}, known_as("new")}); }
  bool has(const std::string& name) const { return fs::exists(target / name); }

  static Fingerprints known_as(const std::string& token) {
    return token.empty() ? Fingerprints() : Fingerprints{fingerprint(token)};
  }
};

std::string message(const Result<void>& done) {
  return done ? "" : done.error().message;
}

mode_t mode_of(const std::string& path) {
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

constexpr ProcessId gone = {};

bool forget(const WrittenHost& host, const ContainerRecord& record) {
  return forget_container(host.runtime, record, host.ledger().list_written()->records).has_value();
}

}  // namespace

TEST_CASE("each published file is written with its mode") {
  const Directories d;
  REQUIRE(d.deliver());
  CHECK(d.target.read("token") == "new");
  CHECK(d.target.read(document) == claude_document("new"));
  CHECK(mode_of(d.target / "token") == 0440);
  CHECK(d.look());
}

TEST_CASE("only what a provider delivers is written, whatever lies in the share directory") {
  const Directories d;
  d.share.write("settings.json", "{}");
  REQUIRE(d.deliver());
  CHECK_FALSE(d.has("settings.json"));
}

TEST_CASE(
    "what we wrote before is replaced: by a record's fingerprint, by our mark, by the token beside it") {
  const Directories d;
  REQUIRE(d.deliver());
  d.publish("newer");
  REQUIRE(d.deliver("new"));
  CHECK(d.target.read("token") == "newer");
  CHECK(d.target.read(document) == claude_document("newer"));

  d.publish("newest");
  const bool keeps_marks = d.deliver().has_value();  // nothing is on record: /tmp may have no user xattrs
  CHECK(d.target.read("token") == (keeps_marks ? "newest" : "newer"));
}

TEST_CASE("what we did not write is never replaced, and nothing is written beside it") {
  const Directories d;
  const auto refused = [&](const std::string& name, const std::string& text) {
    fs::remove(d.target / "token");
    fs::remove(d.target / document);
    d.target.write(name, text);
    const auto done = d.deliver();
    CHECK(d.target.read(name) == text);
    CHECK(std::distance(fs::directory_iterator(d.target.path()), {}) == 1);
    CHECK(d.clean());
    CHECK(d.target.read(name) == text);
    return message(done);
  };
  CHECK(refused("token", "glpat-x") == "target/token: was not written by oci-oauth, so it is left alone");
  CHECK(refused(document, R"({"claudeAiOauth":{"refreshToken":"r"}})") ==
        "target/.credentials.json: contains a refresh token, so it is left alone");
  CHECK(refused(document, claude_document("sk-ant-oat01-setup")) ==
        "target/.credentials.json: contains an access token that is not from oci-oauth, so it is left alone");
  CHECK(refused(document, "plain text") ==
        "target/.credentials.json: is not a JSON document, so it is left alone");
}

TEST_CASE("the login itself is left alone, also behind a symbolic link") {
  const Directories d;
  const TempDir home;
  const std::string path = home.write("login.json", "{}");
  REQUIRE(::symlink(path.c_str(), (d.target / document).c_str()) == 0);
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(message(d.deliver("", FileStamp::of(status))) ==
        "target/.credentials.json: is the login itself, so it is left alone");
}

TEST_CASE("what is not a regular file is left alone, and never opened or followed") {
  const Directories d;
  const TempDir host;
  host.write("canary", "untouched");
  REQUIRE(::mkfifo((d.target / "token").c_str(), 0600) == 0);
  CHECK(message(d.deliver()) == "target/token: is a FIFO, so it is left alone");
  CHECK(d.clean());
  CHECK(fs::is_fifo(d.target / "token"));
  fs::remove(d.target / "token");
  REQUIRE(::symlink((host / "canary").c_str(), (d.target / "token").c_str()) == 0);
  CHECK(message(d.deliver()) == "target/token: is a symbolic link, so it is left alone");
  CHECK(host.read("canary") == "untouched");
}

TEST_CASE("a document that others write too is merged, and keeps its owner's mode") {
  const Directories d;
  const std::string others = R"({"mcpOAuth":{"refreshToken":"r"}})";
  d.target.write(document, others);
  ::chmod((d.target / document).c_str(), 0600);
  REQUIRE(d.deliver());
  CHECK(d.target.read(document) ==
        R"({"mcpOAuth":{"refreshToken":"r"},"claudeAiOauth":{"accessToken":"new"}})");
  CHECK(mode_of(d.target / document) == 0600);

  d.publish("newer");
  REQUIRE(d.deliver("new"));
  CHECK(d.target.read(document) ==
        R"({"mcpOAuth":{"refreshToken":"r"},"claudeAiOauth":{"accessToken":"newer"}})");
  REQUIRE(d.clean("newer"));
  CHECK(d.target.read(document) == others);
  CHECK_FALSE(d.has("token"));
  CHECK(mode_of(d.target / document) == 0600);
}

TEST_CASE("what a container emptied or removed is noticed and repaired") {
  const Directories d;
  for (const char* blanked :
       {"", "{}", R"({"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}})"}) {
    REQUIRE(d.deliver("new"));
    fs::remove(d.target / document);
    d.target.write(document, blanked);
    CHECK(message(d.look()) == ".credentials.json is missing or empty");
  }
  REQUIRE(d.deliver("new"));
  CHECK(d.target.read(document) == claude_document("new"));
  fs::remove(d.target / "token");
  CHECK(d.look().error().kind == ErrorKind::not_found);
  REQUIRE(d.deliver("new"));
  CHECK(d.look());
  d.publish("newer");
  CHECK(message(d.look()) == "token contains an older token");
}

TEST_CASE("a login that appears at any moment of a delivery is there afterwards") {
  constexpr int moments = 500;
  const Directories d;
  const std::string login = R"({"claudeAiOauth":{"refreshToken":"r"}})";
  for (int moment = 0; moment < moments; ++moment) {
    fs::remove(d.target / document);
    d.target.write(document, claude_document("old"));
    const auto newer = d.target.write("newer", login);
    std::atomic<bool> begun = false;
    std::jthread delivery([&] {
      begun = true;
      (void)d.deliver("old");
    });
    while (!begun) {
    }
    for (int spin = 0; spin < moment; ++spin) (void)::getppid();
    fs::rename(newer, d.target / document);
    delivery.join();
    REQUIRE(d.target.read(document) == login);
    fs::remove(d.target / "token");
  }
}

TEST_CASE("at the end what still is ours goes, and what came meanwhile does not") {
  const Directories d;
  REQUIRE(d.deliver());
  fs::remove(d.target / document);
  d.target.write(document, R"({"claudeAiOauth":{"refreshToken":"r"}})");
  REQUIRE(d.clean());
  CHECK_FALSE(d.has("token"));
  CHECK(d.has(document));
}

TEST_CASE("a document that was empty before us is empty again, and one that we made is gone") {
  Directories d;
  d.target.write(document, "{}");
  d.record.files = d.open().files_as_found({});
  REQUIRE(d.deliver());
  REQUIRE(d.clean());
  CHECK(d.target.read(document) == "{}");
  d.record.files[1].was_there = false;
  REQUIRE(d.deliver());
  REQUIRE(d.clean());
  CHECK_FALSE(d.has(document));
}

TEST_CASE("the share directory under another name has everything already, and stays as it is") {
  const Directories d;
  struct stat before, after;
  REQUIRE(::stat((d.share / "token").c_str(), &before) == 0);
  UniqueFd fd(::open(d.share.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(WrittenDirectory(std::move(fd), d.record, {}, "target").deliver(d.content(d.share), {}));
  REQUIRE(::stat((d.share / "token").c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);
  CHECK(after.st_mode == before.st_mode);
}

TEST_CASE("what a writer that was killed has left goes, and what it had set aside comes back") {
  const Directories d;
  REQUIRE(d.deliver());
  const std::string login = R"({"claudeAiOauth":{"refreshToken":"r"}})";
  d.target.write(".token.4711.oci-oauth", "new");
  d.target.write("..credentials.json.4711.oci-oauth", login);
  d.target.write(".other.4711.oci-oauth", "somebody's");
  REQUIRE(d.clean());
  CHECK_FALSE(d.has(".token.4711.oci-oauth"));
  CHECK_FALSE(d.has("token"));
  CHECK(d.target.read(document) == login);
  CHECK(d.has(".other.4711.oci-oauth"));
}

TEST_CASE("a delivery removes what a writer that was killed has left, and gives nothing planted our names") {
  const Directories d;
  REQUIRE(d.deliver());
  const std::string ours = d.target.read("token");
  d.target.write(".token.4711.oci-oauth", ours);
  d.target.write(".token.4712.oci-oauth", "planted");
  fs::remove(d.target / "token");
  REQUIRE(d.deliver("new"));
  CHECK(d.target.read("token") == ours);
  CHECK_FALSE(d.has(".token.4711.oci-oauth"));
  CHECK(d.target.read(".token.4712.oci-oauth") == "planted");
}

TEST_CASE("what cannot be removed is an error, so that somebody tries again") {
  if (::geteuid() == 0) return;
  const Directories d;
  REQUIRE(d.deliver());
  ::chmod(d.target.path().c_str(), 0500);
  CHECK_FALSE(d.clean());
  ::chmod(d.target.path().c_str(), 0700);
  CHECK(d.clean());
}

TEST_CASE("a directory that has another's name is not opened") {
  const Directories d;
  DeliveryRecord other = d.record;
  ++other.directory.inode;
  const auto opened = WrittenDirectory::open(other, {}, "target");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().kind == ErrorKind::not_found);
}

TEST_CASE("a directory is open to others only if all that lead to it are") {
  const Directories d;
  fs::permissions(d.target.path(), fs::perms(0755));
  CHECK(is_open_to_others(d.open().fd()));
  fs::create_directories(d.target / "inner");
  fs::permissions(d.target.path(), fs::perms(0700));
  const UniqueFd inner(::open((d.target / "inner").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK_FALSE(is_open_to_others(inner.get()));
}

TEST_CASE("what was written for each profile of a container that has ended goes, and its record") {
  const WrittenHost host;
  ContainerRecord record = host.container("gone", gone);
  record.deliveries.push_back(record.deliveries.front());
  record.deliveries.front().files.pop_back();
  host.file("token", "sk-ant-oat01-x");
  host.file(".credentials.json", WrittenHost::document("sk-ant-oat01-x"));
  host.file("notes", "mine");
  CHECK(forget(host, record));
  CHECK_FALSE(host.knows("gone"));
  CHECK_FALSE(host.has("token"));
  CHECK_FALSE(host.has(".credentials.json"));
  CHECK(host.has("notes"));
}

TEST_CASE("what another container of the directory is known to have goes, too") {
  const WrittenHost host;
  host.container("other", gone, "sk-ant-oat01-y");
  host.file("token", "sk-ant-oat01-y");
  CHECK(forget(host, host.container("gone", gone)));
  CHECK_FALSE(host.has("token"));
}

TEST_CASE("what a running container reads too stays where it is") {
  const WrittenHost host;
  const auto entry = host.container("gone", gone);
  host.container("running", this_process());
  host.file("token", "sk-ant-oat01-x");
  CHECK(forget(host, entry));
  CHECK_FALSE(host.knows("gone"));
  CHECK(host.has("token"));
}

TEST_CASE("what a person wrote under our names stays") {
  const WrittenHost host;
  host.file("token", "glpat-x");
  host.file(".credentials.json", R"({"claudeAiOauth": {"refreshToken": "sk-ant-ort01-x"}})");
  CHECK(forget(host, host.container("gone", gone)));
  CHECK(host.has("token"));
  CHECK(host.has(".credentials.json"));
}

TEST_CASE("nothing is removed from a directory that took the place of the container's") {
  const WrittenHost host;
  const auto entry = host.container("gone", gone);
  std::filesystem::rename(host.written, host.written + ".old");
  std::filesystem::create_directory(host.written);
  host.file("token", "sk-ant-oat01-x");
  CHECK(forget(host, entry));
  CHECK_FALSE(host.knows("gone"));
  CHECK(host.has("token"));
}
