// SPDX-License-Identifier: Apache-2.0
#include "config/rules.h"

#include <sys/types.h>

#include <algorithm>
#include <charconv>

#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "config/provider.h"

namespace oci_oauth {

namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view alphanumerics = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool is_one_of(char c, std::string_view more) {
  return alphanumerics.find(c) != alphanumerics.npos || more.find(c) != more.npos;
}

bool consists_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) { return is_one_of(c, more); });
}

// Short and plain.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && consists_of(text, "._-");
}

// Of at most five digits, without a leading zero.
bool is_number(std::string_view text, std::string_view unit = "") {
  if (!text.ends_with(unit)) return false;
  text.remove_suffix(unit.size());
  return !text.empty() && text.size() <= 5 && text.front() != '0' &&
         text.find_first_not_of(digits) == text.npos;
}

bool is_segment(std::string_view text) {
  if (text == "*") return true;
  return !text.empty() && text != "." && text != ".." && consists_of(text, "-._~");  // RFC 3986 section 2.3
}

bool is_request(std::string_view text) {
  const std::string_view method = next_part(text, ' ');
  if (method.empty() || !std::ranges::all_of(method, [](char c) { return c >= 'A' && c <= 'Z'; }))
    return false;
  if (!text.starts_with('/') || text.ends_with('/')) return false;
  text.remove_prefix(1);
  while (!text.empty()) {
    if (!is_segment(next_part(text, '/'))) return false;
  }
  return true;
}

}  // namespace

const char* Name::why_not(std::string& text) {
  const bool is_name = is_word(text) && is_one_of(text.front(), "");
  return is_name ? nullptr : "is not a valid name: use letters, digits, '.', '_' and '-'";
}

const char* Path::why_not(std::string& text) {
  auto normalised = normalised_path(text);
  if (!normalised) return "is not an absolute path without '..'";
  text = std::move(*normalised);
  return nullptr;
}

const char* PathBelowRoot::why_not(std::string& text) {
  if (const char* why = Path::why_not(text)) return why;
  return text == "/" ? "is the root directory" : nullptr;
}

const char* RelativePath::why_not(std::string& text) {
  const auto normalised = text.starts_with('/') ? std::nullopt : normalised_path("/" + text);
  if (!normalised) return "is not a relative path without '..'";
  text = normalised->substr(1);
  return nullptr;
}

const char* ServerUrl::why_not(std::string& text) {
  if (!text.starts_with("https://") && !text.starts_with("http://"))
    return "does not begin with https:// or http://";
  if (text.find_first_of("?#") != text.npos) return "has a query or a fragment";
  return nullptr;
}

std::optional<LoopbackAddress> LoopbackUrl::read(std::string_view text) {
  LoopbackAddress address;
  for (const std::string_view host : {"127.0.0.1", "[::1]", "localhost"}) {
    if (text.starts_with(std::string("http://").append(host))) address.host = host;
  }
  if (address.host.empty()) return std::nullopt;
  text.remove_prefix(std::string_view("http://").size() + address.host.size());
  if (text.starts_with(":")) {
    const char* const end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data() + 1, end, address.port);
    if (failure != std::errc() || text[1] == '0') return std::nullopt;
    text = {rest, end};
  }
  if (!text.starts_with('/') || !consists_of(text, "-._~/")) return std::nullopt;
  address.path = text;
  return address;
}

const char* LoopbackUrl::why_not(std::string& text) {
  return read(text) ? nullptr : "is not an http URL on a loopback address, such as http://127.0.0.1/callback";
}

const char* Origin::why_not(std::string& text) {
  constexpr std::string_view scheme = "https://";
  const bool is_origin = text.starts_with(scheme) && text.size() > scheme.size() &&
                         consists_of(std::string_view(text).substr(scheme.size()), ".:[]-");
  const auto on_loopback = LoopbackUrl::read(text + "/");
  return is_origin || (on_loopback && on_loopback->path == "/") ? nullptr : "is not https://HOST";
}

const char* Pointer::why_not(std::string& text) {
  return is_json_pointer(text) ? nullptr : "is not a JSON Pointer (RFC 6901)";
}

const char* FileName::why_not(std::string& text) {
  const bool is_ours = text == token_file || text.ends_with(".oci-oauth");
  const bool is_name = text.find('/') == text.npos && text != "." && text != "..";
  return is_name && !is_ours ? nullptr : "is not a valid name for a delivered file";
}

const char* ErrorCode::why_not(std::string& text) {
  return is_word(text) ? nullptr : "is not an error code";
}

const char* Variable::why_not(std::string& text) {
  const bool begins_well = !text.empty() && digits.find(text.front()) == digits.npos;
  return begins_well && consists_of(text, "_") ? nullptr : "is not a valid variable name";
}

const char* Parameter::why_not(std::string& text) {
  constexpr std::string_view ours[] = {"grant_type",    "refresh_token", "client_id",
                                       "client_secret", "scope",         "access_token"};
  if (!is_word(text)) return "is not the name of a parameter";
  return std::ranges::find(ours, text) == std::end(ours) ? nullptr : "has a key of its own";
}

const char* ApiRequest::why_not(std::string& text) {
  return is_request(text) ? nullptr : "is not \"METHOD PATH\"";
}

const char* ByteCount::why_not(std::string& text) {
  return is_number(text, "k") || is_number(text, "m") ? nullptr : "is not a size such as \"64m\"";
}

std::uint16_t Port::number(std::string_view text) {
  return number_in<std::uint16_t>(text).value_or(0);  // also for one that is too large
}

const char* Port::why_not(std::string& text) {
  return is_number(text) && number(text) != 0 ? nullptr : "is not a port between 1 and 65535";
}

const char* Rate::why_not(std::string& text) {
  return is_number(text, "/m") ? nullptr : "is not a rate such as \"600/m\"";
}

Result<mode_t> Mode::read(std::string_view text) {
  const auto mode = number_in<mode_t>(text, 8);
  if (mode && text.size() <= 4 && *mode <= 0777 && (*mode & 0400) != 0) return *mode;
  return Error::configuration(
      fmt::format("'{}' is not an octal mode between \"0400\" and \"0777\" that its owner can read", text));
}

std::string duration_text(Milliseconds duration) {
  constexpr std::pair<Milliseconds, const char*> units[] = {{std::chrono::hours(24), "d"},
                                                            {std::chrono::hours(1), "h"},
                                                            {std::chrono::minutes(1), "m"},
                                                            {std::chrono::seconds(1), "s"}};
  for (const auto& [length, unit] : units) {
    if (duration.count() != 0 && duration % length == Milliseconds(0))
      return fmt::format("{}{}", duration / length, unit);
  }
  return fmt::format("{}ms", duration.count());
}

}  // namespace oci_oauth
