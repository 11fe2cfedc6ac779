// SPDX-License-Identifier: Apache-2.0
#include "login/device_grant.h"

#include <qrencode.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"
#include "http/url.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto slower = seconds(5);  // for each slow_down
constexpr Milliseconds longest_interval = std::chrono::minutes(1),
                       longest_lifetime = std::chrono::minutes(30);

// A server that says nonsense is asked neither without a pause nor forever.
Milliseconds duration(const JsonValue& answer, const char* key, Milliseconds otherwise,
                      Milliseconds longest) {
  const JsonValue* const value = json_member(answer, key);
  if (value == nullptr || !value->IsNumber()) return otherwise;
  const double count = std::clamp(value->GetDouble(), 1.0, 1e6);
  return std::min<Milliseconds>(seconds(static_cast<seconds::rep>(count)), longest);
}

constexpr int quiet_zone = 4;  // modules on each side
constexpr const char* white_on_black = "\033[97;40m";
constexpr const char* plain = "\033[0m";

bool is_dark(const QRcode& symbol, int row, int column) {
  const bool is_inside = row >= 0 && row < symbol.width && column >= 0 && column < symbol.width;
  return is_inside && (symbol.data[row * symbol.width + column] & 1) != 0;
}

// As a QR code, if it fits on the terminal.
void show(const std::string& address, const Terminal& terminal) {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return;
  if (const std::string picture = qr_code(address, size.ws_col); !picture.empty())
    terminal.say(picture + "\n");
}

void tell(Session& session, const DeviceAuthorization& device) {
  const Terminal& terminal = session.terminal();
  terminal.say(fmt::format(
      "open this address in a browser, on any device:\n\n  {}\n\nand enter this code:\n\n  {}\n\n",
      device.address, device.user_code));
  show(device.complete_address.empty() ? device.address : device.complete_address, terminal);
  terminal.say(fmt::format("waiting for the login; the code is valid for {}\n", describe(device.lifetime)));
}

}  // namespace

std::string qr_code(const std::string& text, int columns) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> symbol(
      QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_L), QRcode_free);
  if (symbol == nullptr || symbol->width + 2 * quiet_zone > columns) return "";
  std::string picture;
  for (int row = -quiet_zone; row < symbol->width + quiet_zone; row += 2) {
    picture += white_on_black;
    for (int column = -quiet_zone; column < symbol->width + quiet_zone; ++column) {
      const bool upper = is_dark(*symbol, row, column), lower = is_dark(*symbol, row + 1, column);
      picture += upper ? (lower ? " " : "\u2584") : (lower ? "\u2580" : "\u2588");
    }
    picture += std::string(plain) + "\n";
  }
  return picture;
}

Result<DeviceAuthorization> parse_device_authorization(std::string_view text) {
  const auto json = parse_json_leniently(text);
  const auto member = [&](const char* key) {
    return std::string(json ? json_string(*json, key).value_or("") : "");
  };
  DeviceAuthorization authorization = {Secret(member("device_code")),
                                       printable(member("user_code"), longest_words),
                                       member("verification_uri"), member("verification_uri_complete")};
  const std::pair<const char*, bool> needed[] = {{"device_code", authorization.device_code.empty()},
                                                 {"user_code", authorization.user_code.empty()},
                                                 {"verification_uri", !check_url(authorization.address)}};
  for (const auto& [key, is_missing] : needed) {
    if (is_missing) return Error{ErrorKind::failed, fmt::format("the server's answer has no usable {}", key)};
  }
  if (!check_url(authorization.complete_address)) authorization.complete_address.clear();
  authorization.address = printable(authorization.address, longest_words);
  authorization.lifetime = duration(*json, "expires_in", authorization.lifetime, longest_lifetime);
  authorization.interval = duration(*json, "interval", authorization.interval, longest_interval);
  return authorization;
}

void PollingSchedule::note_slow_down(SteadyTime now) {
  interval_ += slower;
  note_pending(now);
}

void PollingSchedule::note_no_answer(SteadyTime now) {
  interval_ = std::min<Milliseconds>(interval_ * 2, longest_interval);
  note_pending(now);
}

Result<TokenAnswer> grant_by_device(Session& session) {
  const std::string& url = session.server().device_authorization_url;
  const std::string scope = fmt::format("{}", fmt::join(session.client().scopes, " "));
  const auto reply = TRY(session.post(url, scope.empty() ? Parameters() : Parameters{{"scope", scope}}));
  if (reply.status != 200) return session.refusal("device authorization endpoint", reply);
  const auto device = TRY(parse_device_authorization(reply.body.reveal()));
  tell(session, device);
  PollingSchedule schedule(steady_clock::now(), device);
  while (!schedule.is_over()) {
    TRY(session.wait({}, schedule.next()));
    const auto asked = session.post(session.server().token_url,
                                    {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                     {"device_code", device.device_code.reveal()}});
    const SteadyTime time = steady_clock::now();
    TokenAnswer answer = asked ? session.read(*asked) : TokenAnswer();
    if (answer.kind == AnswerKind::granted) return answer;
    if (answer.error_code == "authorization_pending") {
      schedule.note_pending(time);
    } else if (answer.error_code == "slow_down") {
      schedule.note_slow_down(time);
    } else if (!asked || answer.kind == AnswerKind::server_error || answer.kind == AnswerKind::throttled) {
      schedule.note_no_answer(time);
    } else {
      return session.refusal("token endpoint", *asked, {&device.device_code});
    }
  }
  return Error{ErrorKind::temporary, "the code has expired before somebody logged in with it"};
}

}  // namespace oci_oauth
