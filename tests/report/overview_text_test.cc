// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include "base/text.h"
#include "support/catch.h"
#include "support/overviews.h"

using namespace oci_oauth;
using namespace oci_oauth::test;
using namespace std::chrono_literals;

namespace {

std::string text(const std::vector<ProfileView>& profiles) {
  return overview_text(overview_of(profiles), noon, Colour::no);
}

}  // namespace

TEST_CASE("the table shows each state in plain words") {
  ProfileView stale = profile("stale", ProfileState::expired);
  stale.published->expires_at = noon - 5min;
  CHECK(text({profile("claude", ProfileState::fresh), profile("second", ProfileState::due), stale,
              profile("dead", ProfileState::login_required)}) ==
        "PROFILE  STATE              EXPIRES IN  REFRESHED  LOGIN EXPIRES\n"
        "claude   fresh              7 h 59 min  1 min ago  in 27 d 3 h\n"
        "second   due for a refresh  7 h 59 min  1 min ago  in 27 d 3 h\n"
        "stale    expired            -           1 min ago  in 27 d 3 h\n"
        "dead     log in again       7 h 59 min  1 min ago  in 27 d 3 h\n");
}

TEST_CASE("a profile that was never refreshed says what to do") {
  CHECK(text({unpublished("claude")}) ==
        "PROFILE  STATE            EXPIRES IN  REFRESHED  LOGIN EXPIRES\n"
        "claude   never refreshed  -           -          -\n"
        "\n"
        "claude: nothing has been published yet\n"
        "  hint: oci-oauth refresh claude\n");
}

TEST_CASE("the last error is below the table with its time and its remedy") {
  ProfileView view = profile("claude", ProfileState::login_required);
  view.published->last_error = LastError{FailureKind::login_required, "token endpoint: 400 invalid_grant",
                                         "log in again with the program that owns this login", noon - 2h};
  CHECK(text({view}) ==
        "PROFILE  STATE         EXPIRES IN  REFRESHED  LOGIN EXPIRES\n"
        "claude   log in again  7 h 59 min  1 min ago  in 27 d 3 h\n"
        "\n"
        "claude: token endpoint: 400 invalid_grant (2 h 0 min ago, 2026-11-24T10:00:00Z)\n"
        "  hint: log in again with the program that owns this login\n");
}

TEST_CASE("the end of the login itself is a warning from three days before") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.published->last_error.reset();
  view.history.login_expires_at = noon + 72h;
  CHECK(text({view}).find("the login itself") == std::string::npos);
  view.history.login_expires_at = noon + 72h - 1s;
  CHECK(text({view}) ==
        "PROFILE  STATE  EXPIRES IN  REFRESHED  LOGIN EXPIRES\n"
        "claude   fresh  7 h 59 min  1 min ago  in 2 d 23 h\n"
        "\n"
        "claude: the login itself expires in 2 d 23 h, at 2026-11-27T11:59:59Z\n"
        "  hint: log in again with the program that owns this login\n");
  view.history.login_expires_at = noon;
  CHECK(text({view}).find("expired\n") != std::string::npos);
  CHECK(text({view}).find("claude: the login itself expired at 2026-11-24T12:00:00Z\n") != std::string::npos);
}

TEST_CASE("the containers are below it, with the token that each has") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.containers = {container("0123456789abcdef0123456789abcdef", DeliveryKind::mount, Holding::current),
                     container("box", DeliveryKind::write, Holding::outdated),
                     container("full", DeliveryKind::write, Holding::failed),
                     container("other", DeliveryKind::write, Holding::unknown)};
  view.containers[0].shadowed_by = {"ANTHROPIC_API_KEY"};
  view.containers[1].reason = "token contains an older token";
  view.containers[2].reason = "/t/token: No space left on device";
  view.containers[2].hint = "make some";
  CHECK(text({view}) ==
        "PROFILE  STATE  EXPIRES IN  REFRESHED  LOGIN EXPIRES\n"
        "claude   fresh  7 h 59 min  1 min ago  in 27 d 3 h\n"
        "\n"
        "claude: container 0123456789ab has ANTHROPIC_API_KEY in its environment, which takes precedence "
        "over the token\n"
        "  hint: recreate the container without it\n"
        "claude: container box: token contains an older token\n"
        "  hint: oci-oauth refresh claude\n"
        "claude: container full: /t/token: No space left on device\n"
        "  hint: make some\n"
        "\n"
        "CONTAINER     PROFILE  DELIVERY  SINCE          TOKEN     PATH\n"
        "0123456789ab  claude   mount     2 h 0 min ago  current   /run/secrets/claude\n"
        "box           claude   write     2 h 0 min ago  outdated  /run/secrets/claude\n"
        "full          claude   write     2 h 0 min ago  failed    /run/secrets/claude\n"
        "other         claude   write     2 h 0 min ago  unknown   /run/secrets/claude\n");
}

TEST_CASE("a container with a socket is shown with what it has asked") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.containers = {container("box", DeliveryKind::socket, Holding::current)};
  CHECK_THAT(text({view}), Catch::Contains("box        claude   socket    2 h"));
  view.containers[0].asked = ProxiedContainer{"claude", "box", 12, 2, 70};
  CHECK_THAT(text({view}), Catch::Contains("box        claude   socket, 12 requests  2 h"));
}

TEST_CASE("a profile that the configuration no longer has is shown while a container has it") {
  ProfileView view = {.name = "old"};
  view.is_left_over = true;
  view.containers = {container("box", DeliveryKind::mount, Holding::outdated)};
  view.containers[0].reason = "its profile was removed from the configuration";
  view.containers[0].hint = "add it again";
  const std::string shown = text({view});
  CHECK_THAT(shown, Catch::Contains("old      not configured  "));
  CHECK_THAT(shown, Catch::Contains("old: container box: its profile was removed from the configuration\n"
                                    "  hint: add it again\n"));
}

TEST_CASE("a share on a disk is reported once, whatever the profiles") {
  Overview overview = overview_of({profile("a", ProfileState::fresh), profile("b", ProfileState::fresh)});
  overview.storage = ShareStorage::disk;
  const std::string shown = overview_text(overview, noon, Colour::no);
  CHECK(shown.find("/run/oci-oauth/share: is on a disk, not in memory\n  hint: set \"runtime_dir\"") !=
        std::string::npos);
  CHECK(shown.find("on a disk") == shown.rfind("on a disk"));
}

TEST_CASE("a configuration without profiles is reported as such") {
  CHECK(text({}) == "no profiles in /etc/oci-oauth/config.json\n");
}

TEST_CASE("below a minute the words do not change") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.history.refreshed_at = noon - 59s;
  view.published->expires_at = noon + 59s;
  CHECK(text({view}).find("claude   fresh  under 1 min  just now ") != std::string::npos);
}

TEST_CASE("colour marks the states and nothing else") {
  const std::string shown =
      overview_text(overview_of({profile("claude", ProfileState::expired)}), noon, Colour::yes);
  CHECK(shown.find("claude   \033[31mexpired\033[0m") != std::string::npos);
  CHECK(shown.find("\033[1mPROFILE\033[0m") != std::string::npos);
}

TEST_CASE("what a file says cannot steer the terminal") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.published->last_error = LastError{FailureKind::server, "a\033[2Jb\rc", "d\ne", noon};
  view.containers = {container("box", DeliveryKind::mount, Holding::current)};
  view.containers[0].path = "/run/\033]0;x\007";
  const std::string shown = text({view});
  CHECK(shown.find("claude: a?[2Jb?c (just now") != std::string::npos);
  CHECK(shown.find("  hint: d?e\n") != std::string::npos);
  CHECK(shown.find("/run/?]0;x?\n") != std::string::npos);
}

TEST_CASE("a sink that lacks the token is reported with its remedy") {
  Overview overview = overview_of({profile("claude", ProfileState::fresh)});
  overview.sinks.push_back({"claude", "exec /bin/true", noon, 0, "", "", std::nullopt});
  overview.sinks.push_back(
      {"claude", "exec /bin/false", noon, 2, "exit status 1", "look into it", noon - 5min});
  CHECK(overview_text(overview, noon, Colour::no)
            .ends_with("\nclaude: sink 'exec /bin/false': exit status 1 (2 in a row, 5 min ago, "
                       "2026-11-24T11:55:00Z)\n"
                       "  hint: look into it\n"));
}

TEST_CASE("the tables fit terminals of 40, 80 and 200 columns") {
  Overview overview = test::overview_of({test::profile("claude", ProfileState::due)});
  overview.profiles.front().containers = {
      test::container("0123456789abcdef", DeliveryKind::mount, Holding::current)};
  const std::string plain = overview_text(overview, test::noon, Colour::no);
  const auto widest = [](std::string_view text) {
    size_t width = 0;
    while (!text.empty()) width = std::max(width, display_width(next_line(text)));
    return width;
  };
  REQUIRE(widest(plain) > 40);
  for (const size_t width : {40U, 80U, 200U}) {
    CAPTURE(width);
    CHECK(widest(overview_text(overview, test::noon, {Colour::no, width})) <= width);
  }
  CHECK(overview_text(overview, test::noon, {Colour::no, 200}) == plain);
}

TEST_CASE("the JSON has the fixed words, and null where there is nothing") {
  ProfileView view = profile("claude", ProfileState::login_required);
  view.published->last_error = LastError{FailureKind::login_required, "400", "log in again", noon};
  view.containers = {container("box", DeliveryKind::write, Holding::outdated),
                     container("other", DeliveryKind::mount, Holding::current)};
  view.containers[0].reason = "token contains an older token";
  view.containers[1].shadowed_by = {"ANTHROPIC_API_KEY"};
  CHECK(overview_json(overview_of({view, unpublished("other")})) == R"({
  "version": 1,
  "profiles": [
    {
      "name": "claude",
      "provider": "claude",
      "state": "login_required",
      "expires_at": "2026-11-24T19:59:00Z",
      "refreshed_at": "2026-11-24T11:59:00Z",
      "login_expires_at": "2026-12-21T15:00:00Z",
      "last_error": {
        "kind": "login_required",
        "message": "400",
        "at": "2026-11-24T12:00:00Z"
      },
      "containers": [
        {
          "id": "box",
          "delivery": "write",
          "path": "/run/secrets/claude",
          "state": "outdated",
          "reason": "token contains an older token",
          "shadowed_by": []
        },
        {
          "id": "other",
          "delivery": "mount",
          "path": "/run/secrets/claude",
          "state": "current",
          "reason": null,
          "shadowed_by": [
            "ANTHROPIC_API_KEY"
          ]
        }
      ]
    },
    {
      "name": "other",
      "provider": "claude",
      "state": "unknown",
      "expires_at": null,
      "refreshed_at": null,
      "login_expires_at": null,
      "last_error": null,
      "containers": []
    }
  ],
  "sinks": []
}
)");
}

TEST_CASE("a sink is reported with its last success and its failures since") {
  Overview overview = overview_of({});
  overview.sinks.push_back({"claude", "exec /bin/true", noon, 2, "exit status 1", "", noon});
  CHECK(overview_json(overview).find(R"(
    {
      "profile": "claude",
      "sink": "exec /bin/true",
      "delivered_at": "2026-11-24T12:00:00Z",
      "failures": 2,
      "error": "exit status 1",
      "failed_at": "2026-11-24T12:00:00Z"
    })") != std::string::npos);
}
