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

// The picture's upper half lines: true where it is light.
std::vector<std::vector<bool>> rows_of(const std::string& picture) {
  std::vector<std::vector<bool>> rows;
  size_t at = 0;
  while ((at = picture.find('m', at)) != std::string::npos) {
    const size_t end = picture.find("\033[0m", at);
    rows.emplace_back();
    rows.emplace_back();
    for (std::string_view left = std::string_view(picture).substr(at + 1, end - at - 1); !left.empty();) {
      const size_t size = left.front() == ' ' ? 1 : 3;
      const std::string_view block = left.substr(0, size);
      rows[rows.size() - 2].push_back(block == "\u2588" || block == "\u2580");
      rows[rows.size() - 1].push_back(block == "\u2588" || block == "\u2584");
      left.remove_prefix(size);
    }
    at = picture.find('\n', end);
  }
  return rows;
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

TEST_CASE("a QR code has three finder patterns in a quiet zone") {
  const auto rows = rows_of(qr_code("https://example.com/device?user_code=WDJB-MJHT", 80));
  REQUIRE(rows.size() >= 29);
  const size_t width = rows[0].size();
  CHECK((width - 8 - 17) % 4 == 0);
  for (size_t i = 0; i < width; ++i) CHECK((rows[0][i] && rows[3][i] && rows[i][0] && rows[i][width - 1]));
  // A dark ring of 7, a light one of 5, a dark square of 3.
  for (const auto& [top, left] :
       {std::pair{4UL, 4UL}, std::pair{4UL, width - 11}, std::pair{width - 11, 4UL}}) {
    for (size_t y = 0; y < 7; ++y) {
      for (size_t x = 0; x < 7; ++x) {
        const size_t ring = std::min({x, y, 6 - x, 6 - y});
        CHECK(rows[top + y][left + x] == (ring == 1));
      }
    }
  }
}

TEST_CASE("what is too long for a QR code, or for the terminal, has none") {
  CHECK(qr_code(std::string(5000, 'x'), 1000).empty());
  CHECK_FALSE(qr_code("x", 29).empty());
  CHECK(qr_code("x", 28).empty());
}
