// SPDX-License-Identifier: Apache-2.0
#include "wrapper/runtime_file.h"

#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

std::string reason(const std::string& path) {
  const auto file = RuntimeFile::open(path);
  return file ? "" : file.error().message;
}

struct stat status_of(const std::string& path) {
  struct stat status = {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

}  // namespace

TEST_CASE("a runtime's file is replaced whole, with its mode and owner") {
  const TempDir directory;
  const std::string path = directory.write("config.json", "before");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 12, 34) == 0);
  const struct stat before = status_of(path);

  const auto file = RuntimeFile::open(path);
  REQUIRE(file);
  CHECK(file->text() == "before");
  REQUIRE(file->replace("after"));

  const struct stat after = status_of(path);
  CHECK(directory.read("config.json") == "after");
  CHECK(after.st_mode == before.st_mode);
  CHECK(after.st_uid == before.st_uid);
  CHECK(after.st_gid == before.st_gid);
  CHECK(after.st_ino != before.st_ino);
  const std::filesystem::directory_iterator entries(directory.path());
  CHECK(std::distance(begin(entries), end(entries)) == 1);
}

TEST_CASE("a symbolic link is not followed, and what it leads to stays") {
  const TempDir directory;
  directory.write("elsewhere", "{}");
  std::filesystem::create_symlink("elsewhere", directory / "config.json");
  CHECK(reason(directory / "config.json") == (directory / "config.json") + ": is a symbolic link");
}

TEST_CASE("a runtime's file is a regular file of bounded size") {
  const TempDir directory;
  CHECK(reason(directory / "config.json").find("No such file") != std::string::npos);
  CHECK(reason(directory / "no-bundle/config.json").find("No such file") != std::string::npos);
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  CHECK(reason(directory / "fifo").find("is a FIFO") != std::string::npos);
  CHECK(reason(directory.path()) != "");
  const std::string large = directory.write("large", "");
  std::filesystem::resize_file(large, 17 << 20);
  CHECK(reason(large).find("is larger than") != std::string::npos);
}
