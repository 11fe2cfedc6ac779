// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "base/spawn.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

UniqueFd open_directory(const TempDir& dir) {
  return UniqueFd(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

TEST_CASE("only regular files are read, and a FIFO does not block") {
  const TempDir dir;
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK(read_file({.path = dir / "fifo"}, 100).error().message.find("is a FIFO") != std::string::npos);
  CHECK(read_file({.path = dir.path()}, 100).error().message.find("is a directory") != std::string::npos);
  CHECK(read_file({.path = dir / "none"}, 100).error().kind == ErrorKind::not_found);
}

TEST_CASE("a file beyond the limit is refused, one at the limit is read whole") {
  const TempDir dir;
  const std::string path = dir.write("file", "12345");
  CHECK(*read_file({.path = path}, 5) == "12345");
  CHECK(read_file({.path = path}, 4).error().message == path + ": is larger than 4 bytes");
}

TEST_CASE("a pipe is read to its end, also where it holds too much") {
  const auto sent = [](std::string_view text, size_t limit) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]);
    {
      const UniqueFd writing(ends[1]);
      REQUIRE(write_all(writing.get(), text, "pipe"));
    }
    auto read = read_to_end(reading.get(), limit, "pipe");
    char left = 0;
    CHECK(::read(reading.get(), &left, 1) == 0);
    return read;
  };
  const std::string text(10'000, 'a');
  CHECK(*sent(text, text.size()) == text);
  CHECK(*sent("", 1) == "");
  CHECK(sent(text, text.size() - 1).error().message == "pipe: is larger than 9999 bytes");
}

TEST_CASE("a file is replaced whole, and an uncommitted one leaves nothing") {
  const TempDir dir;
  dir.write("file", "old");
  const UniqueFd fd = open_directory(dir);
  {
    auto file = AtomicFile::create(fd.get(), "file", dir.path(), {});
    REQUIRE(file);
    REQUIRE(file->write("new"));
  }
  CHECK(dir.read("file") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
  REQUIRE(replace_file(fd.get(), "file", dir.path(), "new"));
  CHECK(dir.read("file") == "new");
}

TEST_CASE("a symbolic link in the temporary file's place is removed, not followed") {
  const TempDir dir;
  dir.write("canary", "untouched");
  REQUIRE(::symlink((dir / "canary").c_str(), (dir / ".file.oci-oauth").c_str()) == 0);
  REQUIRE(replace_file(open_directory(dir).get(), "file", dir.path(), "new"));
  CHECK(dir.read("canary") == "untouched");
  CHECK(dir.read("file") == "new");
}

TEST_CASE("the umask takes nothing from the mode") {
  const TempDir dir;
  const mode_t old = ::umask(077);
  REQUIRE(replace_file(open_directory(dir).get(), "file", dir.path(), "x", {.mode = 0444}));
  ::umask(old);
  struct stat status;
  REQUIRE(::stat((dir / "file").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0444);
}

TEST_CASE("a file that must not be replaced is put back, whenever it appeared") {
  const TempDir dir;
  const UniqueFd fd = open_directory(dir);
  const auto put = [&](bool may_go) {
    auto file = AtomicFile::create(fd.get(), "file", dir.path(), {});
    REQUIRE(file);
    REQUIRE(file->write("ours"));
    return file->commit_if([&](const std::string& aside) -> Result<void> {
      CHECK(dir.read(aside) == "theirs");
      if (may_go) return {};
      return Error{ErrorKind::failed, "refused"};
    });
  };
  dir.write("file", "theirs");
  CHECK(put(false).error().message == "refused");
  CHECK(dir.read("file") == "theirs");
  CHECK(put(true));
  CHECK(dir.read("file") == "ours");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("a file that appears while another one is put back keeps its name") {
  const TempDir dir;
  const UniqueFd fd = open_directory(dir);
  dir.write("file", "theirs");
  auto file = AtomicFile::create(fd.get(), "file", dir.path(), {});
  REQUIRE(file);
  CHECK_FALSE(file->commit_if([&](const std::string&) -> Result<void> {
    std::filesystem::rename(dir.write("newer", "newer"), dir / "file");
    return Error{ErrorKind::failed, "refused"};
  }));
  CHECK(dir.read("file") == "newer");
}

TEST_CASE("any number of writers that take turns publish whole files, and leave nothing else") {
  const TempDir dir;
  constexpr int writers = 8, rounds = 100;
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    bool done = true;
    for (int round = 0; round < rounds; ++round) {
      const UniqueFd own = open_directory(dir);
      const std::string content(20000, static_cast<char>('a' + writer));
      done = done && replace_file_in_turn(own.get(), "file", dir.path(), content);
    }
    ::_exit(done ? 0 : 1);
  }
  bool whole = true;
  for (int look = 0; look < 200; ++look) {
    const auto content = read_file({.path = dir / "file"}, 1 << 20);
    if (!content) continue;
    whole =
        whole && content->size() == 20000 && content->find_first_not_of((*content)[0]) == std::string::npos;
  }
  CHECK(whole);
  for (const pid_t child : children) {
    int status = -1;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  const std::filesystem::directory_iterator entries(dir.path());
  CHECK(std::distance(begin(entries), end(entries)) == 1);
}

TEST_CASE("a file of this host's own is local") {
  const TempDir dir;
  CHECK(is_local_file_system(dir.path()));
  CHECK(is_local_file_system("/proc/self/status"));
}

TEST_CASE("an unknown file system does not count as local") {
  CHECK_FALSE(is_local_file_system("/nowhere/at/all"));
}

TEST_CASE("another program reads a text from memory by its path") {
  for (const std::string text : {"", "a\nb"}) {
    const auto file = MemoryFile::holding(text);
    REQUIRE(file);
    const auto output = run_command({"cat", file->path()}, std::chrono::seconds(10), {file->fd()});
    REQUIRE(output);
    CHECK(output->out == text);
  }
}
