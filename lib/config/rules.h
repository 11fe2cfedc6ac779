// SPDX-License-Identifier: Apache-2.0
// What a text in a configuration may be. A rule has `type`, its word in the manual; `pattern`, a regular
// expression for the same texts, or `schema`, JSON Schema members; and why_not(), which may normalise the
// text. Result: nullptr, or why the text is refused, to follow the quoted text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

#define OCI_OAUTH_PATH_SCHEMA \
  R"("type": "string", "pattern": "^/", "not": {"anyOf": [{"pattern": "/\\.\\./"}, {"pattern": "/\\.\\.$"})"

// Any text, and the only one that may be empty.
struct AnyText {
  static constexpr std::string_view type = "text", schema = R"("type": "string")";
  static const char* why_not(std::string&) { return nullptr; }
};

struct Text {
  static constexpr std::string_view type = "text", schema = R"("type": "string", "minLength": 1)";
  static const char* why_not(std::string&) { return nullptr; }
};

// Also a file name: letters, digits, '.', '_', '-', at most 64.
struct Name {
  static constexpr std::string_view type = "name", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
  static const char* why_not(std::string& text);
};

// Absolute and without "..", normalised.
struct Path {
  static constexpr std::string_view type = "path", schema = OCI_OAUTH_PATH_SCHEMA "]}";
  static const char* why_not(std::string& text);
};

// The same, but not "/".
struct PathBelowRoot {
  static constexpr std::string_view type = "path",
                                    schema = OCI_OAUTH_PATH_SCHEMA R"(, {"pattern": "^/(\\.?/)*\\.?$"}]})";
  static const char* why_not(std::string& text);
};

// Below a directory: without ".." and a slash at its beginning, normalised.
struct RelativePath {
  static constexpr std::string_view
      type = "path",
      schema = R"("type": "string", "pattern": "^[^/]", "not": {"anyOf": [{"pattern": "^\\.\\./"},)"
               R"( {"pattern": "^\\.\\.$"}, {"pattern": "/\\.\\./"}, {"pattern": "/\\.\\.$"}]})";
  static const char* why_not(std::string& text);
};

// http or https, without a query or a fragment.
struct ServerUrl {
  static constexpr std::string_view type = "url", pattern = "^https?://[^?#]*$";
  static const char* why_not(std::string& text);
};

// An address of this host: "http://127.0.0.1:8080/callback". The port may be missing.
struct LoopbackAddress {
  std::string host;  // "127.0.0.1", "[::1]" or "localhost"
  std::uint16_t port = 0;
  std::string path;
};

// To which a browser returns, RFC 8252 section 7.3.
struct LoopbackUrl {
  static constexpr std::string_view
      type = "url",
      pattern =
          R"(^http://(127\.0\.0\.1|\[::1\]|localhost)(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?/[A-Za-z0-9._~/-]*$)";
  static std::optional<LoopbackAddress> read(std::string_view text);
  static const char* why_not(std::string& text);
};

// https://HOST[:PORT], RFC 6454; on a loopback address also http.
struct Origin {
  static constexpr std::string_view
      type = "url",
      pattern = R"(^(https://[A-Za-z0-9.:\[\]-]+|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]+)?)$)";
  static const char* why_not(std::string& text);
};

// A JSON Pointer (RFC 6901) to anything but the whole document.
struct Pointer {
  static constexpr std::string_view type = "pointer", pattern = "^(/([^/~]|~0|~1)*)+$";
  static const char* why_not(std::string& text);
};

// The name of a delivered file, which is not one of our own.
struct FileName {
  static constexpr std::string_view
      type = "name",
      schema =
          R"("type": "string", "pattern": "^[^/]+$", "not": {"pattern": "^(\\.|\\.\\.|token|.*\\.oci-oauth)$"})";
  static const char* why_not(std::string& text);
};

// Short and plain, because it appears in messages.
struct ErrorCode {
  static constexpr std::string_view type = "code", pattern = "^[A-Za-z0-9_.-]{1,64}$";
  static const char* why_not(std::string& text);
};

// The name of an environment variable that every shell and runtime takes, POSIX.1-2017 section 8.1.
struct Variable {
  static constexpr std::string_view type = "variable", pattern = "^[A-Za-z_][A-Za-z0-9_]*$";
  static const char* why_not(std::string& text);
};

// A parameter of a token request, or a member of its answer, that is not one of those that every refresh has.
struct Parameter {
  static constexpr std::string_view type = "name", pattern = "^[A-Za-z0-9_.-]{1,64}$";
  static const char* why_not(std::string& text);
};

// "METHOD PATH"; a segment "*" of the path matches any one segment.
struct ApiRequest {
  static constexpr std::string_view type = "request", pattern = R"(^[A-Z]+ (/([A-Za-z0-9._~-]+|\*))+$)";
  static const char* why_not(std::string& text);
};

// KiB or MiB, as nginx writes them: "512k", "64m".
struct ByteCount {
  static constexpr std::string_view type = "size", pattern = "^[1-9][0-9]{0,4}[km]$";
  static const char* why_not(std::string& text);
};

// A TCP port, in decimal digits.
struct Port {
  static constexpr std::string_view type = "port", pattern = "^[1-9][0-9]{0,4}$";
  static const char* why_not(std::string& text);
  static std::uint16_t number(std::string_view text);  // of an accepted text; 0 for an empty one
};

// A number per minute: "600/m".
struct Rate {
  static constexpr std::string_view type = "rate", pattern = "^[1-9][0-9]{0,4}/m$";
  static const char* why_not(std::string& text);
};

// An octal mode that its owner can read.
struct Mode {
  static constexpr std::string_view schema = R"("type": "string", "pattern": "^0?[4-7][0-7][0-7]$")";
  static Result<mode_t> read(std::string_view text);
};

// A duration as it is written in a configuration: "90s", "8s", "60m".
std::string duration_text(Milliseconds duration);

}  // namespace oci_oauth
