// SPDX-License-Identifier: Apache-2.0
#include "base/descriptor_message.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_text = 4 * KiB;
constexpr size_t most_descriptors = 4;

struct alignas(cmsghdr) Control {
  char bytes[CMSG_SPACE(most_descriptors * sizeof(int))] = {};
};

}  // namespace

Result<void> send_message(int socket, std::string_view text, std::initializer_list<int> descriptors) {
  Control control;
  iovec part = {const_cast<char*>(text.data()), text.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const auto number = descriptors.size() - static_cast<size_t>(std::ranges::count(descriptors, -1));
  if (number > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(number * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(number * sizeof(int));
    std::ranges::remove_copy(descriptors, reinterpret_cast<int*>(CMSG_DATA(header)), -1);
  }
  const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(text.size()))
    return Error::from_errno(sent < 0 ? errno : EMSGSIZE, "sendmsg");
  return {};
}

Result<DescriptorMessage> receive_message(int socket) {
  Control control;
  std::string text(longest_text, '\0');
  iovec part = {text.data(), text.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (count < 0) return Error::from_errno(errno, "recvmsg");
  text.resize(static_cast<size_t>(count));
  DescriptorMessage received = {std::move(text), {}};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < number; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      received.descriptors.emplace_back(fd);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Error::from_errno(EMSGSIZE, "recvmsg");
  return received;
}

}  // namespace oci_oauth
