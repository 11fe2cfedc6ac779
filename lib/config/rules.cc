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
  return std::all_of(text.begin(), text.end(), [&](char c) { return is_one_of(c, more); });
}

Result<void> refuse(std::string_view text, std::string_view reason) {
  return Error::configuration(fmt::format("'{}' {}", text, reason));
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && is_one_of(text.front(), "") &&
         consists_of(text, "._-");
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.front() != '0' &&
         std::all_of(text.begin(), text.end(), [](char c) { return digits.find(c) != digits.npos; });
}

bool is_segment(std::string_view text) {
  if (text == "*") return true;
  return !text.empty() && text != "." && text != ".." && consists_of(text, "-._~");  // RFC 3986 section 2.3
}

bool is_request(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == 0 || space == text.npos) return false;
  const std::string_view method = text.substr(0, space);
  if (!std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
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

Result<void> Name::accept(std::string& text) {
  if (is_name(text)) return {};
  return refuse(text, "is not a valid name: use letters, digits, '.', '_' and '-'");
}

Result<void> Path::accept(std::string& text) {
  std::string normalised;
  if (!normalise_path(text, normalised)) return refuse(text, "is not an absolute path without '..'");
  text = std::move(normalised);
  return {};
}

Result<void> PathBelowRoot::accept(std::string& text) {
  TRY(Path::accept(text));
  if (text == "/") return refuse(text, "is the root directory");
  return {};
}

Result<void> RelativePath::accept(std::string& text) {
  std::string normalised;
  if (text.starts_with('/') || !normalise_path("/" + text, normalised))
    return refuse(text, "is not a relative path without '..'");
  text = normalised.substr(1);
  return {};
}

Result<void> ServerUrl::accept(std::string& text) {
  if (!text.starts_with("https://") && !text.starts_with("http://"))
    return refuse(text, "does not begin with https:// or http://");
  if (text.find_first_of("?#") != text.npos) return refuse(text, "has a query or a fragment");
  return {};
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

Result<void> LoopbackUrl::accept(std::string& text) {
  if (read(text)) return {};
  return refuse(text, "is not http://127.0.0.1/PATH or the like on a loopback address");
}

Result<void> Origin::accept(std::string& text) {
  constexpr std::string_view scheme = "https://";
  const bool is_origin = text.starts_with(scheme) && text.size() > scheme.size() &&
                         consists_of(std::string_view(text).substr(scheme.size()), ".:[]-");
  const auto on_loopback = LoopbackUrl::read(text + "/");
  if (is_origin || (on_loopback && on_loopback->path == "/")) return {};
  return refuse(text, "is not https://HOST");
}

Result<void> Pointer::accept(std::string& text) {
  if (is_json_pointer(text)) return {};
  return refuse(text, "is not a JSON Pointer (RFC 6901)");
}

Result<void> FileName::accept(std::string& text) {
  const bool is_ours = text == token_file || text.ends_with(".oci-oauth");
  if (text.find('/') != text.npos || text == "." || text == ".." || is_ours)
    return refuse(text, "is not a valid name for a delivered file");
  return {};
}

Result<void> ErrorCode::accept(std::string& text) {
  if (text.empty() || text.size() > 64 || !consists_of(text, "_.-"))
    return refuse(text, "is not an error code");
  return {};
}

Result<void> Variable::accept(std::string& text) {
  const bool begins_well = !text.empty() && digits.find(text.front()) == digits.npos;
  if (!begins_well || !consists_of(text, "_")) return refuse(text, "is not a valid variable name");
  return {};
}

Result<void> Parameter::accept(std::string& text) {
  constexpr std::string_view ours[] = {"grant_type",    "refresh_token", "client_id",
                                       "client_secret", "scope",         "access_token"};
  if (text.empty() || text.size() > 64 || !consists_of(text, "_.-"))
    return refuse(text, "is not the name of a parameter");
  if (std::find(std::begin(ours), std::end(ours), text) != std::end(ours))
    return refuse(text, "has a key of its own");
  return {};
}

Result<void> ApiRequest::accept(std::string& text) {
  if (!is_request(text)) return refuse(text, "is not \"METHOD PATH\"");
  return {};
}

Result<void> ByteCount::accept(std::string& text) {
  const bool fits = is_number(std::string_view(text).substr(0, text.size() - 1));
  if (!fits || (text.back() != 'k' && text.back() != 'm'))
    return refuse(text, "is not a size such as \"64m\"");
  return {};
}

std::uint16_t Port::number(std::string_view text) {
  return number_in<std::uint16_t>(text).value_or(0);  // also for one that is too large
}

Result<void> Port::accept(std::string& text) {
  if (!is_number(text) || number(text) == 0) return refuse(text, "is not a port between 1 and 65535");
  return {};
}

Result<void> Rate::accept(std::string& text) {
  if (!text.ends_with("/m") || !is_number(std::string_view(text).substr(0, text.size() - 2)))
    return refuse(text, "is not a rate such as \"600/m\"");
  return {};
}

Result<mode_t> Mode::read(std::string_view text) {
  mode_t mode = 0;
  const bool octal = !text.empty() && text.size() <= 4 &&
                     std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
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
