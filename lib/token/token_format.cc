// SPDX-License-Identifier: Apache-2.0
#include "token/token_format.h"

#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

Secret format_token(const Secret& token, Time expires_at, OutputFormat format) {
  switch (format) {
    case OutputFormat::raw:
      return Secret(fmt::format("{}\n", token.reveal()));
    case OutputFormat::header:
      return Secret(fmt::format("Authorization: Bearer {}\n", token.reveal()));
    case OutputFormat::json:
      break;
  }
  return write_json(
      json_object(
          {{"access_token", token.reveal()}, {"token_type", "Bearer"}, {"expires_at", rfc3339(expires_at)}}),
      JsonStyle::indented);
}

}  // namespace oci_oauth
