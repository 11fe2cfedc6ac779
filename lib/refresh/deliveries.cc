// SPDX-License-Identifier: Apache-2.0
#include "refresh/deliveries.h"

#include <sys/statvfs.h>

#include <cerrno>

#include "base/fmt.h"
#include "delivery/container_record.h"
#include "delivery/delivery.h"
#include "delivery/forget_container.h"
#include "delivery/written_directory.h"
#include "oci/container_root.h"
#include "oci/user_namespace.h"

namespace oci_oauth {

namespace {

bool is_read_only(const UniqueFd& directory) {
  struct statvfs status;
  return ::fstatvfs(directory.get(), &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

// The host's view of the directory; where its path no longer leads there, or our sandbox has it read-only,
// the running container's.
Result<UniqueFd> open_written_directory(const ContainerRecord& record, const WatchedProcess& container,
                                        const DeliveryRecord& delivery) {
  auto directory = open_same_directory(delivery.source, delivery.device, delivery.inode);
  if (directory && !is_read_only(*directory)) return directory;
  auto process = ContainerProcess::open(record.process.pid);
  auto root = process ? ContainerRoot::open(*process, "/") : Result<ContainerRoot>(process.error());
  auto inside = root ? root->open_directory(delivery.target) : Result<UniqueFd>(root.error());
  struct stat status;
  const bool same = inside && ::fstat(inside->get(), &status) == 0 && status.st_dev == delivery.device &&
                    status.st_ino == delivery.inode && container.is_running();
  return same ? std::move(inside) : std::move(directory);
}

// Nothing happens where the container is gone.
Result<void> deliver_again(const ContainerRecord& record, const DeliveryRecord& delivery,
                           const ShareContent& share, const FileStamp& login) {
  const WatchedProcess container(record.process);
  if (!container.is_running()) return {};
  const std::string shown = fmt::format("container {}: {}", record.id, delivery.target);
  auto directory = open_written_directory(record, container, delivery);
  if (!directory) return std::move(directory).error().in(shown);
  const FileAccess access = {delivery.owner, delivery.mode, delivery.label};
  return in_user_namespace(record.process.pid, delivery.user_namespace, [&]() -> Result<void> {
    auto written = deliver_files(share, directory->get(), shown, access, login);
    if (!written) return std::move(written).error();
    // Its poststop hook may have cleaned up before we wrote.
    if (!container.is_running()) remove_delivered(directory->get(), *written, login);
    return {};
  });
}

}  // namespace

std::vector<Error> deliver_to_containers(const RuntimeDir& runtime, const std::string& profile, int share,
                                         const FileStamp& login) {
  std::vector<Error> failed;
  const auto records = list_written_records(runtime.containers().get());
  if (!records) failed.push_back(records.error());
  if (!records || records->empty()) return failed;
  const auto content = read_share(share);
  if (!content) failed.push_back(content.error());
  if (!content) return failed;
  for (const ContainerRecord& record : *records) {
    for (const DeliveryRecord& delivery : record.deliveries) {
      if (delivery.profile != profile || delivery.kind != DeliveryKind::write) continue;
      if (auto done = deliver_again(record, delivery, *content, login); !done)
        failed.push_back(std::move(done).error());
    }
  }
  return failed;
}

size_t sweep_records(const RuntimeDir& runtime) {
  const UniqueFd directory = runtime.containers();
  auto records = list_records(directory.get());
  if (!records) return 0;
  size_t swept = 0;
  for (const ContainerRecord& record : *records) {
    if (is_running(record.process)) continue;
    // A container that was started again meanwhile has the same id and another process.
    const auto still = load_record(directory.get(), record.id);
    if (!still || still->process != record.process) continue;
    forget_container(runtime, record, *records);
    ++swept;
  }
  return swept;
}

}  // namespace oci_oauth
