// SPDX-License-Identifier: Apache-2.0
#include "delivery/share.h"

#include <dirent.h>

#include <cerrno>
#include <memory>

#include "base/file.h"
#include "base/fmt.h"
#include "base/selinux.h"
#include "base/size.h"
#include "delivery/planted_file.h"

namespace oci_oauth {

namespace {

constexpr size_t published_limit = MiB;

Result<std::vector<std::string>> names_in(int share) {
  UniqueFd again(::openat(share, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again) return Error::from_errno(errno, "share: readdir");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.get()), ::closedir);
  if (stream == nullptr) return Error::from_errno(errno, "share: readdir");
  (void)again.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !name.ends_with(temporary_suffix)) names.emplace_back(name);
  }
  return names;
}

}  // namespace

std::vector<WrittenFile> delivered_files(const Provider& provider) {
  std::vector<WrittenFile> files;
  files.push_back({.name = std::string(token_file)});
  for (const DeliveredFile& file : provider.deliver) {
    WrittenFile written = {.name = file.name};
    if (!file.member.empty()) {
      written.member = file.member;
      written.access_token = provider.fields.access_token;
    }
    written.refresh_token = provider.fields.refresh_token;
    files.push_back(std::move(written));
  }
  return files;
}

const Secret* Share::find(std::string_view name) const {
  const auto found = files.find(name);
  return found == files.end() ? nullptr : &found->second;
}

Result<Share> read_share(int share, const std::vector<WrittenFile>& files) {
  struct stat status;
  if (::fstat(share, &status) != 0) return Error::from_errno(errno, "share");
  Share content = {status.st_dev, status.st_ino, {}};
  for (const WrittenFile& file : files) {
    if (content.files.contains(file.name)) continue;
    auto text =
        read_file({share, file.name, fmt::format("share: {}", file.name)}, published_limit, Links::refused);
    if (!text && text.error().kind == ErrorKind::not_found) continue;
    if (!text) return std::move(text).error();
    content.files.emplace(file.name, Secret(std::move(*text)));
  }
  return content;
}

Result<void> label_share(int share, std::string_view mount_label) {
  if (mount_label.empty() || !selinux_is_on()) return {};
  const std::string label = without_categories(mount_label);
  TRY(set_selinux_label(share, label, "share"));
  auto names = TRY(names_in(share));
  for (const std::string& name : names) {
    auto file = TRY(open_file({share, name, "share: " + name}, O_RDONLY | O_NOFOLLOW));
    TRY(set_selinux_label(file.get(), label, "share: " + name));
  }
  return {};
}

}  // namespace oci_oauth
