// SPDX-License-Identifier: Apache-2.0
#include "base/json_schema.h"

#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

std::string text_of(const rapidjson::SchemaDocument::PointerType& pointer) {
  rapidjson::StringBuffer buffer;
  pointer.Stringify(buffer);
  return buffer.GetSize() == 0 ? "/" : buffer.GetString();
}

}  // namespace

Result<void> check_schema(const JsonValue& value, std::string_view schema, std::string_view source) {
  // RapidJSON's schemas want its own allocator; there is no secret in one.
  rapidjson::Document json;
  json.Parse(schema.data(), schema.size());
  const rapidjson::SchemaDocument compiled(json);
  rapidjson::SchemaValidator validator(compiled);
  if (value.Accept(validator)) return {};
  return Error{
      ErrorKind::configuration,
      fmt::format("{}: {}: does not fit the schema: {}", source,
                  text_of(validator.GetInvalidDocumentPointer()), validator.GetInvalidSchemaKeyword()),
      "man 5 oci-oauth-config"};
}

}  // namespace oci_oauth
