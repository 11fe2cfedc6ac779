// SPDX-License-Identifier: Apache-2.0
#include "exchange/due.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

constexpr Time eight = Time(1'800'000'000'000ms);

// A request after what is known, at eight o'clock.
struct Known {
  ExchangeRequest request;
  std::vector<std::string> notices;

  std::optional<ExchangeFailure> failure(const std::string& hash, Time time = eight) {
    return known_failure(request, hash, "/login", notices, time);
  }
};

}  // namespace

TEST_CASE("a request that was refused for good is not sent again, unless it is forced or another one") {
  Known known;
  CHECK_FALSE(known.failure("r"));
  known.request.known.history.dead_request_hash = "r";
  const auto failed = known.failure("r");
  REQUIRE(failed);
  CHECK(failed->is_known);
  CHECK(failed->kind == FailureKind::login_required);
  CHECK(failed->message == "/login: the server refused this refresh token for good");
  CHECK_FALSE(known.failure("another"));
  CHECK(known.notices.empty());
  known.request.force = Force::yes;
  CHECK_FALSE(known.failure("r"));
  CHECK(known.notices.size() == 1);
}

TEST_CASE("a request that failed is not sent again during its pause") {
  Known known;
  known.request.known.published.not_before = eight + 1min;
  known.request.known.published.last_error =
      LastError{FailureKind::server, "token endpoint: 503", "", eight - 1s};
  known.request.known.history.failed_request_hash = "r";
  const auto failed = known.failure("r");
  REQUIRE(failed);
  CHECK(failed->kind == FailureKind::server);
  CHECK_THAT(failed->message, Contains("before 2027-01-15T08:01:00Z: token endpoint: 503"));
  CHECK_FALSE(known.failure("another"));
  CHECK_FALSE(known.failure("r", eight + 1min));
}
