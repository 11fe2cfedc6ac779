// SPDX-License-Identifier: Apache-2.0
#include "program/log.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "support/catch.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

enum class Stderr { plain, journal };

// What `body` writes to stderr, in a process of its own.
std::string written(Stderr kind, const std::function<void()>& body) {
  const TempDir dir;
  const std::string path = dir.write("stderr", "");
  const ChildProcess child([&] {
    const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    struct stat status;
    if (file < 0 || ::dup2(file, STDERR_FILENO) < 0 || ::fstat(file, &status) != 0) return "no stderr";
    const std::string stream = fmt::format("{}:{}", status.st_dev, status.st_ino);
    ::setenv("JOURNAL_STREAM", kind == Stderr::journal ? stream.c_str() : "1:1", 1);
    body();
    return "done";
  });
  REQUIRE(child.answer() == "done");
  return dir.read("stderr");
}

}  // namespace

TEST_CASE("a message has the program, its severity and what a person can do") {
  const std::string text = written(Stderr::plain, [] {
    const Log log = Log::to_stderr("prog");
    log.write(Priority::error, "/f: it broke", "mend it");
    log.write(Priority::warning, "it may break");
    log.write(Priority::notice, "it is so");
  });
  CHECK(text == "prog: error: /f: it broke\nhint: mend it\nprog: warning: it may break\nprog: it is so\n");
}

TEST_CASE("the journal gets the priority of each line, sd-daemon(3)") {
  const std::string text = written(Stderr::journal, [] {
    const Log log = Log::to_stderr("prog");
    log.write(Priority::warning, "it may break", "look");
    log.write(Priority::info, "fine");
  });
  CHECK(text == "<4>prog: warning: it may break\n<4>hint: look\n<6>prog: fine\n");
}

TEST_CASE("an error brings its own hint") {
  const std::string text = written(Stderr::plain, [] {
    Log::to_stderr("prog").write(Priority::error, Error{ErrorKind::failed, "why", "what to do"});
  });
  CHECK(text == "prog: error: why\nhint: what to do\n");
}

TEST_CASE("a message is data, never a format") {
  const std::string text =
      written(Stderr::plain, [] { Log::to_stderr("prog").write(Priority::error, "%s%n{}", "%d"); });
  CHECK(text == "prog: error: %s%n{}\nhint: %d\n");
}

TEST_CASE("a program ends with the code of its work, of its error, or of an exception") {
  const Log log = Log::to_stderr("test");
  CHECK(run_reported(log, [] { return ExitCode::login_required; }) == 3);
  CHECK(run_reported(log, []() -> Result<ExitCode> { return Error{ErrorKind::usage, "wrong"}; }) == 2);
  CHECK(run_reported(log, []() -> Result<ExitCode> { throw std::runtime_error("out of memory"); }) == 1);
}
