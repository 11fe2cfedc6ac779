// SPDX-License-Identifier: Apache-2.0
#include "delivery/document.h"

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/json_edit.h"
#include "base/selinux.h"
#include "delivery/examined_file.h"

namespace oci_oauth {

namespace {

constexpr size_t published_limit = MiB;
constexpr std::string_view blanks = " \t\r\n";

// The depth is bounded, because parse_json made the value.
bool holds_token_under(const JsonValue& value, std::string_view own) {
  if (value.IsArray()) {
    for (const JsonValue& element : value.GetArray()) {
      if (holds_token_under(element, own)) return true;
    }
  }
  if (!value.IsObject()) return false;
  for (const auto& [name, inner] : value.GetObject()) {
    const std::string_view key = json_text(name);
    const bool is_token = names_refresh_token(key) || (!own.empty() && key == own);
    if (is_token && inner.IsString() && inner.GetStringLength() > 0) return true;
    if (holds_token_under(inner, own)) return true;
  }
  return false;
}

Judgement foreign(std::string why) {
  return {Content::foreign, true, std::move(why)};
}

Judgement judge_whole(std::string_view text, const WrittenFile& file, const Fingerprints& known) {
  if (known.contains(fingerprint(text))) return {Content::ours};
  return foreign(holds_refresh_token(text, file.refresh_token) ? "contains a refresh token"
                                                               : "was not written by oci-oauth");
}

// Whether there is anything in the objects on the way to `path`, except what leads there.
bool is_shared(const JsonValue& document, const JsonPath& path) {
  const JsonValue* at = &document;
  for (const std::string& step : path) {
    if (!at->IsObject()) return true;
    const JsonValue* next = json_member(*at, step);
    if (at->MemberCount() > (next == nullptr ? 0U : 1U)) return true;
    if (next == nullptr) return false;
    at = next;
  }
  return false;
}

Judgement judge_member(const JsonDocument& document, const WrittenFile& file, const Secret* published,
                       const Fingerprints& known) {
  const JsonPath path = parse_json_pointer(file.member).value_or(JsonPath());
  const JsonValue* member = json_at(document, path);
  const bool has_others = is_shared(document, path);
  if (member == nullptr) return {Content::blank, has_others};
  if (!json_text(json_at(document, file.refresh_token)).empty() ||
      holds_refresh_token(*member, file.refresh_token))
    return foreign("contains a refresh token");
  const std::string_view token = json_text(json_at(document, file.access_token));
  if (published != nullptr) {
    const auto wanted = parse_json(published->reveal(), "");
    const JsonValue* ours = wanted ? json_at(*wanted, file.member) : nullptr;
    if (ours != nullptr && *ours == *member) return {Content::current, has_others};
    if (ours != nullptr && !token.empty() && token == json_text(json_at(*wanted, file.access_token)))
      return {Content::ours, has_others};
  }
  if (token.empty() && (member->IsObject() || member->IsNull())) return {Content::blank, has_others};
  if (known.contains(fingerprint(token))) return {Content::ours, has_others};
  return foreign("contains an access token that is not from oci-oauth");
}

}  // namespace

std::vector<WrittenFile> delivered_files(const Provider& provider) {
  std::vector<WrittenFile> files;
  files.push_back({.name = std::string(token_file)});
  for (const DeliveredFile& file : provider.deliver) {
    files.push_back({.name = file.name,
                     .member = file.member,
                     .access_token = file.member.empty() ? "" : file.access_token,
                     .refresh_token = file.refresh_token});
  }
  return files;
}

const Secret* Share::find(std::string_view name) const {
  const auto found = files.find(name);
  return found == files.end() ? nullptr : &found->second;
}

std::string Share::fingerprint(const WrittenFile& file) const {
  const auto found = fingerprints.find({file.name, file.access_token});
  return found == fingerprints.end() ? "" : found->second;
}

Result<Share> read_share(int share, const std::vector<WrittenFile>& files) {
  const auto directory = file_id(share);
  if (!directory) return Error::from_errno(errno, "share");
  Share content = {*directory, {}, {}};
  for (const WrittenFile& file : files) {
    if (!content.files.contains(file.name)) {
      auto text =
          read_file({share, file.name, fmt::format("share: {}", file.name)}, published_limit, Links::refused);
      if (!text && text.error().kind == ErrorKind::not_found) continue;
      if (!text) return std::move(text).error();
      content.files.emplace(file.name, Secret(std::move(*text)));
    }
    std::string& mark = content.fingerprints[{file.name, file.access_token}];
    if (mark.empty()) mark = fingerprint_of(*content.find(file.name), file);
  }
  return content;
}

Result<void> label_share(int share, std::string_view mount_label) {
  if (mount_label.empty() || !selinux_is_on()) return {};
  const std::string label = without_categories(mount_label);
  TRY(set_selinux_label(share, label, "share"));
  const auto names = TRY(names_in({share, ".", "share"}));
  for (const std::string& name : names) {
    if (name.ends_with(temporary_suffix)) continue;
    auto file = TRY(open_file({share, name, "share: " + name}, O_RDONLY | O_NOFOLLOW));
    TRY(set_selinux_label(file.get(), label, "share: " + name));
  }
  return {};
}

void plan_delivery(DeliveryRecord& delivery, const Share& share) {
  for (WrittenFile& file : delivery.files) {
    std::string ours = share.fingerprint(file);
    const bool is_known = std::ranges::find(file.fingerprints, ours) != file.fingerprints.end();
    if (!ours.empty() && !is_known) file.fingerprints.push_back(std::move(ours));
  }
}

void note_delivered(DeliveryRecord& delivery, const Share& share) {
  delivery.state = DeliveryState::delivered;
  delivery.reason.clear();
  delivery.hint.clear();
  for (WrittenFile& file : delivery.files) {
    std::string ours = share.fingerprint(file);
    if (!ours.empty()) file.fingerprints = {std::move(ours)};
  }
}

bool note_failed(DeliveryRecord& delivery, const Error& error) {
  const bool is_known = delivery.state == DeliveryState::failed && delivery.reason == error.message;
  delivery.state = DeliveryState::failed;
  delivery.reason = error.message;
  delivery.hint = error.hint;
  return !is_known;
}

bool holds_refresh_token(const JsonValue& value, const std::string& pointer) {
  return holds_token_under(value, last_key(pointer));
}

bool holds_refresh_token(std::string_view document, const std::string& pointer) {
  const std::string own = last_key(pointer);
  const auto mentions = [&](std::string_view name) {
    return !name.empty() && document.find(name) != std::string_view::npos;
  };
  const bool mentioned = mentions("efresh") || mentions("REFRESH") || mentions(own);
  // A key that is not found literally could only be spelled with an escape.
  if (!mentioned && document.find('\\') == std::string_view::npos) return false;
  const auto parsed = parse_json(document, "");
  if (parsed) return holds_token_under(*parsed, own);
  return mentions("refreshToken") || mentions("refresh_token") || mentions(own);
}

Judgement judge(std::string_view text, const WrittenFile& file, const Secret* published,
                const Fingerprints& known) {
  if (published != nullptr && text == published->reveal()) return {Content::current};
  if (text.find_first_not_of(blanks) == std::string_view::npos) return {Content::blank};
  if (file.member.empty()) return judge_whole(text, file, known);
  const auto document = parse_json(text, "");
  if (!document) return foreign("is not a JSON document");
  if (!document->IsObject()) return foreign("is not a JSON object");
  return judge_member(*document, file, published, known);
}

std::string fingerprint_of(const Secret& published, const WrittenFile& file) {
  if (file.member.empty()) return fingerprint(published);
  const auto document = parse_json(published.reveal(), "");
  const std::string_view token =
      document ? json_text(json_at(*document, file.access_token)) : std::string_view();
  return token.empty() ? "" : fingerprint(token);
}

Result<Secret> with_member(std::string_view text, const WrittenFile& file, const Secret& published) {
  const auto wanted = TRY(parse_json(published.reveal(), file.name));
  const JsonValue* ours = json_at(wanted, file.member);
  if (ours == nullptr) return Error{ErrorKind::failed, "the published file does not contain " + file.member};
  return set_json_value(text, file.name, *parse_json_pointer(file.member), *ours);
}

Result<Secret> without_member(std::string_view text, const WrittenFile& file) {
  JsonPath path = parse_json_pointer(file.member).value_or(JsonPath());
  return edit_json(text, file.name, [&](JsonValue& document) {
    if (json_at(document, path) == nullptr) return;
    remove_json_at(document, path);
    // Objects that contained nothing else were made for it.
    for (path.pop_back(); !path.empty(); path.pop_back()) {
      const JsonValue* const parent = json_at(document, path);
      if (!parent->IsObject() || parent->MemberCount() > 0) break;
      remove_json_at(document, path);
    }
  });
}

}  // namespace oci_oauth
