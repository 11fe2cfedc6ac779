// SPDX-License-Identifier: Apache-2.0
// One container ends while another one starts with the same directory, each stopped where the other could
// take something from it: the one that runs keeps its files.
#include <fcntl.h>

#include <functional>
#include <optional>
#include <string>

#include "faults/bundle.h"
#include "faults/host.h"
#include "faults/tracer.h"
#include "support/catch.h"
#include "support/lock_waiter.h"

namespace oci_oauth::test {
namespace {

// "old" has been written, and its process is gone; "young" has its directory, and runs.
class TwoContainers {
 public:
  TwoContainers() {
    host_.log_in(std::chrono::hours(8));
    REQUIRE(run_program(host_.command({"refresh", "--offline"})).status == 0);
    REQUIRE(run_program(old_.hook(), old_.state()).status == 0);
    REQUIRE(old_.token() == token());
    ended_.reset();
  }

  // Runs one side, and `meanwhile` once, when it has made a call that `is_reached`.
  static Traced run(const Bundle& container, const std::string& step,
                    const std::function<bool(const Call&)>& is_reached,
                    const std::function<void()>& meanwhile) {
    bool is_over = false;
    UniqueFd state(::open(container.state().c_str(), O_RDONLY | O_CLOEXEC));
    Traced traced = run_traced(
        container.hook(step), {},
        [&](const Call& call) {
          if (is_over || !is_reached(call)) return;
          is_over = true;
          meanwhile();
        },
        std::move(state));
    INFO(traced.output);
    CHECK(is_over);
    CHECK(traced.status == 0);
    return traced;
  }

  void check_young_has_token() const {
    CHECK(young_.token() == token());
    CHECK(std::filesystem::exists(young_.target() + "/.credentials.json"));
    CHECK(std::filesystem::exists(host_.runtime + "/containers/young.json"));
    CHECK_FALSE(std::filesystem::exists(host_.runtime + "/containers/old.json"));
  }
  const Bundle& old() const { return old_; }
  const Bundle& young() const { return young_; }

 private:
  std::string token() const { return host_.field("accessToken"); }

  TokenEndpoint endpoint_;
  Host host_{endpoint_};
  std::optional<ContainerProcess> ended_{std::in_place};
  ContainerProcess running_;
  Bundle old_{host_, *ended_, "old"}, young_{host_, running_, "young", old_};
};

// The open file that the lock is taken on next.
bool is_about_to_lock(const Call& call) {
  return call.name == "openat" && call.subject.ends_with("/containers");
}

bool sets_token_aside(const Call& call) {
  return call.name.starts_with("renameat") && call.subject.ends_with("/run/secrets/claude/token");
}

bool saves_record(const Call& call) {
  return call.name.starts_with("renameat") && call.subject.find("/containers/") != std::string::npos;
}

// Starts the other side, which must come to wait for the lock.
class Waiting {
 public:
  void start(const Bundle& container, const std::string& step) {
    pid_ = start_program(container.hook(step), container.state());
    has_waited_ = comes_to_wait(pid_);
  }
  void check_end() const {
    CHECK(has_waited_);
    CHECK(end_of(pid_) == 0);
  }

 private:
  pid_t pid_ = -1;
  bool has_waited_ = false;
};

}  // namespace

TEST_CASE("a container that starts just before another one's end takes the lock keeps its files",
          "[written]") {
  if (!can_make_containers()) return;
  const TwoContainers two;
  TwoContainers::run(two.old(), "poststop", is_about_to_lock,
                     [&] { CHECK(run_program(two.young().hook(), two.young().state()).status == 0); });
  two.check_young_has_token();
}

TEST_CASE("a container that starts while another one's files are removed waits, and is written afterwards",
          "[written]") {
  if (!can_make_containers()) return;
  const TwoContainers two;
  Waiting young;
  TwoContainers::run(two.old(), "poststop", sets_token_aside,
                     [&] { young.start(two.young(), "createRuntime"); });
  young.check_end();
  two.check_young_has_token();
}

TEST_CASE("a container that ends just before another one takes the lock leaves room for that one's files",
          "[written]") {
  if (!can_make_containers()) return;
  const TwoContainers two;
  TwoContainers::run(two.young(), "createRuntime", is_about_to_lock, [&] {
    CHECK(run_program(two.old().hook("poststop"), two.old().state()).status == 0);
    CHECK(two.young().token().empty());
  });
  two.check_young_has_token();
}

TEST_CASE(
    "a container that ends while another one is on record and not yet written waits, and removes nothing",
    "[written]") {
  if (!can_make_containers()) return;
  const TwoContainers two;
  Waiting old;
  TwoContainers::run(two.young(), "createRuntime", saves_record, [&] { old.start(two.old(), "poststop"); });
  old.check_end();
  two.check_young_has_token();
}

}  // namespace oci_oauth::test
