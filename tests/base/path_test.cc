// SPDX-License-Identifier: Apache-2.0
#include "base/path.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

std::string normalised(std::string_view path) {
  std::string result;
  return normalise_path(path, result) ? result : "refused";
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
