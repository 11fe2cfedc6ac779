// SPDX-License-Identifier: Apache-2.0
#include "config/trusted_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

std::string secret_refusal(const std::string& path, uid_t owner = ::geteuid()) {
  const auto secret = read_client_secret(path, owner);
  if (secret) return "";
  CHECK(secret.error().kind == ErrorKind::configuration);
  CHECK(secret.error().message.find("s3cret") == std::string::npos);
  return secret.error().message.substr(path.size());
}

struct SecretFile {
  TempDir directory;
  std::string path = directory.write("secret", "s3cret\nmore\n");
  explicit SecretFile(mode_t mode = 0600) { REQUIRE(::chmod(path.c_str(), mode) == 0); }
};

}  // namespace

TEST_CASE("a client's secret is the first line of a file that its owner alone reads") {
  const SecretFile file;
  const auto secret = read_client_secret(file.path, ::geteuid());
  REQUIRE(secret);
  CHECK(secret->reveal() == "s3cret");
}

TEST_CASE("a client's secret that others may read or write is refused with the command that fixes it") {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U}) {
    const SecretFile file(mode);
    CHECK(secret_refusal(file.path) == ": other users can access it");
    CHECK(read_client_secret(file.path, ::geteuid()).error().hint == "chmod 0600 " + file.path);
  }
}

TEST_CASE("the path in a hint is one word of a command") {
  const TempDir directory;
  const std::string file = directory.write("a b", "s3cret");
  REQUIRE(::chmod(file.c_str(), 0666) == 0);
  CHECK(read_client_secret(file, ::geteuid()).error().hint == "chmod 0600 '" + file + "'");
  CHECK(read_trusted_file(file, 100, Owners::root_or_caller).error().hint == "chmod go-w '" + file + "'");
}

TEST_CASE("a client's secret that a link leads to is refused") {
  const SecretFile file;
  std::filesystem::create_symlink(file.path, file.directory / "link");
  CHECK(secret_refusal(file.directory / "link") == ": leads through a symbolic link");
  std::filesystem::create_symlink(".", file.directory / "same");
  CHECK(secret_refusal(file.directory / "same/secret") == ": leads through a symbolic link");
  std::filesystem::create_hard_link(file.path, file.directory / "other");
  CHECK(secret_refusal(file.path) == ": has another hard link");
}

TEST_CASE("a client's secret is not empty, and is a file that is there") {
  const TempDir directory;
  const std::string empty = directory.write("empty", "\nsecond line");
  REQUIRE(::chmod(empty.c_str(), 0600) == 0);
  CHECK(secret_refusal(empty) == ": has no secret on its first line");
  CHECK(secret_refusal(directory / "none") == ": No such file or directory");
  CHECK(secret_refusal(directory.path()) == ": is a directory");
}

TEST_CASE("a client's secret belongs to root or to the login's owner") {
  if (::geteuid() != 0) return;  // only root can give a file away
  const SecretFile file;
  REQUIRE(::chown(file.path.c_str(), 1234, 1234) == 0);
  CHECK(secret_refusal(file.path, 1000) == ": belongs to uid 1234, not to root or the login's owner");
  CHECK(secret_refusal(file.path, 1234).empty());
}
