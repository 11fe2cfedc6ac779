// SPDX-License-Identifier: Apache-2.0
#include "exchange/journal.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "support/catch.h"
#include "support/lock_waiter.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

Secret secret(std::string_view text) {
  return Secret(text);
}

// A directory of documents, and what their refreshes note.
struct Directory {
  TempDir home;
  const UniqueFd fd{::open(home.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

  Result<Journal> try_open(const std::string& document = "login.json", const std::string& entry = "") const {
    return Journal::open(fd.get(), home.path(), {document, entry}, std::chrono::steady_clock::now());
  }
  Journal open(const std::string& document = "login.json", const std::string& entry = "") const {
    auto journal = try_open(document, entry);
    REQUIRE(journal);
    return std::move(*journal);
  }
  std::string file(const std::string& document = "login.json") const { return home / journal_name(document); }
  std::string text() const { return home.read(journal_name("login.json")); }
  void write(const std::string& notes) const { home.write(journal_name("login.json"), notes); }
};

Grant a_grant() {
  Grant grant = {secret("new-access"), secret("new-refresh"), Time(8h), {"a", "b"}, Time(720h)};
  grant.values.emplace("/id_token", secret("\"new-id\""));
  return grant;
}

JournalEntry replayed(Journal& journal) {
  auto entry = journal.replay();
  REQUIRE(entry);
  REQUIRE(*entry);
  return std::move(**entry);
}

void check_grant(const JournalEntry& entry) {
  CHECK(entry.refresh_token_hash == "hash");
  CHECK(entry.began_at == Time(5ms));
  REQUIRE(entry.grant);
  CHECK(entry.grant->access_token.reveal() == "new-access");
  CHECK(entry.grant->refresh_token.reveal() == "new-refresh");
  CHECK(entry.grant->expires_at == Time(8h));
  REQUIRE(entry.grant->values.contains("/id_token"));
  CHECK(entry.grant->values.at("/id_token") == secret("\"new-id\""));
}

}  // namespace

TEST_CASE("what was recorded comes back, and is gone once it is cleared") {
  const Directory directory;
  Journal journal = directory.open();
  CHECK_FALSE(*journal.replay());
  REQUIRE(journal.note_lock({"/lock", 1, 2, 3}));
  REQUIRE(journal.note_request("hash", Time(5ms)));
  REQUIRE(journal.note_grant("hash", Time(5ms), a_grant()));
  REQUIRE(journal.note_rewrite(secret("old"), secret("new")));
  const JournalEntry entry = replayed(journal);
  CHECK(entry.locks == std::vector<DirectoryIdentity>{{"/lock", 1, 2, 3}});
  check_grant(entry);
  CHECK(entry.grant->scopes == std::vector<std::string>{"a", "b"});
  CHECK(entry.grant->login_expires_at == Time(720h));
  CHECK(entry.old_text.reveal() == "old");
  CHECK(entry.new_text.reveal() == "new");
  REQUIRE(journal.clear());
  CHECK_FALSE(*journal.replay());
  CHECK(directory.text().empty());
}

TEST_CASE("a token of any letters comes back as it was") {
  const Directory directory;
  Journal journal = directory.open();
  const std::string_view token("quote\" \\ \n \xc3\xa9 \0 end", 20);
  REQUIRE(journal.note_grant("hash", Time(5ms), {secret(token), secret(token), Time(8h), {}, {}}));
  const JournalEntry entry = replayed(journal);
  REQUIRE(entry.grant);
  CHECK(entry.grant->access_token.reveal() == token);
  CHECK(entry.grant->refresh_token.reveal() == token);
}

TEST_CASE("every line names its version and its document") {
  const Directory directory;
  Journal journal = directory.open();
  REQUIRE(journal.note_lock({"/lock", 1, 2, 3}));
  REQUIRE(journal.note_request("hash", Time(5ms)));
  REQUIRE(journal.note_grant("hash", Time(5ms), a_grant()));
  REQUIRE(journal.note_rewrite(secret("old"), secret("new")));
  const std::string text = directory.text();
  size_t lines = 0;
  for (std::string_view left = text; !left.empty(); left.remove_prefix(left.find('\n') + 1), ++lines)
    CHECK_THAT(std::string(left.substr(0, left.find('\n'))),
               Catch::StartsWith(R"({"version":1,"document":"login.json",)"));
  CHECK(lines == 4);
}

TEST_CASE("a damaged line is skipped, and no other") {
  const Directory directory;
  Journal journal = directory.open();
  REQUIRE(journal.note_request("hash", Time(5ms)));
  const std::string fence = directory.text();
  REQUIRE(journal.note_grant("hash", Time(5ms), a_grant()));
  const std::string grant = directory.text().substr(fence.size());
  for (const std::string& damage :
       {std::string("{\"version\":1,\"docu\n"), std::string("\n"), std::string("[1]\n"), std::string("{}\n"),
        std::string(100, '\0') + "\n", std::string(100, '\0'), std::string("\xff\xfe\n")}) {
    CAPTURE(damage);
    for (const std::string& notes : {damage + fence + grant, fence + damage + grant, damage + grant}) {
      directory.write(notes);
      check_grant(replayed(journal));
    }
  }
}

TEST_CASE("a record after half a line is not appended to it") {
  const Directory directory;
  Journal journal = directory.open();
  directory.write(R"({"version":1,"document":"login.json","access_token":"a","refr)");
  CHECK_FALSE(replayed(journal).grant);
  REQUIRE(journal.note_grant("hash", Time(5ms), a_grant()));
  check_grant(replayed(journal));
}

TEST_CASE("records of another document are not mistaken for this one's") {
  const Directory directory;
  Journal journal = directory.open();
  directory.write(R"({"version":1,"document":"other.json","refresh_token_hash":"hash","began_at":5})"
                  "\n");
  CHECK(replayed(journal).refresh_token_hash.empty());
}

TEST_CASE("records of a newer version are reported and left alone") {
  const Directory directory;
  Journal journal = directory.open();
  const std::string notes = R"({"version":2,"document":"login.json","grant":{}})"
                            "\n";
  directory.write(notes);
  const auto entry = journal.replay();
  REQUIRE_FALSE(entry);
  CHECK_THAT(entry.error().message, Catch::Contains("was written by a newer version of oci-oauth"));
  CHECK(directory.text() == notes);
}

TEST_CASE("one journal at a time for a document, and two documents at once") {
  const Directory directory;
  const Journal first = directory.open();
  const auto again = directory.try_open();
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::temporary);
  CHECK(directory.try_open("other.json"));
}

TEST_CASE("the logins of one document read and discard their own notes in its journal") {
  const Directory directory;
  REQUIRE(directory.open("login.json", "first").note_request("hash of first", Time(1h)));
  {
    Journal second = directory.open("login.json", "second");
    CHECK_FALSE(replayed(second).grant);
    REQUIRE(second.note_grant("hash of second", Time(2h), a_grant()));
    REQUIRE(second.clear());
  }
  {
    Journal agent = directory.open();
    CHECK(replayed(agent).refresh_token_hash.empty());
    REQUIRE(agent.clear());
  }
  {
    Journal second = directory.open("login.json", "second");
    CHECK(replayed(second).refresh_token_hash.empty());
    REQUIRE(second.note_rewrite(secret("old"), secret("new")));
  }
  Journal first = directory.open("login.json", "first");
  CHECK(replayed(first).refresh_token_hash == "hash of first");
  CHECK(replayed(first).new_text == secret("new"));
}

TEST_CASE("the last of a document's logins empties its journal") {
  const Directory directory;
  REQUIRE(directory.open("login.json", "first").note_request("hash of first", Time(1h)));
  REQUIRE(directory.open("login.json", "second").note_request("hash of second", Time(1h)));
  REQUIRE(directory.open("login.json", "first").clear());
  CHECK_FALSE(directory.text().empty());
  REQUIRE(directory.open("login.json", "second").clear());
  CHECK(directory.text().empty());
}

TEST_CASE("what other logins recorded is told, and can be discarded for them") {
  const Directory directory;
  REQUIRE(directory.open("login.json", "first").note_request("hash of first", Time(1h)));
  Journal second = directory.open("login.json", "second");
  REQUIRE(second.note_request("hash of second", Time(1h)));
  const auto others = second.others();
  REQUIRE(others);
  REQUIRE(others->size() == 1);
  CHECK(others->at("first").refresh_token_hash == "hash of first");
  REQUIRE(second.discard("first"));
  CHECK(second.others()->empty());
  REQUIRE(second.clear());
  CHECK(directory.text().empty());
}

TEST_CASE("a journal that is larger than any of ours is not read, and stays") {
  const Directory directory;
  Journal journal = directory.open();
  std::filesystem::resize_file(directory.file(), 64 * MiB);
  CHECK(journal.replay());
  std::filesystem::resize_file(directory.file(), 64 * MiB + 1);
  const auto entry = journal.replay();
  REQUIRE_FALSE(entry);
  CHECK(entry.error().message.starts_with(directory.file() + ": "));
  CHECK(entry.error().hint == "remove it if its record of a refresh is not needed");
  CHECK_FALSE(journal.clear());
  CHECK(std::filesystem::file_size(directory.file()) == 64 * MiB + 1);
}

TEST_CASE("a journal that is removed while another process waits for it is created again") {
  const Directory directory;
  std::optional<Journal> first = directory.open();
  const pid_t waiter = ::fork();
  if (waiter == 0) {
    first.reset();  // only its copy: the lock is the parent's as well
    const auto second = Journal::open(directory.fd.get(), directory.home.path(), {"login.json"},
                                      std::chrono::steady_clock::now() + 10s);
    ::_exit(second && std::filesystem::exists(directory.file()) ? 0 : 1);
  }
  CHECK(test::comes_to_wait(waiter));
  std::filesystem::remove(directory.file());
  first.reset();
  int status = 0;
  REQUIRE(::waitpid(waiter, &status, 0) == waiter);
  CHECK(status == 0);
}
