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

constexpr size_t longest_name = 64;
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";

bool is_one_of(char c, std::string_view more) {
  return letters.find(c) != letters.npos || digits.find(c) != digits.npos || more.find(c) != more.npos;
}

bool consists_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) { return is_one_of(c, more); });
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && is_one_of(text.front(), "") &&
         consists_of(text, "._-");
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.front() != '0' &&
         std::ranges::all_of(text, [](char c) { return digits.find(c) != digits.npos; });
}

bool is_segment(std::string_view text) {
  if (text == "*") return true;
  return !text.empty() && text != "." && text != ".." && consists_of(text, "-._~");  // RFC 3986 section 2.3
}

bool is_request(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == 0 || space == text.npos) return false;
  const std::string_view method = text.substr(0, space);
  if (!std::ranges::all_of(method, [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
  std::string_view path = text.substr(space + 1);
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    if (!is_segment(path.substr(0, end))) return false;
    path.remove_prefix(end);
    if (path.empty()) return true;
  }
  return false;
}

}  // namespace

const char* Name::why_not(std::string& text) {
  return is_name(text) ? nullptr : "is not a valid name: use letters, digits, '.', '_' and '-'";
}

const char* Path::why_not(std::string& text) {
  std::string normalised;
  if (!normalise_path(text, normalised)) return "is not an absolute path without '..'";
  text = std::move(normalised);
  return nullptr;
}

const char* PathBelowRoot::why_not(std::string& text) {
  if (const char* why = Path::why_not(text)) return why;
  return text == "/" ? "is the root directory" : nullptr;
}

const char* RelativePath::why_not(std::string& text) {
  std::string normalised;
  if (text.starts_with('/') || !normalise_path("/" + text, normalised))
    return "is not a relative path without '..'";
  text = normalised.substr(1);
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
  if (text.find('/') != text.npos || text == "." || text == ".." || is_ours)
    return "is not a valid name for a delivered file";
  return nullptr;
}

const char* ErrorCode::why_not(std::string& text) {
  if (text.empty() || text.size() > 64 || !consists_of(text, "_.-")) return "is not an error code";
  return nullptr;
}

const char* Variable::why_not(std::string& text) {
  const bool begins_well = !text.empty() && digits.find(text.front()) == digits.npos;
  if (!begins_well || !consists_of(text, "_")) return "is not a valid variable name";
  return nullptr;
}

const char* Parameter::why_not(std::string& text) {
  constexpr std::string_view ours[] = {"grant_type",    "refresh_token", "client_id",
                                       "client_secret", "scope",         "access_token"};
  if (text.empty() || text.size() > 64 || !consists_of(text, "_.-")) return "is not the name of a parameter";
  if (std::ranges::find(ours, text) != std::end(ours)) return "has a key of its own";
  return nullptr;
}

const char* ApiRequest::why_not(std::string& text) {
  return is_request(text) ? nullptr : "is not \"METHOD PATH\"";
}

const char* ByteCount::why_not(std::string& text) {
  const bool fits = is_number(std::string_view(text).substr(0, text.size() - 1));
  if (!fits || (text.back() != 'k' && text.back() != 'm')) return "is not a size such as \"64m\"";
  return nullptr;
}

std::uint16_t Port::number(std::string_view text) {
  return number_in<std::uint16_t>(text).value_or(0);  // also for one that is too large
}

const char* Port::why_not(std::string& text) {
  if (!is_number(text) || number(text) == 0) return "is not a port between 1 and 65535";
  return nullptr;
}

const char* Rate::why_not(std::string& text) {
  if (!text.ends_with("/m") || !is_number(std::string_view(text).substr(0, text.size() - 2)))
    return "is not a rate such as \"600/m\"";
  return nullptr;
}

Result<mode_t> Mode::read(std::string_view text) {
  mode_t mode = 0;
  const bool octal = !text.empty() && text.size() <= 4 &&
                     std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; });
  for (const char digit : text) mode = mode * 8 + static_cast<mode_t>(digit - '0');
  if (octal && mode <= 0777 && (mode & 0400) != 0) return mode;
  return Error::configuration(
      fmt::format("'{}' is not an octal mode between \"0400\" and \"0777\" that its owner can read", text));
}

std::string Mode::text(mode_t mode) {
  return fmt::format("{:04o}", mode);
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
