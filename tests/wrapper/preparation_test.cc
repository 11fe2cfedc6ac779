// SPDX-License-Identifier: Apache-2.0
#include "wrapper/preparation.h"

#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

Result<std::string> find_runtime(const std::vector<std::string>& directories) {
  return choose_runtime("", directories, Log::to_syslog("preparation_test"));
}

std::string a_program(const TempDir& directory, const std::string& name) {
  std::string path = directory.write(name, "#!/bin/sh\n");
  REQUIRE(::chmod(path.c_str(), 0755) == 0);
  return path;
}

}  // namespace

TEST_CASE("runc is preferred to crun, in whichever directory") {
  const TempDir first, second;
  const std::string crun = a_program(first, "crun");
  CHECK(*find_runtime({first.path(), second.path()}) == crun);
  const std::string runc = a_program(second, "runc");
  CHECK(*find_runtime({first.path(), second.path()}) == runc);
}

TEST_CASE("a wrapper never takes itself for the runtime, under whatever name") {
  const TempDir directory;
  std::filesystem::create_symlink("/proc/self/exe", directory / "runc");
  CHECK_FALSE(find_runtime({directory.path()}));
  CHECK(check_runtime(directory / "runc").error().message.ends_with("runc: is this wrapper itself"));
  const std::string crun = a_program(directory, "crun");
  CHECK(*find_runtime({directory.path()}) == crun);
}

TEST_CASE("a runtime is a program") {
  const TempDir directory;
  directory.write("file", "");
  CHECK(check_runtime(directory / "none").error().message.ends_with("No such file or directory"));
  CHECK(check_runtime(directory / "file").error().message.ends_with("Permission denied"));
  CHECK(check_runtime(directory.path()).error().message.ends_with("is not a program"));
  CHECK(find_runtime({directory.path()}).error().message ==
        "there is neither runc nor crun in " + directory.path());
}

TEST_CASE("a configured runtime that is not a program is not called") {
  const TempDir directory;
  const Log log = Log::to_syslog("preparation_test");
  const std::string crun = a_program(directory, "crun"), other = a_program(directory, "other");
  CHECK(*choose_runtime(other, {directory.path()}, log) == other);
  CHECK(*choose_runtime("", {directory.path()}, log) == crun);
  CHECK(*choose_runtime(directory / "missing", {directory.path()}, log) == crun);
}
