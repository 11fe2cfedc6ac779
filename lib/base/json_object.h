// SPDX-License-Identifier: Apache-2.0
// Reads a configuration object member by member and keeps the first error: a wrong type, a missing key or an
// unknown key, reported as "SOURCE: /pointer/to/key: reason".
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

class JsonObject {
 public:
  JsonObject(const JsonValue& value, std::string source, std::string pointer = "");

  // These leave the target unchanged if the key is absent.
  void string(std::string_view key, std::string& target);
  void boolean(std::string_view key, bool& target);
  void strings(std::string_view key, std::vector<std::string>& target);
  void path(std::string_view key, std::string& target);                // absolute, without "..", normalised
  void paths(std::string_view key, std::vector<std::string>& target);  // one, or an array of them
  void duration(std::string_view key, Milliseconds& target);

  // A string that `convert` accepts: Result<void> convert(std::string_view).
  void text(std::string_view key, const std::function<Result<void>(std::string_view)>& convert);

  // Calls the reader for the members of an object under `key`, or for the elements of an array of objects.
  void members(std::string_view key,
               const std::function<Result<void>(std::string_view name, const JsonValue& value,
                                                const std::string& pointer)>& read);
  void elements(std::string_view key,
                const std::function<Result<void>(const JsonValue& value, const std::string& pointer)>& read);

  // The member itself, for special readers; nullptr if it is absent.
  const JsonValue* take(std::string_view key);

  void require(std::string_view key);
  void fail(std::string_view key, std::string_view reason);

  // Failure (configuration): the first error; unknown keys come last.
  Result<void> finish();
  // The same, but ignores unknown keys: for a record that another version may have written.
  Result<void> mistake() const { return first_; }

 private:
  std::string at(std::string_view key) const { return pointer_ + "/" + std::string(key); }
  void keep(Error error);

  const JsonValue& value_;
  std::string source_, pointer_;
  std::vector<std::string> known_;
  Result<void> first_;
};

// A configuration file's text, with comments. Failure: as parse_json, kind configuration.
Result<JsonDocument> parse_configuration(std::string_view text, std::string_view source);

// "SOURCE: POINTER: reason", kind configuration.
Error configuration_error(std::string_view source, std::string_view pointer, std::string_view reason);

}  // namespace oci_oauth
