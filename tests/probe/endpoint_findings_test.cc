// SPDX-License-Identifier: Apache-2.0
#include "probe/login_findings.h"

#include "support/catch.h"
#include "support/overviews.h"
#include "support/record_equal.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

using test::noon;

// A profile's endpoint, and what it answers.
struct EndpointScene {
  Profile profile;
  Provider provider;
  RequestResult answer = HttpReply{.status = 405, .date = "Tue, 24 Nov 2026 12:00:00 GMT"};
  mutable std::vector<std::string> methods, urls, agents;

  EndpointScene() {
    profile.name = "claude";
    provider.token_url = "https://provider.example/token";
    provider.user_agent = "agent/1";
  }
  Finding finding() {
    const Findings found = examine_endpoint(profile, provider, noon, [this](const HttpRequest& request) {
      methods.push_back(request.method);
      urls.push_back(request.url);
      agents.push_back(request.user_agent);
      return std::move(answer);
    });
    REQUIRE(found.size() == 1);
    CHECK(found.front().check == "token endpoint of 'claude'");
    return found.front();
  }
  // With the server's clock at `date`.
  Finding at(std::string date) {
    answer = HttpReply{.status = 200, .date = std::move(date)};
    return finding();
  }
};

}  // namespace

TEST_CASE("any answer shows that the endpoint is there, and nothing is sent to it") {
  EndpointScene scene;
  CHECK(scene.finding() ==
        Finding{"token endpoint of 'claude'", Verdict::ok,
                "https://provider.example/token: answers, its certificate is trusted, and the "
                "clocks agree",
                ""});
  CHECK(scene.methods == std::vector<std::string>{"HEAD"});
  CHECK(scene.agents == std::vector<std::string>{"agent/1"});
}

TEST_CASE("a profile's own endpoint is the one that is asked") {
  EndpointScene scene;
  scene.profile.token_url = "http://127.0.0.1:8080/token";
  CHECK(scene.at("").message == "http://127.0.0.1:8080/token: answers");
  CHECK(scene.urls == std::vector<std::string>{"http://127.0.0.1:8080/token"});
}

TEST_CASE("clocks that differ by a minute or more are a warning, in either direction") {
  EndpointScene scene;
  CHECK(scene.at("Tue, 24 Nov 2026 11:59:01 GMT").verdict == Verdict::ok);
  CHECK(scene.at("Tue, 24 Nov 2026 12:00:59 GMT").verdict == Verdict::ok);
  const Finding ahead = scene.at("Tue, 24 Nov 2026 11:59:00 GMT");
  CHECK(ahead.verdict == Verdict::warning);
  CHECK_THAT(ahead.message, Contains("this host's clock is 1 min ahead of the server's"));
  CHECK(ahead.remedy == "sudo timedatectl set-ntp true");
  CHECK_THAT(scene.at("Tue, 24 Nov 2026 14:00:00 GMT").message, Contains("2 h 0 min behind the server's"));
}

TEST_CASE("a server that does not say what time it is has no clock to compare") {
  EndpointScene scene;
  CHECK(scene.at("yesterday").message ==
        "https://provider.example/token: answers, its certificate is trusted");
}

TEST_CASE("an endpoint that cannot be reached is a problem with the reason") {
  EndpointScene scene;
  scene.answer = RequestFailure{RequestFailure::Sent::no, "connect to provider.example:443: timed out"};
  CHECK(scene.finding().verdict == Verdict::problem);
  scene.answer = RequestFailure{RequestFailure::Sent::no, "connect to provider.example:443: timed out"};
  CHECK(scene.finding().message == "connect to provider.example:443: timed out");
}

TEST_CASE("a URL that may not be asked is a problem, and nothing is asked") {
  EndpointScene scene;
  scene.provider.token_url = "http://provider.example/token";
  CHECK_THAT(scene.finding().message,
             Contains("token_url: ") && Contains("neither https nor http to a loopback"));
  CHECK(scene.methods.empty());
}
