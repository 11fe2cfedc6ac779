// SPDX-License-Identifier: Apache-2.0
#include "sinks/sinks.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <list>

#include "support/catch.h"
#include "support/child_process.h"
#include "support/onecli_server.h"
#include "support/temp_dir.h"

namespace oci_oauth {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

// A runtime directory with a token in it, and a configuration with exec sinks that append to files.
struct Host {
  TempDir directory;
  Config config;
  std::optional<RuntimeDir> runtime;

  Host() {
    // There already, so that no file system is mounted for it.
    fs::create_directories(directory / "run/share/claude");
    fs::permissions(directory / "run", fs::perms::owner_all);
    auto opened = RuntimeDir::open(directory / "run");
    REQUIRE(opened);
    runtime.emplace(std::move(*opened));
    Profile& profile = config.profiles.emplace_back();
    profile.name = "claude";
    profile.credentials = "/c.json";
    publish("token-1");
  }

  void publish(const std::string& token, Milliseconds life = 1h) {
    directory.write("run/share/claude/token", token);
    ProfileRecords records;
    records.published.expires_at = now() + life;
    records.published.access_token_hash = std::to_string(std::hash<std::string>()(token));
    REQUIRE(runtime->publish("claude", records));
  }

  Sink& exec(const std::string& script) {
    Sink sink;
    sink.place = "/sinks/0";
    sink.exec = {"/bin/sh", "-c", script};
    return config.sinks.emplace_back(std::move(sink));
  }
  Sink& recording(const std::string& name = "log") {
    return exec("{ cat; echo \" $OCI_OAUTH_PROFILE\"; } >> " + directory / name);
  }

  std::vector<SinkOutcome> run(const Environment& environment = [](const char*) { return nullptr; }) {
    return run_sinks({config, *runtime, ONECLI_SENDER, environment}, config.profiles.at(0));
  }
  SinkState state(size_t index = 0) const {
    auto states = sink_states(*runtime);
    REQUIRE(states);
    return states->at(index);
  }
  std::vector<std::string> kept() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory / "run/sinks")) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

TEST_CASE("a sink gets each token once") {
  Host host;
  host.recording();
  const auto outcomes = host.run();
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].sink == "exec /bin/sh");
  CHECK(outcomes[0].done);
  CHECK(host.run().empty());
  host.publish("token-2");
  CHECK(host.run().size() == 1);
  CHECK(host.run().empty());
  CHECK(host.directory.read("log") == "token-1 claude\ntoken-2 claude\n");
}

TEST_CASE("a failure is recorded, tried again at the next run, and forgotten after a success") {
  Host host;
  host.exec("cat >/dev/null; echo trouble; exec test -e " + host.directory / "mended");
  for (unsigned failures = 1; failures <= 2; ++failures) {
    const auto outcomes = host.run();
    REQUIRE(outcomes.size() == 1);
    REQUIRE_FALSE(outcomes[0].done);
    CHECK(outcomes[0].done.error().message == "exit status 1: trouble");
    CHECK(host.state().failures == failures);
    CHECK(host.state().error == "exit status 1: trouble");
    CHECK(host.state().failed_at);
    CHECK_FALSE(host.state().delivered_at);
  }
  host.directory.write("mended", "");
  CHECK(host.run().at(0).done);
  const SinkState state = host.state();
  CHECK(state.profile == "claude");
  CHECK(state.sink == "exec /bin/sh");
  CHECK((state.failures == 0 && state.error.empty() && !state.failed_at && state.delivered_at));
}

TEST_CASE("one failing sink does not keep the others from their token") {
  Host host;
  host.exec("exit 1");
  host.recording();
  CHECK(host.run().size() == 2);
  CHECK(host.directory.read("log") == "token-1 claude\n");
  CHECK(host.run().size() == 1);
}

TEST_CASE("a sink of another profile is left alone") {
  Host host;
  host.recording().profiles = {"other"};
  CHECK(host.run().empty());
}

TEST_CASE("an expired token is not delivered") {
  Host host;
  host.recording();
  host.publish("token-1", -1s);
  CHECK(host.run().empty());
  CHECK_FALSE(fs::exists(host.directory / "log"));
}

TEST_CASE("a token that is just being replaced is waited for") {
  Host host;
  host.recording();
  auto refresh = host.runtime->lock("claude", SteadyTime{});
  REQUIRE(refresh);
  host.directory.write("run/share/claude/token", "token-2");
  const ChildProcess runner([&] {
    refresh = Error{};  // the child's copy of the lock's descriptor
    return std::to_string(host.run().size());
  });
  host.publish("token-2");
  refresh = Error{};
  CHECK(runner.answer() == "1");
  CHECK(host.directory.read("log") == "token-2 claude\n");
}

TEST_CASE("of many refreshers at once one runs the sink, and all end with the token delivered") {
  Host host;
  host.recording();
  std::list<ChildProcess> refreshers;
  for (int i = 0; i < 8; ++i) {
    refreshers.emplace_back([&] {
      const auto outcomes = host.run();
      return fmt::format("{}", outcomes.size());
    });
  }
  std::vector<std::string> answers;
  for (const ChildProcess& refresher : refreshers) answers.push_back(refresher.answer());
  std::sort(answers.begin(), answers.end());
  CHECK(answers == std::vector<std::string>{"0", "0", "0", "0", "0", "0", "0", "1"});
  CHECK(host.directory.read("log") == "token-1 claude\n");
}

TEST_CASE("a refresher that comes while an older token is under way brings its own afterwards") {
  Host host;
  const std::string fifo = host.directory / "gate";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  // Each run tells that it has begun and waits until it may end.
  host.exec("cat >> " + host.directory / "log" + "; echo >> " + host.directory / "log" + "; echo x > " +
            fifo + "; cat " + fifo);
  const auto refresh = [&] { return fmt::format("{}", host.run().size()); };
  const auto wait_for_begin = [&] { REQUIRE(std::ifstream(fifo).get() == 'x'); };
  const auto let_end = [&] { std::ofstream(fifo) << "x"; };
  const ChildProcess older(refresh);
  wait_for_begin();
  host.publish("token-2");
  const ChildProcess newer(refresh);
  let_end();
  CHECK(older.answer() == "1");
  wait_for_begin();
  let_end();
  CHECK(newer.answer() == "1");
  CHECK(host.directory.read("log") == "token-1\ntoken-2\n");
}

TEST_CASE("what is kept of a sink is for its owner alone, holds no token, and goes with the sink") {
  Host host;
  host.recording("one");
  host.recording("two");
  REQUIRE(host.run().size() == 2);
  REQUIRE(host.kept().size() == 4);
  struct stat status;
  REQUIRE(::stat((host.directory / "run/sinks").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  for (const std::string& name : host.kept()) {
    REQUIRE(::stat((host.directory / "run/sinks/" + name).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(host.directory.read("run/sinks/" + name).find("token-1") == std::string::npos);
  }
  host.config.sinks.pop_back();
  forget_removed_sinks(host.config, *host.runtime);
  CHECK(host.kept().size() == 2);
  CHECK(host.run().empty());
  host.config.sinks.clear();
  forget_removed_sinks(host.config, *host.runtime);
  CHECK(host.kept().empty());
}

TEST_CASE("a sink is the same one when only its time limit changes, and another one when its command does") {
  Host host;
  host.recording().timeout = 5s;
  CHECK(host.run().size() == 1);
  host.config.sinks[0].timeout = 6s;
  CHECK(host.run().empty());
  host.config.sinks[0].exec.emplace_back("more");
  CHECK(host.run().size() == 1);
}

TEST_CASE("a state that cannot be understood is replaced") {
  Host host;
  host.recording();
  host.run();
  const auto names = host.kept();
  const std::string state =
      *std::find_if(names.begin(), names.end(), [](auto& n) { return n.ends_with(".json"); });
  host.directory.write("run/sinks/" + state, "{");
  CHECK_FALSE(sink_states(*host.runtime));
  CHECK(host.run().size() == 1);
  CHECK(sink_states(*host.runtime)->size() == 1);
}

TEST_CASE("a OneCLI sink whose environment changes brings the token to the new place") {
  Host host;
  Sink sink;
  sink.place = "/sinks/0";
  sink.onecli.emplace();
  host.config.sinks.push_back(sink);
  const test::OneCliServer one({.tls = false}), two({.tls = false});
  const auto at = [](std::string url) {
    return [url = std::move(url)](const char* name) -> const char* {
      if (name == std::string_view("ONECLI_OAUTH_SECRET_ID")) return "secret-1";
      return name == std::string_view("ONECLI_URL") ? url.c_str() : nullptr;
    };
  };
  CHECK(host.run(at(one.url())).at(0).done);
  CHECK(host.run(at(one.url())).empty());
  CHECK(host.run().empty());  // with nothing set nobody can tell that it changed
  CHECK(host.run(at(two.url())).at(0).done);
  CHECK(one.requests().size() == 1);
  CHECK(two.requests().size() == 1);

  host.publish("token-2");
  CHECK_FALSE(host.run().at(0).done);
  CHECK(host.state().error.find("ONECLI_OAUTH_SECRET_ID") != std::string::npos);
  CHECK(host.run(at(two.url())).at(0).done);
}

TEST_CASE("it is reported once that OneCLI's program shows the token to others") {
  Host host;
  const std::string program = host.directory.write("onecli", "#!/bin/sh\nexit 0\n");
  ::chmod(program.c_str(), 0700);
  OneCliSink onecli;
  onecli.secret_id = "s";
  onecli.program = program;
  Sink sink;
  sink.onecli = onecli;
  host.config.sinks.push_back(sink);
  CHECK(host.run().at(0).notice.find("every user on this host can see") != std::string::npos);
  host.publish("token-2");
  CHECK(host.run().at(0).notice.empty());
}

}  // namespace oci_oauth
