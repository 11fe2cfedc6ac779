// SPDX-License-Identifier: Apache-2.0
// Disks that are really full or read-only, and files that really cannot be replaced: told before anything is
// rotated, and what was promised then is kept.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/unique_fd.h"
#include "faults/host.h"
#include "support/catch.h"
#include "support/skip.h"

namespace oci_oauth::test {
namespace {

namespace fs = std::filesystem;

// A small file system of its own at `path`; what is there moves into it. Ends with the object.
class SmallDisk {
 public:
  SmallDisk(const Host& host, const std::string& size) : path_(host.home) {
    const std::string document = host.document();
    if (::mount("small", path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, ("mode=0700,size=" + size).c_str()) !=
        0)
      throw std::runtime_error(path_ + ": mount");
    host.directory.write("home/claude/.credentials.json", document);
    give(path_);
    give(host.credentials);
    fs::permissions(host.credentials, fs::perms(0600));
  }
  ~SmallDisk() { ::umount2(path_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void fill() const {
    const int fd = ::open((path_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::string page(4096, 'x');
    while (::write(fd, page.data(), page.size()) > 0) {
    }
    ::close(fd);
  }
  void make_room() const { fs::remove(path_ + "/filler"); }
  void become_read_only() const {
    if (::mount("small", path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      throw std::runtime_error(path_ + ": remount");
  }

 private:
  static void give(const std::string& path) {
    if (::chown(path.c_str(), owner_id(), owner_id()) != 0) throw std::runtime_error(path + ": chown");
  }
  const std::string path_;
};

// Nothing was sent, the login is as it was, and the message names the file and the reason.
void check_told_first(const TokenEndpoint& endpoint, const Host& host, const std::string& document,
                      const std::string& file, const std::string& reason) {
  const size_t posts = endpoint.counters().posts;
  const Output output = host.refresh();
  INFO(output.text);
  CHECK(output.status == 1);
  CHECK_THAT(output.text, Catch::Contains(file));
  CHECK_THAT(output.text, Catch::Contains(reason));
  CHECK_THAT(output.text, Catch::Contains("hint: "));
  CHECK(endpoint.counters().posts == posts);
  CHECK(host.document() == document);
  CHECK(host.login_works());
  CHECK_FALSE(host.has_locks());
}

ino_t inode_of(const std::string& path) {
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_ino;
}

// chattr(1). False where the file system has no such thing.
bool set_attribute(const std::string& path, int attribute, bool on) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  int attributes = 0;
  if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &attributes) != 0) return false;
  attributes = on ? attributes | attribute : attributes & ~attribute;
  return ::ioctl(fd.get(), FS_IOC_SETFLAGS, &attributes) == 0;
}

}  // namespace

TEST_CASE("a full disk is reported before anything is sent", "[disk]") {
  if (!own_mount_namespace()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const SmallDisk disk(host, "256k");
  disk.fill();
  check_told_first(endpoint, host, host.document(), host.home, "No space left on device");
  disk.make_room();
  CHECK(host.mend().status == 0);
  CHECK(host.login_works());
}

TEST_CASE("a disk that fills up while the answer is on its way keeps the room that was reserved", "[disk]") {
  if (!own_mount_namespace()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const SmallDisk disk(host, "512k");
  endpoint.script({.at = Stage::rotated, .meanwhile = [&] { disk.fill(); }});
  const Output output = host.mend();
  INFO(output.text);
  CHECK(output.status == 0);
  CHECK(host.login_works());
  CHECK(fs::exists(host.home + "/filler"));
}

TEST_CASE("a read-only disk is reported before anything is sent", "[disk]") {
  if (!own_mount_namespace()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint);
  const SmallDisk disk(host, "256k");
  disk.become_read_only();
  check_told_first(endpoint, host, host.document(), host.home, "Read-only file system");
}

TEST_CASE("a directory without write permission is reported before anything is sent", "[disk]") {
  TokenEndpoint endpoint;
  const Host host(endpoint);
  for (const bool with_journal : {false, true}) {
    if (with_journal) {
      REQUIRE(host.mend().status == 0);
      host.expire();
    }
    fs::permissions(host.home, fs::perms(0500));
    check_told_first(endpoint, host, host.document(), host.home, "Permission denied");
    fs::permissions(host.home, fs::perms(0700));
  }
  CHECK(host.mend().status == 0);
}

TEST_CASE("a file that is immutable, or in a directory that only grows, is reported before anything is sent",
          "[disk]") {
  const char* before = std::getenv("TMPDIR");
  const std::string usual = before == nullptr ? "/tmp" : before;
  ::setenv("TMPDIR", "/var/tmp", 1);  // tmpfs has no attributes
  TokenEndpoint endpoint;
  const Host host(endpoint);
  ::setenv("TMPDIR", usual.c_str(), 1);
  if (!set_attribute(host.credentials, FS_IMMUTABLE_FL, true)) {
    return skip(std::string("/var/tmp: no immutable files: ") + ::strerror(errno));
  }
  check_told_first(endpoint, host, host.document(), host.credentials, "Operation not permitted");
  set_attribute(host.credentials, FS_IMMUTABLE_FL, false);
  REQUIRE(set_attribute(host.home, FS_APPEND_FL, true));
  check_told_first(endpoint, host, host.document(), host.home, "Operation not permitted");
  set_attribute(host.home, FS_APPEND_FL, false);
  CHECK(host.mend().status == 0);
}

TEST_CASE("a file that is mounted by itself is rewritten in place, longer or shorter", "[disk]") {
  if (!own_mount_namespace()) return;
  TokenEndpoint endpoint;
  for (const std::string& padding : {std::string(), std::string(20'000, 'x')}) {
    const Host host(endpoint);
    std::string login = host.document();
    const std::string key = R"("accessToken":")";
    login.insert(login.find(key) + key.size(), padding);  // what is written is shorter then
    std::ofstream(host.credentials) << login;
    REQUIRE(::mount(host.credentials.c_str(), host.credentials.c_str(), nullptr, MS_BIND, nullptr) == 0);
    const ino_t inode = inode_of(host.credentials);
    const Output output = host.mend();
    INFO(output.text);
    CHECK(output.status == 0);
    CHECK(inode_of(host.credentials) == inode);
    CHECK(host.login_works());
    CHECK(host.document().size() < 1000);
    CHECK(host.left_behind() == "");
    ::umount2(host.credentials.c_str(), MNT_DETACH);
  }
}

TEST_CASE("a mounted file whose disk is full is reported before anything is sent", "[disk]") {
  if (!own_mount_namespace()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint), other(endpoint);
  const SmallDisk disk(other, "256k");
  disk.fill();
  REQUIRE(::mount(other.credentials.c_str(), host.credentials.c_str(), nullptr, MS_BIND, nullptr) == 0);
  check_told_first(endpoint, host, host.document(), host.credentials, "No space left on device");
  disk.make_room();
  CHECK(host.mend().status == 0);
  CHECK(host.login_works());
  ::umount2(host.credentials.c_str(), MNT_DETACH);
}

}  // namespace oci_oauth::test
