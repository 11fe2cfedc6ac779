// SPDX-License-Identifier: Apache-2.0
#include "report/config_schema.h"

#include "base/json_object.h"
#include "base/json_schema.h"

namespace oci_oauth {

namespace {

Result<void> check(std::string_view text, std::string_view source, std::string_view schema) {
  auto json = TRY(parse_configuration(text, source));
  return check_schema(json, schema, source);
}

}  // namespace

Result<void> check_config_text(std::string_view text, std::string_view source) {
  return check(text, source, config_schema);
}

Result<void> check_provider_text(std::string_view text, std::string_view source) {
  return check(text, source, provider_schema);
}

}  // namespace oci_oauth
