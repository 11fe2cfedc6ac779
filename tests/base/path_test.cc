// SPDX-License-Identifier: Apache-2.0
#include "base/path.h"

#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/skip.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

std::string normalised(std::string_view path) {
  return normalised_path(path).value_or("refused");
}

constexpr uid_t somebody = 54321, another = 54322;  // in no passwd

// Root's and trusted users' components alone: 0.
uid_t other_owner(const std::string& path, uid_t trusted) {
  const auto found = find_other_owner(path, trusted);
  INFO((found ? "" : found.error().message));
  REQUIRE(found);
  return *found ? (*found)->uid : 0;
}

void give(const std::string& path, uid_t uid) {
  REQUIRE(::lchown(path.c_str(), uid, uid) == 0);
}

}  // namespace

TEST_CASE("an absolute path is normalised without looking at any file system") {
  CHECK(normalised("/a//b/./c/") == "/a/b/c");
  CHECK(normalised("/a") == "/a");
  CHECK(normalised("/") == "/");
  CHECK(normalised("//.//") == "/");
  CHECK(normalised("/a/...") == "/a/...");
}

TEST_CASE("a relative path, and one that climbs, have no normal form") {
  for (const char* path : {"", "a", "./a", "..", "/..", "/a/../b", "/a/.."})
    CHECK(normalised(path) == "refused");
}

TEST_CASE("the parent of a path is text before its last slash") {
  CHECK(parent_directory("/a/b") == "/a");
  CHECK(parent_directory("/a") == "/");
  CHECK(parent_directory("/") == "/");
  CHECK(parent_directory("a") == ".");
  CHECK(parent_directory("a/b") == "a");
}

TEST_CASE("a file name is what follows the last slash") {
  CHECK(base_name("/a/b") == "b");
  CHECK(base_name("b") == "b");
  CHECK(base_name("/a/").empty());
}

TEST_CASE("a trusted user's part of a path is walked to its end") {
  if (without_root()) return;
  const TempDir directory;
  std::filesystem::create_directories(directory / "home/inner");
  directory.write("home/inner/file", "");
  give(directory / "home", somebody);
  CHECK(other_owner(directory / "home/inner/file", 0) == somebody);
  CHECK(other_owner(directory / "home/inner/file", somebody) == 0);
  give(directory / "home/inner/file", another);
  CHECK(other_owner(directory / "home/inner/file", somebody) == another);
}

TEST_CASE("a link that another user made is found even behind a trusted one") {
  if (without_root()) return;
  const TempDir directory;
  directory.write("file", "");
  std::filesystem::create_symlink("file", directory / "second");
  std::filesystem::create_symlink("second", directory / "first");
  give(directory / "first", somebody);
  give(directory / "second", another);
  CHECK(other_owner(directory / "first", somebody) == another);
  give(directory / "second", somebody);
  CHECK(other_owner(directory / "first", somebody) == 0);
  CHECK(find_other_owner(directory / "missing/file", somebody).error().kind == ErrorKind::not_found);
}
