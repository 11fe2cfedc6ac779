// SPDX-License-Identifier: Apache-2.0
#include "login/device_grant.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

const SteadyTime noon = SteadyTime(1000h);

DeviceAuthorization a_device(Milliseconds lifetime, Milliseconds interval) {
  DeviceAuthorization device;
  device.lifetime = lifetime;
  device.interval = interval;
  return device;
}

}  // namespace

TEST_CASE("a device authorization answer, as RFC 8628 has it") {
  const auto device = parse_device_authorization(R"({"device_code": "GmRhm", "user_code": "WDJB-MJHT",
      "verification_uri": "https://example.com/device", "expires_in": 1800, "interval": 7,
      "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT"})");
  REQUIRE(device);
  CHECK(device->device_code.reveal() == "GmRhm");
  CHECK(device->user_code == "WDJB-MJHT");
  CHECK(device->address == "https://example.com/device");
  CHECK(device->complete_address == "https://example.com/device?user_code=WDJB-MJHT");
  CHECK(device->lifetime == 30min);
  CHECK(device->interval == 7s);
}

TEST_CASE("what the answer leaves open has a default, and nonsense has bounds") {
  const auto with = [](const std::string& members) {
    return parse_device_authorization(
        R"({"device_code": "d", "user_code": "u\u001b[2J", "verification_uri": "https://e/")" + members +
        "}");
  };
  CHECK(with("")->lifetime == 10min);
  CHECK(with("")->interval == 5s);
  CHECK(with("")->user_code == "u?[2J");
  CHECK(with(R"(, "interval": 0)")->interval == 1s);
  CHECK(with(R"(, "interval": -1e300, "expires_in": 1e300)")->interval == 1s);
  CHECK(with(R"(, "interval": 86400)")->interval == 1min);
  CHECK(with(R"(, "expires_in": 1e300)")->lifetime == 30min);
  CHECK(with(R"(, "expires_in": "soon")")->lifetime == 10min);
  CHECK(with(R"x(, "verification_uri_complete": "javascript:alert(1)")x")->complete_address.empty());
}

TEST_CASE("an answer that lacks something is not a device authorization") {
  for (const char* text : {"", "[]", "{}", R"({"device_code": "d", "user_code": "u"})",
                           R"({"device_code": "d", "user_code": "u", "verification_uri": "http://e/"})",
                           R"({"device_code": "", "user_code": "u", "verification_uri": "https://e/"})",
                           R"({"device_code": "d", "user_code": 1, "verification_uri": "https://e/"})"}) {
    INFO(text);
    const auto device = parse_device_authorization(text);
    REQUIRE_FALSE(device);
    CHECK_THAT(device.error().message, Catch::StartsWith("the server's answer has no usable "));
  }
}

TEST_CASE("the server is asked once an interval, and five seconds later after each slow_down") {
  PollingSchedule schedule(noon, a_device(60s, 5s));
  CHECK(schedule.next() == noon + 5s);
  schedule.note_pending(noon + 6s);
  CHECK(schedule.next() == noon + 11s);
  schedule.note_slow_down(noon + 11s);
  CHECK(schedule.next() == noon + 21s);
  schedule.note_slow_down(noon + 21s);
  CHECK(schedule.next() == noon + 36s);
  CHECK_FALSE(schedule.is_over());
  schedule.note_pending(noon + 45s);
  CHECK(schedule.is_over());
}

TEST_CASE("a server that does not answer is asked at half the rate each time, at least once a minute") {
  PollingSchedule schedule(noon, a_device(30min, 20s));
  schedule.note_no_answer(noon);
  CHECK(schedule.next() == noon + 40s);
  schedule.note_no_answer(noon);
  CHECK(schedule.next() == noon + 1min);
}
