// SPDX-License-Identifier: Apache-2.0
#include "wrapper/runtime_call.h"

#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

RuntimeCall call(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream stream(line);
  for (std::string word; stream >> word;) words.push_back(word);
  return parse_runtime_call({words.begin(), words.end()});
}

std::string bundle_of(const std::string& line) {
  return call(line).bundle;
}

std::string reason(const std::string& path) {
  const auto file = RuntimeFile::open(path);
  return file ? "" : file.error().message;
}

struct stat status_of(const std::string& path) {
  struct stat status = {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

const Time start_of_2027 = std::chrono::sys_days(std::chrono::year(2027) / 1 / 1);

}  // namespace

TEST_CASE("a bundle is found however it is given") {
  for (const char* option : {"--bundle /b", "--bundle=/b", "-bundle /b", "-bundle=/b", "-b /b", "-b=/b",
                             "-b/b", "--b /b", "--bun /b", "--bun=/b", "-d -b /b", "-db /b", "-db/b"}) {
    CAPTURE(option);
    CHECK(bundle_of(std::string("run ") + option + " id") == "/b");
    CHECK(bundle_of(std::string("create ") + option + " --pid-file /p id") == "/b");
    CHECK(call(std::string("run ") + option + " id").container == "id");
  }
}

TEST_CASE("runc takes options after the container's name") {
  CHECK(bundle_of("create id --bundle /b") == "/b");
  CHECK(call("create id --bundle /b").container == "id");
}

TEST_CASE("without a bundle it is the current directory") {
  CHECK(call("create id").spec_path() == "./config.json");
  CHECK(bundle_of("create --bundle= id") == ".");
  CHECK(bundle_of("create --bundle") == ".");
}

TEST_CASE("the last bundle counts") {
  CHECK(bundle_of("create --bundle /a -b /b id") == "/b");
}

TEST_CASE("a container that is restored is a created one, and its options have values of their own") {
  const RuntimeCall read = call(
      "restore --image-path /image --work-path /work --manage-cgroups-mode soft --empty-ns network --detach "
      "--bundle /b id");
  CHECK(read.creates());
  CHECK(read.container == "id");
  CHECK(read.bundle == "/b");
  CHECK(call("restore -d --tcp-established --image-path /image id").spec_path() == "./config.json");
  CHECK_FALSE(call("checkpoint --image-path /image id").creates());
}

TEST_CASE("values of other options are not taken for options or operands") {
  CHECK(bundle_of("create --console-socket --bundle --pid-file -b id") == ".");
  CHECK(call("create --preserve-fds 3 --console-socket /s id").container == "id");
  CHECK(bundle_of("create -no-subreaper --no-pivot -no-new-keyring id") == ".");
}

TEST_CASE("global options come before the verb, with and without values") {
  for (const char* options : {"", "--debug", "--debug=true", "--root /r", "--root=/r", "-root /r",
                              "--log create --log-format json", "--systemd-cgroup --rootless auto --criu /c",
                              "--cgroup-manager=cgroupfs --roo /r", "--unknown=create"}) {
    CAPTURE(options);
    const RuntimeCall read = call(std::string(options) + " create --bundle /b id");
    CHECK(read.creates());
    CHECK(read.bundle == "/b");
  }
}

TEST_CASE("the engine's log is found") {
  const RuntimeCall read = call("--root /r --log /l --log-format json create --bundle /b id");
  CHECK(read.log == "/l");
  CHECK(read.log_format == "json");
  CHECK(call("--log=/l create id").log_format.empty());
  CHECK(call("create --log /l id").log.empty());
}

TEST_CASE("two dashes end the options") {
  CHECK(bundle_of("create -- --bundle") == ".");
  CHECK(call("create -- --bundle").container == "--bundle");
  CHECK(call("-- create id").verb == "create");
}

TEST_CASE("crun's --config stands in for the bundle's config.json") {
  CHECK(call("create --bundle /b --config /c.json id").spec_path() == "/c.json");
  CHECK(call("create -f c.json id").spec_path() == "c.json");
}

TEST_CASE("an exec's process file is found, and the command's own words are not read") {
  const RuntimeCall read = call("exec --process /p -t --cwd / id ls --process /q");
  CHECK(read.process == "/p");
  CHECK(read.container == "id");
  CHECK(call("exec -p /p id").process == "/p");
  CHECK(call("exec id cat -p /q").process.empty());
  CHECK_FALSE(call("exec id create").creates());
}

TEST_CASE("other calls create nothing") {
  for (const char* line : {"", "--version", "--help", "features", "start id", "delete --force id",
                           "state create", "kill id run", "--root create", "-", "--"}) {
    CAPTURE(line);
    CHECK_FALSE(call(line).creates());
  }
}

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

TEST_CASE("an engine that asked for text reads a line of text") {
  CHECK(engine_log_line({}, "a \"b\"", start_of_2027) ==
        "time=\"2027-01-01T00:00:00Z\" level=error msg=\"a \\\"b\\\"\"\n");
}

TEST_CASE("an engine that asked for JSON reads an object") {
  RuntimeCall call;
  call.log_format = "json";
  CHECK(engine_log_line(call, "why", start_of_2027) ==
        "{\"level\":\"error\",\"msg\":\"why\",\"time\":\"2027-01-01T00:00:00Z\"}\n");
}

TEST_CASE("a runtime's log keeps what is in it") {
  const TempDir directory;
  RuntimeCall call;
  call.log = directory.write("log", "before\n");
  write_engine_log(call, "why");
  CHECK(directory.read("log").starts_with("before\ntime="));
  call.log = directory / "none/log";
  write_engine_log(call, "why");
  CHECK_FALSE(std::filesystem::exists(call.log));
}
