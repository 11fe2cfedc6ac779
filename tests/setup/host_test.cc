// SPDX-License-Identifier: Apache-2.0
#include "setup/host.h"

#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

}  // namespace

TEST_CASE("a link in the tree leads within the tree, absolute or climbing out") {
  const TempDir dir;
  std::filesystem::create_directories(dir / "etc");
  dir.write("etc/real", "inside");
  std::filesystem::create_symlink("/etc/real", dir / "etc/absolute");
  std::filesystem::create_symlink("../../../../../../etc/real", dir / "etc/climbing");
  const auto tree = Tree::open(dir.path());
  REQUIRE(tree);
  CHECK(*tree->read("/etc/absolute") == "inside");
  CHECK(*tree->read("/etc/climbing") == "inside");
  REQUIRE(tree->write("/etc/absolute", "changed", 0600));
  CHECK(dir.read("etc/real") == "changed");
  CHECK(std::filesystem::is_symlink(dir / "etc/absolute"));
}

TEST_CASE("a file that is replaced keeps its mode, and a new one has the one asked for") {
  const TempDir dir;
  dir.write("old", "1");
  ::chmod((dir / "old").c_str(), 0640);
  const auto tree = Tree::open(dir.path());
  REQUIRE(tree->write("/old", "2", 0644));
  REQUIRE(tree->write("/new", "2", 0644));
  CHECK(mode_of(dir / "old") == 0640);
  CHECK(mode_of(dir / "new") == 0644);
}

TEST_CASE("a dangling link is refused, a missing file is not") {
  const TempDir dir;
  std::filesystem::create_symlink("/nowhere", dir / "link");
  const auto tree = Tree::open(dir.path());
  CHECK(tree->read("/link").error().message.ends_with("/link: is a dangling symbolic link"));
  CHECK_FALSE(tree->read("/missing/file")->has_value());
}

TEST_CASE("directories are made as far as they are missing, and go while they are empty") {
  const TempDir dir;
  const auto tree = Tree::open(dir.path());
  CHECK(tree->missing_directories("/a/b/c") == std::vector<std::string>{"/a", "/a/b", "/a/b/c"});
  CHECK(tree->make_directories("/a/b/c"));
  CHECK(tree->missing_directories("/a/b/c").empty());
  CHECK(tree->make_directories("/a/b/c"));
  CHECK(mode_of(dir / "a/b") == 0755);
  CHECK_FALSE(tree->remove_directory("/a"));
  CHECK(tree->remove_directory("/a/b/c"));
}

TEST_CASE("names are listed sorted, and a directory that is not there has none") {
  const TempDir dir;
  for (const char* name : {"b", "a", ".hidden"}) dir.write(name, "");
  const auto tree = Tree::open(dir.path());
  CHECK(tree->list("/") == std::vector<std::string>{"a", "b"});
  CHECK(tree->list("/missing").empty());
}
