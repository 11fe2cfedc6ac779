// SPDX-License-Identifier: Apache-2.0
// What a refresh decides and in which order it publishes, with an exchange, a clock and a chance that the
// test says; the real exchange is run by tests/exchange and tests/faults.
#include "refresh/refresher.h"

#include "support/catch.h"
#include "support/providers.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

constexpr Time start = Time(1'800'000'000'000ms);

// A profile whose login grants the token that `granted` says, for eight hours.
struct RefreshScene {
  TempDir home;
  RuntimeDir runtime = open(home / "run");
  Profile profile;
  Time time = start;
  std::vector<RefreshAim> asked;
  Result<ExchangeReport> answer = ExchangeReport();

  RefreshScene() {
    profile.name = profile.provider = "claude";
    profile.credentials = home.write("login", "{}");
    answer = granted("token-1");
  }
  static RuntimeDir open(const std::string& path) {
    auto opened = RuntimeDir::open(path);
    REQUIRE(opened);
    return std::move(*opened);
  }

  ExchangeReport granted(const std::string& token) const {
    ExchangeReport report;
    report.refreshed = true;
    LoginSnapshot& login = report.login.emplace();
    login.stamp = stamp();
    login.access_token_hash = "hash of " + token;
    login.request_hash = "request";
    login.expires_at = time + 8h;
    login.files.push_back({"token", Secret(std::string_view(token))});
    return report;
  }
  static ExchangeReport refused(FailureKind kind) {
    ExchangeReport report;
    report.failure = ExchangeFailure{.kind = kind, .message = "reason", .hint = "hint"};
    return report;
  }
  FileStamp stamp() const {
    struct stat status;
    REQUIRE(::stat(profile.credentials.c_str(), &status) == 0);
    return FileStamp::of(status);
  }

  Result<RefreshOutcome> try_refresh(RefreshAim aim = {}, const ProfileRecords* follows = nullptr) {
    const Refresher refresher = {runtime,
                                 {test::providers_of(SOURCE_DIR)},
                                 {},
                                 nullptr,
                                 [this](const Exchanger&, const ExchangeRequest& request) {
                                   asked.push_back(request);
                                   return std::exchange(answer, ExchangeReport());
                                 },
                                 [this] { return time; },
                                 [] { return 0.5; }};
    return refresh_profile(refresher, profile, {.aim = std::move(aim), .follows = follows});
  }
  RefreshOutcome refresh(RefreshAim aim = {}, const ProfileRecords* follows = nullptr) {
    auto outcome = try_refresh(std::move(aim), follows);
    REQUIRE(outcome);
    return std::move(*outcome);
  }
  std::string token() const { return home.read("run/share/claude/token"); }
};

}  // namespace

TEST_CASE("what an exchange obtains is published, and nothing is asked again while it is fresh") {
  RefreshScene scene;
  const RefreshOutcome first = scene.refresh();
  CHECK(first.refreshed);
  CHECK(scene.token() == "token-1");
  CHECK(first.known.published.attempts == 1);
  CHECK(first.known.published.obtained_at == start);
  CHECK(first.known.history.refreshed_at == start);
  scene.time = start + 6h;
  CHECK_FALSE(scene.refresh().refreshed);
  CHECK(scene.asked.size() == 1);
}

TEST_CASE("a token is refreshed once it is due, after a leap of the clock, and if it is wanted") {
  RefreshScene scene;
  scene.refresh();
  scene.answer = scene.granted("token-2");
  RefreshAim aim;
  SECTION("due") {
    scene.time = start + 7h;
  }
  SECTION("obtained in the future") {
    scene.time = start - 1h;
  }
  SECTION("forced") {
    aim.force = Force::yes;
  }
  SECTION("it is to live longer than it does") {
    aim.min_ttl = 9h;
  }
  SECTION("a server refused it") {
    aim.rejected_token_hash = "hash of token-1";
  }
  SECTION("the login was written") {
    scene.home.write("login", R"({"new": 1})");
  }
  SECTION("the login is gone") {
    std::filesystem::remove(scene.profile.credentials);
  }
  SECTION("what is remembered is gone") {
    std::filesystem::remove(scene.home / "run/refreshes/claude.json");
  }
  CHECK(scene.refresh(aim).refreshed);
  CHECK(scene.token() == "token-2");
  CHECK(scene.asked.size() == 2);
}

TEST_CASE("another token that a server refused, and a short wish, are no reason") {
  RefreshScene scene;
  scene.refresh();
  scene.refresh({.min_ttl = 8h, .rejected_token_hash = "hash of another"});
  CHECK(scene.asked.size() == 1);
}

TEST_CASE("a failure is remembered with its pause, and the old token stays") {
  RefreshScene scene;
  scene.refresh();
  scene.time = start + 7h;
  scene.answer = RefreshScene::refused(FailureKind::server);
  const RefreshOutcome failed = scene.refresh();
  REQUIRE(failed.failure);
  CHECK(failed.failure->message == "reason");
  CHECK(failed.known.published.rests(scene.time + 1s));
  CHECK(scene.token() == "token-1");
  const auto check = check_lifetime(failed, 2h, scene.time);
  REQUIRE_FALSE(check);
  CHECK(check.error().message == "reason");
  // The journal may contain a login that is not in its place yet.
  scene.time = start;
  scene.refresh();
  CHECK(scene.asked.size() == 3);
}

TEST_CASE("an exchange that never reports is a failure of its own kind, and counts") {
  const std::pair<ErrorKind, FailureKind> kinds[] = {{ErrorKind::temporary, FailureKind::unknown},
                                                     {ErrorKind::configuration, FailureKind::configuration},
                                                     {ErrorKind::failed, FailureKind::login}};
  for (const auto& [kind, failure] : kinds) {
    RefreshScene scene;
    scene.answer = Error{kind, "it died", "doctor"};
    const RefreshOutcome outcome = scene.refresh();
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->kind == failure);
    CHECK(outcome.known.published.attempts == 1);
    CHECK_FALSE(outcome.known.published.has_token());
  }
}

TEST_CASE("without a provider nothing is exchanged, and the profile says why") {
  RefreshScene scene;
  scene.profile.provider = "nobody";
  const RefreshOutcome outcome = scene.refresh();
  CHECK(scene.asked.empty());
  REQUIRE(outcome.failure);
  CHECK(outcome.failure->kind == FailureKind::configuration);
  CHECK_THAT(outcome.failure->message, Contains("there is no nobody.json"));
}

TEST_CASE("a run that leaves the endpoint alone publishes, and learns nothing about the endpoint") {
  RefreshScene scene;
  scene.answer->refreshed = false;
  const RefreshOutcome outcome = scene.refresh({.endpoint = Endpoint::left_alone});
  CHECK(scene.token() == "token-1");
  CHECK(outcome.known.published.attempts == 0);
  scene.answer = RefreshScene::refused(FailureKind::login);
  scene.time = start + 7h;
  CHECK(scene.refresh({.endpoint = Endpoint::left_alone}).known.published.attempts == 1);
}

TEST_CASE("a profile that follows another takes over the outcome of the same request") {
  RefreshScene scene;
  ProfileRecords first;
  first.published.last_error = LastError{FailureKind::network, "no answer", "", start};
  first.published.not_before = start + 1min;
  first.history.failed_request_hash = "request";
  scene.answer->refreshed = false;
  const RefreshOutcome outcome = scene.refresh({.endpoint = Endpoint::left_alone}, &first);
  CHECK(outcome.known.published.last_error->message == "no answer");
  CHECK(outcome.known.published.rests(start + 1s));
}

TEST_CASE("what an earlier version or an accident left as a record is replaced, and reported") {
  RefreshScene scene;
  scene.refresh();
  scene.home.write("run/profiles/claude.json", "{");
  scene.answer = scene.granted("token-2");
  const RefreshOutcome outcome = scene.refresh();
  REQUIRE(outcome.notices.size() == 1);
  CHECK_THAT(outcome.notices.front(), Contains("profiles/claude.json") && Contains("so it is replaced"));
  CHECK(scene.refresh().notices.empty());
}

TEST_CASE("a token that a server grants for less than is wanted is a mistake in the wish") {
  RefreshScene scene;
  const RefreshOutcome outcome = scene.refresh({.min_ttl = 9h});
  CHECK(check_lifetime(outcome, 8h, start));
  const auto check = check_lifetime(outcome, 9h, start);
  REQUIRE_FALSE(check);
  CHECK(check.error().kind == ErrorKind::usage);
  CHECK(check.error().message == "--min-ttl: this server's tokens are valid for only 8 h 0 min");
}
