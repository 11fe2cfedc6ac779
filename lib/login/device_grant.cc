// SPDX-License-Identifier: Apache-2.0
// The device authorization grant (RFC 8628).
#include "base/fmt.h"
#include "login/device.h"
#include "login/session.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

void tell(Session& session, const DeviceAuthorization& device) {
  const Terminal& terminal = session.terminal();
  terminal.say(fmt::format(
      "open this address in a browser, on any device:\n\n  {}\n\nand enter this code:\n\n  {}\n\n",
      device.address, device.user_code));
  terminal.show_picture(device.complete_address.empty() ? device.address : device.complete_address);
  terminal.say(fmt::format("waiting for the login; the code is valid for {}\n", describe(device.lifetime)));
}

// One question. Result: nullopt if the person has not decided yet.
Result<std::optional<TokenAnswer>> ask(Session& session, const DeviceAuthorization& device,
                                       PollingSchedule& schedule) {
  const auto reply = session.post(session.server().token_url,
                                  {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                   {"device_code", device.device_code.reveal()}});
  const SteadyTime time = steady_clock::now();
  std::optional<TokenAnswer> none;
  TokenAnswer answer = reply ? session.read(*reply) : TokenAnswer();
  if (answer.kind == AnswerKind::granted) return std::optional(std::move(answer));
  if (answer.error_code == "authorization_pending") {
    schedule.note_pending(time);
  } else if (answer.error_code == "slow_down") {
    schedule.note_slow_down(time);
  } else if (!reply || answer.kind == AnswerKind::server_error || answer.kind == AnswerKind::throttled) {
    schedule.note_no_answer(time);
  } else {
    return session.refusal("token endpoint", *reply, {&device.device_code});
  }
  return none;
}

}  // namespace

Result<TokenAnswer> grant_by_device(Session& session) {
  const std::string& url = session.server().device_authorization_url;
  const std::string scope = fmt::format("{}", fmt::join(session.client().scopes, " "));
  const auto reply = TRY(session.post(url, scope.empty() ? Parameters() : Parameters{{"scope", scope}}));
  if (reply.status != 200) return session.refusal("device authorization endpoint", reply);
  auto device = TRY(parse_device_authorization(reply.body.reveal()));
  tell(session, device);
  PollingSchedule schedule(steady_clock::now(), device);
  while (!schedule.is_over()) {
    TRY(session.wait({}, schedule.next()));
    auto answer = TRY(ask(session, device, schedule));
    if (answer) return std::move(*answer);
  }
  return Error{ErrorKind::temporary, "the code has expired before somebody logged in with it"};
}

}  // namespace oci_oauth
