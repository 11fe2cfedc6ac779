// SPDX-License-Identifier: Apache-2.0
#include "delivery/share.h"

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/selinux.h"
#include "delivery/document.h"
#include "delivery/examined_file.h"

namespace oci_oauth {

namespace {

constexpr size_t published_limit = MiB;

}  // namespace

std::vector<WrittenFile> delivered_files(const Provider& provider) {
  std::vector<WrittenFile> files;
  files.push_back({.name = std::string(token_file)});
  for (const DeliveredFile& file : provider.deliver) {
    WrittenFile written = {.name = file.name};
    if (!file.member.empty()) {
      written.member = file.member;
      written.access_token = file.access_token;
    }
    written.refresh_token = file.refresh_token;
    files.push_back(std::move(written));
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

}  // namespace oci_oauth
