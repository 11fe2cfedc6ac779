// SPDX-License-Identifier: Apache-2.0
#include "sinks/program.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

const std::string made_up_token = "sk-ant-oat01-made-up-for-a-test-0123456789";

Result<void> run(const std::string& script, Milliseconds timeout = 30s) {
  return run_program({.command = {"/bin/sh", "-c", script}, .environment = {"A=1"}, .timeout = timeout},
                     Secret(made_up_token));
}

std::string reason(const Result<void>& done) {
  return done ? "" : done.error().message;
}

// True once the process has ended, whoever its parent is.
bool goes(pid_t pid) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd event = {process.get(), POLLIN, 0};
  return !process || ::poll(&event, 1, child_bound) == 1;
}

}  // namespace

TEST_CASE("a program gets exactly the secret on its standard input") {
  const TempDir directory;
  CHECK(reason(run("cat > " + directory / "in")).empty());
  CHECK(directory.read("in") == made_up_token);
}

TEST_CASE("a program gets its own variables and PATH, the root directory and three descriptors") {
  const TempDir directory;
  const UniqueFd inherited(::dup(2));
  CHECK(reason(run("cd . && { env | grep -vE '^(_|PWD|SHLVL|OLDPWD)='; pwd; ls /proc/self/fd | tr '\\n' ' '; "
                   "} > " +
                   directory / "seen"))
            .empty());
  // ls has a fourth: the directory that it reads.
  CHECK(directory.read("seen") ==
        "A=1\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/\n0 1 2 3 ");
}

TEST_CASE("a program that does not read its input is not a failure, however soon it ends") {
  for (int i = 0; i < 20; ++i) CHECK(reason(run("exec true")).empty());
  CHECK(reason(run("exec <&-; exit 0")).empty());
}

TEST_CASE("an exit status is reported with the last line that was printed") {
  CHECK(reason(run("exit 3")) == "exit status 3");
  CHECK(reason(run("echo first; echo the reason >&2; echo; exit 3")) == "exit status 3: the reason");
}

TEST_CASE("a signal's death is reported") {
  CHECK(reason(run("kill -KILL $$")) == "killed by signal 9");
}

TEST_CASE("what cannot be started is reported") {
  const TempDir directory;
  const auto start = [](const std::string& path) {
    return run_program({.command = {path}}, Secret(made_up_token));
  };
  CHECK(reason(start(directory / "missing")) == "cannot be started: No such file or directory");
  CHECK(reason(start(directory.path())) == "cannot be started: Permission denied");
}

TEST_CASE("a program that outlasts its time is killed with its children") {
  const TempDir directory;
  const auto done = run("sleep 1000 & echo $! > " + directory / "child" + "; echo waiting; sleep 1000", 1s);
  CHECK(reason(done) == "still running after 1 s: waiting");
  CHECK(goes(std::stoi(directory.read("child"))));
}

TEST_CASE("a child that outlives its program is killed as well") {
  const TempDir directory;
  CHECK(reason(run("sleep 1000 & echo $! > " + directory / "child")).empty());
  CHECK(goes(std::stoi(directory.read("child"))));
}

TEST_CASE("endless output neither blocks the program nor fills our memory") {
  CHECK(reason(run("yes | head -c 5000000; echo end; exit 1")) == "exit status 1: end");
  CHECK(reason(run("exec yes", 1s)) == "still running after 1 s: y");
  // A process in a session of its own goes on writing when its parent is done.
  const TempDir directory;
  CHECK(
      reason(run("setsid yes & echo $! > " + directory / "child" + "; exit 1")).starts_with("exit status 1"));
  ::kill(std::stoi(directory.read("child")), SIGKILL);
}

TEST_CASE("a secret larger than a pipe is refused, not waited for") {
  const auto done = run_program({.command = {"/bin/cat"}}, Secret(std::string(2 << 20, 'x')));
  CHECK(reason(done) == "the token is larger than a pipe's capacity of 65536 bytes");
}

TEST_CASE("a program that knows no other way gets the secret as its last argument, and no input") {
  const TempDir directory;
  const Program program = {
      .command = {"/bin/sh", "-c", "printf '%s|%s' \"$1\" \"$(cat)\" > " + directory / "seen", "sh"},
      .environment = {},
      .pass = PassSecret::as_last_argument};
  CHECK(reason(run_program(program, Secret(made_up_token))).empty());
  CHECK(directory.read("seen") == made_up_token + "|");
}

TEST_CASE("what is shown of the output never holds the secret") {
  const Secret secret(made_up_token);
  CHECK(showable_tail("", secret).empty());
  CHECK(showable_tail("a\nb  c \n\n", secret) == "b c");
  CHECK(showable_tail("+ curl -H Authorization:Bearer" + made_up_token + " x", secret) ==
        "+ curl -H [hidden] x");
  CHECK(showable_tail("bad " + made_up_token.substr(10, 8) + " part", secret) == "bad [hidden] part");
  CHECK(showable_tail("an encoding " + std::string(65, 'A'), secret) == "an encoding [hidden]");
  CHECK(showable_tail("bell \a \x1b[31m \xc3 \xc3\xa4", secret) == "bell ? ?[31m ? ä");
  CHECK(showable_tail(std::string(300, 'a') + "\n" + std::string(150, '.') + " ", secret) == "[hidden]");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "word ";
  CHECK(showable_tail(many, secret) == many.substr(0, 200) + "...");
}

TEST_CASE("a secret that a program prints at the edge of what is kept does not show in part") {
  const auto done = run("t=$(cat); printf '%s %4070s' \"$t\" x; exit 1");
  CHECK(reason(done).starts_with("exit status 1"));
  CHECK(reason(done).find("oat01") == std::string::npos);
}

TEST_CASE("a signal to the caller ends the program first and then the caller") {
  const TempDir directory;
  const std::string fifo = directory / "started";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const ChildProcess caller([&] {
    ::signal(SIGTERM, SIG_DFL);  // the test framework's handler would report a failure
    (void)run("echo $$ > " + fifo + "; exec sleep 1000");
    return std::string("it lives on");
  });
  pid_t program = 0;
  std::ifstream(fifo) >> program;  // waits for the program
  REQUIRE(program > 0);
  REQUIRE(::kill(caller.pid(), SIGTERM) == 0);
  CHECK(caller.answer() == "no answer");
  CHECK(goes(program));
}

}  // namespace oci_oauth
