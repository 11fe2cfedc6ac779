// SPDX-License-Identifier: Apache-2.0
// The device authorization grant (RFC 8628): a person logs in on another device, and we ask whether that is
// done.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "exchange/token_answer.h"
#include "login/session.h"

namespace oci_oauth {

// From the first request to the answer that grants tokens. Failure: as grant_by_code().
Result<TokenAnswer> grant_by_device(Session& session);

struct DeviceAuthorization {
  Secret device_code;
  std::string user_code, address;
  std::string complete_address;  // with the code in it; empty: the server has none
  Milliseconds lifetime = std::chrono::minutes(10), interval = std::chrono::seconds(5);
};

// An answer of section 3.2. Texts for people are printable, and addresses can be opened. Failure: what is
// missing.
Result<DeviceAuthorization> parse_device_authorization(std::string_view text);

// `text` as a QR code (ISO/IEC 18004) of lines of block characters, in its own colours; empty if it is too
// long, or wider than `columns`.
std::string qr_code(const std::string& text, int columns);

// When to ask the token endpoint (section 3.5). Pure: time is an argument.
class PollingSchedule {
 public:
  PollingSchedule(SteadyTime begin, const DeviceAuthorization& authorization)
      : interval_(authorization.interval),
        next_(begin + authorization.interval),
        end_(begin + authorization.lifetime) {}

  SteadyTime next() const { return next_; }
  bool is_over() const { return next_ >= end_; }  // the code will have expired

  void note_pending(SteadyTime now) { next_ = now + interval_; }
  void note_slow_down(SteadyTime now);
  void note_no_answer(SteadyTime now);

 private:
  Milliseconds interval_;
  SteadyTime next_, end_;
};

}  // namespace oci_oauth
