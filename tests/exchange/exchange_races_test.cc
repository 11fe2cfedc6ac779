// SPDX-License-Identifier: Apache-2.0
// Another program, and a run that was interrupted, on the same login.
#include "exchange/exchange.h"

#include <poll.h>
#include <sys/inotify.h>

#include <ctime>
#include <thread>

#include "base/path.h"
#include "exchange/directory_lock.h"
#include "exchange/exchange_host.h"
#include "support/skip.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using test::Ending;
using test::Stage;
using Host = test::ExchangeHost;
using test::interrupt;

TEST_CASE("an answer lost after the rotation is reported by the next run, whose request is refused") {
  Host host;
  host.endpoint.script({.at = Stage::rotated, .ending = Ending::reset});
  ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::unknown);
  CHECK(host.posts() == 1);
  report = host.run();
  REQUIRE_FALSE(report.notices.empty());
  CHECK(report.notices.front().find("its answer never arrived") != std::string::npos);
  CHECK(host.posts() == 2);
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  CHECK(report.failure->message.find("its answer never arrived") != std::string::npos);
}

TEST_CASE("an answer that only the journal holds is completed by the next run, without a request") {
  Host host;
  (void)interrupt(host);
  auto report = keep_fresh(host.request, [] { return false; });
  CHECK_FALSE(report.failure);
  CHECK(host.field("refreshToken") == "sk-ant-ort01-new");
  CHECK(host.posts() == 0);
  CHECK(host.home.read(host.journal).empty());
}

namespace {

// The agent's login of `host`, and two entries of the same document, all due.
struct SharedDocument {
  Host host;
  std::vector<ExchangeRequest> all;

  SharedDocument() {
    std::string text = host.document();
    std::string entries;
    all.push_back(request("claude", ""));
    for (const char* name : {"a", "b"}) {
      const std::string refresh_token = host.endpoint.issue_login().refresh_token;
      entries += std::string(entries.empty() ? "" : ", ") + "\"" + name +
                 R"(": {"serverUrl": "https://mcp.example.org",
          "clientId": "c", "accessToken": "old", "refreshToken": ")" +
                 refresh_token + R"(", "expiresAt": 1000})";
      all.push_back(request("claude-mcp", name));
    }
    text.insert(1, "\"mcpOAuth\": {" + entries + "}, ");
    host.home.write("claude/.credentials.json", text);
  }
  ExchangeRequest request(const std::string& provider, const std::string& entry) const {
    auto loaded = load_provider(ProviderEntry{provider, entry}, {test::providers_of(SOURCE_DIR)});
    REQUIRE(loaded);
    ExchangeRequest one;
    one.profile = host.request.profile;
    one.profile.entry = entry;
    one.provider = std::move(*loaded);
    return one;
  }
  std::string refresh_token(const ExchangeRequest& request) const {
    const auto json = parse_json(host.document(), "login");
    REQUIRE(json);
    const JsonValue* const token = json_at(*json, request.provider.fields.refresh_token);
    return token == nullptr ? "" : std::string(json_text(*token));
  }
};

}  // namespace

TEST_CASE(
    "three due logins of one document, refreshed at once: each once, and none undoes another's rotation") {
  SharedDocument shared;
  std::vector<std::jthread> running;
  std::vector<ExchangeReport> reports(shared.all.size());
  for (size_t i = 0; i < shared.all.size(); ++i)
    running.emplace_back([&, i] { reports[i] = keep_fresh(shared.all[i], [] { return false; }); });
  running.clear();
  for (size_t i = 0; i < shared.all.size(); ++i) {
    INFO((reports[i].failure ? reports[i].failure->message : ""));
    CHECK(reports[i].refreshed);
    CHECK(shared.host.endpoint.accepts_refresh_token(shared.refresh_token(shared.all[i])));
  }
  CHECK(shared.host.posts() == 3);
  CHECK(shared.host.endpoint.counters().reuses == 0);
  CHECK(shared.host.home.read(shared.host.journal).empty());
}

TEST_CASE("an answer that only the journal holds survives the refreshes of the document's other logins") {
  SharedDocument shared;
  const ExchangeRequest& entry = shared.all[1];
  {
    auto store = LoginStore::open(entry.profile.credentials, std::chrono::steady_clock::now(),
                                  Document::required, "a");
    REQUIRE(store);
    const std::string hash = fingerprint(Secret(std::string_view(shared.refresh_token(entry))));
    REQUIRE(store->journal().note_request(hash, now()));
    REQUIRE(store->journal().note_grant(
        hash, now(),
        {Secret(std::string_view("granted")), Secret(std::string_view("rotated")), now() + 8h, {}, {}}));
  }
  CHECK(keep_fresh(shared.all[0], [] { return false; }).refreshed);
  CHECK(keep_fresh(shared.all[2], [] { return false; }).refreshed);
  const ExchangeReport report = keep_fresh(entry, [] { return false; });
  CHECK_FALSE(report.failure);
  CHECK(shared.refresh_token(entry) == "rotated");
  CHECK(shared.host.posts() == 2);
  CHECK(shared.host.login_works());
  CHECK(shared.host.home.read(shared.host.journal).empty());
}

TEST_CASE("a login's only copy in its journal survives the refresh of another login in its directory") {
  Host host;
  ExchangeRequest other = host.beside("a.json", -60s);
  // What was there is no login while the answer comes: it stays in the journal.
  const std::string before = host.document();
  host.endpoint.script(
      {.at = Stage::rotated, .meanwhile = [&] { host.home.write("claude/.credentials.json", "{"); }});
  REQUIRE(host.run().failure);
  CHECK(keep_fresh(other, [] { return false; }).refreshed);
  host.home.write("claude/.credentials.json", before);
  const ExchangeReport report = host.run();
  CHECK_FALSE(report.failure);
  CHECK_FALSE(report.refreshed);
  CHECK(host.login_works());
}

TEST_CASE("a login does not wait for the exchange of another in its directory") {
  Host host;
  ExchangeRequest other = host.beside("a.json", 8h);
  std::optional<ExchangeReport> meanwhile;
  host.endpoint.script(
      {.at = Stage::rotated, .meanwhile = [&] { meanwhile = keep_fresh(other, [] { return false; }); }});
  CHECK(host.run().refreshed);
  REQUIRE(meanwhile);
  CHECK_FALSE(meanwhile->failure);
  CHECK(meanwhile->login);
}

TEST_CASE("a document that cannot be read when the answer comes is not overwritten, and the answer is kept") {
  for (const std::string& newer :
       {std::string("{\"claudeAiOauth\": {\"acce"), std::string("[]"),
        std::string(R"({"claudeAiOauth":{"accessToken":{"v":2},"refreshToken":"x"}})"),
        std::string(R"({"claudeAiOauth":{"accessToken":"a","tokens":{"v":2}}})")}) {
    INFO(newer);
    Host host;
    const std::string before = host.document();
    host.endpoint.script(
        {.at = Stage::rotated, .meanwhile = [&] { host.home.write("claude/.credentials.json", newer); }});
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK_THAT(report.failure->hint, Catch::Contains("the new login is kept in " + host.home / host.journal));
    CHECK(host.document() == newer);
    (void)keep_fresh(host.request, [] { return false; });
    CHECK(host.document() == newer);
    host.home.write("claude/.credentials.json", before);
    CHECK_FALSE(host.run().failure);
    CHECK(host.login_works());
    CHECK(host.posts() == 1);
  }
}

TEST_CASE("where the server does not rotate, a journal that came back does not undo a newer token") {
  Host host;
  host.endpoint.script({.omit = {"refresh_token"}});
  REQUIRE(host.run().refreshed);
  const std::string hash = fingerprint(Secret(host.field("refreshToken")));
  const std::string prefix = R"({"version":1,"document":".credentials.json","refresh_token_hash":")" + hash;
  host.home.write(host.journal, prefix +
                                    R"(","began_at":1795490906245,"access_token":"older","refresh_token":")" +
                                    host.field("refreshToken") + R"(","expires_at":1795490906245})" + "\n");
  const std::string token = host.field("accessToken");
  CHECK_FALSE(host.run().failure);
  CHECK(host.field("accessToken") == token);
  CHECK(host.home.read(host.journal).empty());
}

TEST_CASE("while another program holds a lock nothing is sent, and trying later may help") {
  for (const char* lock : {"claude/.oauth_refresh.lock", "claude.lock"}) {
    Host host;
    std::filesystem::create_directory(host.home / lock);
    const auto stop_on_second_wake = [wakes = 0]() mutable { return ++wakes == 2; };
    const ExchangeReport report = keep_fresh(host.request, stop_on_second_wake);
    REQUIRE(report.failure);
    CHECK(report.failure->kind == FailureKind::busy);
    CHECK(rule_of(report.failure->kind).error == ErrorKind::temporary);
    CHECK(host.posts() == 0);
    CHECK(host.login_works());
    CHECK(std::filesystem::exists(host.home / lock));
  }
}

TEST_CASE("foreign locks are held, live, while the request is under way, and given back") {
  Host host;
  const auto is_live = [&](const char* name) {
    struct stat status;
    return ::stat((host.home / name).c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == ::geteuid() && ::time(nullptr) - status.st_mtim.tv_sec < 10;
  };
  bool held = false;
  host.endpoint.script(
      {.meanwhile = [&] { held = is_live("claude/.oauth_refresh.lock") && is_live("claude.lock"); }});
  REQUIRE(host.run().refreshed);
  CHECK(held);
  CHECK_FALSE(std::filesystem::exists(host.home / "claude/.oauth_refresh.lock"));
  CHECK_FALSE(std::filesystem::exists(host.home / "claude.lock"));
}

TEST_CASE("a lock of those who save is not held while the endpoint is asked") {
  Host host;
  bool held = true;
  host.endpoint.script(
      {.meanwhile = [&] { held = std::filesystem::exists(host.home / "claude/.storage-write.lock"); }});
  REQUIRE(host.run().refreshed);
  CHECK_FALSE(held);
  CHECK_FALSE(std::filesystem::exists(host.home / "claude/.storage-write.lock"));
}

// What another program saves under its own lock: all members as it read them, and one of its own.
class SlowSave {
 public:
  explicit SlowSave(const Host& host)
      : lock_(host.home / "claude/.storage-write.lock"), path_(host.request.profile.credentials) {
    std::filesystem::create_directory(lock_);
    text_ = host.document();
    text_.insert(text_.size() - 1, R"(,"mcpOAuth":{"of":"another"})");
    REQUIRE(::inotify_add_watch(events_.get(), parent_directory(path_).c_str(), IN_MOVED_TO) >= 0);
    thread_ = std::thread([this] { finish(); });
  }
  ~SlowSave() { thread_.join(); }
  SlowSave(const SlowSave&) = delete;
  SlowSave& operator=(const SlowSave&) = delete;

 private:
  static constexpr int patience = 300;  // milliseconds; a refresh that does not wait has saved long before

  // As soon as somebody else has saved the login although we hold the lock, else after a while.
  void finish() {
    pollfd saved = {events_.get(), POLLIN, 0};
    char event[4096];
    while (::poll(&saved, 1, patience) == 1 && ::read(events_.get(), event, sizeof event) > 0) {
      if (std::string_view(event, sizeof event).find(".credentials.json") != std::string_view::npos) break;
    }
    std::ofstream(path_ + ".other") << text_;
    std::filesystem::rename(path_ + ".other", path_);
    std::filesystem::remove(lock_);
  }

  const std::string lock_, path_;
  std::string text_;
  const UniqueFd events_{::inotify_init1(IN_CLOEXEC)};
  std::thread thread_;
};

TEST_CASE("a program that is saving another member has done so before the login is saved") {
  Host host;
  std::optional<SlowSave> other;
  host.endpoint.script({.at = Stage::rotated, .meanwhile = [&] { other.emplace(host); }});
  CHECK(host.run().refreshed);
  other.reset();
  CHECK(host.document().find(R"("mcpOAuth":{"of":"another"})") != std::string::npos);
  CHECK(host.login_works());
}

TEST_CASE("a save is not delayed for ever, and the next run repairs what overwrites it") {
  Host host;
  host.request.provider.save_locks.at(0).stale_after = 100ms;
  const std::string lock = host.home / "claude/.storage-write.lock", before = host.document();
  host.endpoint.script({.at = Stage::rotated, .meanwhile = [&] {
                          std::filesystem::create_directory(lock);
                          const auto later = std::filesystem::file_time_type::clock::now() + 4s;
                          std::filesystem::last_write_time(lock,
                                                           later);  // as its holder's next touches would
                        }});
  const ExchangeReport report = host.run();
  CHECK(report.refreshed);
  CHECK_FALSE(report.failure);
  REQUIRE_FALSE(report.notices.empty());
  CHECK(report.notices.back().find(lock + ": another program holds this lock") == 0);
  CHECK(report.notices.back().ends_with("; saving the login without it"));
  CHECK(host.login_works());
  host.home.write("claude/.credentials.json", before);  // what the holder had read
  std::filesystem::remove(lock);
  CHECK_FALSE(host.run().failure);
  CHECK(host.login_works());
  CHECK(host.posts() == 1);
}

TEST_CASE("a lock that a killed run held around its save is taken away by the next one, without a wait") {
  Host host;
  const std::string lock = host.home / "claude/.storage-write.lock";
  std::optional<LoginStore> killed(interrupt(host));
  const auto left = DirectoryLocks::acquire(
      {{lock}}, std::chrono::steady_clock::now(), [] { return false; },
      [&](const auto& made) { return killed->journal().note_lock(made); });
  REQUIRE(left);
  if (left->identities().at(0).born_ns == 0) return skip("no birth times in " + host.home.path());
  killed.reset();
  const auto began = std::chrono::steady_clock::now();
  keep_fresh(host.request, [] { return false; });
  CHECK(std::chrono::steady_clock::now() - began < 5s);
  CHECK(host.field("refreshToken") == "sk-ant-ort01-new");
  CHECK_FALSE(std::filesystem::exists(lock));
}

TEST_CASE("a login that another program refreshed while we waited for its lock is used as it is") {
  Host host;
  std::filesystem::create_directory(host.home / "claude.lock");
  const auto refresh_meanwhile = [&, wakes = 0]() mutable {
    if (++wakes != 2) return false;
    host.login(8h);
    std::filesystem::remove(host.home / "claude.lock");
    return false;
  };
  const ExchangeReport report = keep_fresh(host.request, refresh_meanwhile);
  CHECK_FALSE(report.failure);
  CHECK_FALSE(report.refreshed);
  CHECK(host.posts() == 0);
  REQUIRE(report.login);
  CHECK(report.login->access_token_hash == fingerprint(Secret(std::string_view(host.field("accessToken")))));
}

TEST_CASE("a lock or a login that changes hands after the last read stops the request") {
  for (const bool of_lock : {true, false}) {
    Host host;
    const std::string lock = host.home / "claude.lock";
    // Asked for the last time when the locks are held and the login was read.
    const auto change_hands = [&, done = false]() mutable {
      if (done || !std::filesystem::exists(lock)) return false;
      done = true;
      if (!of_lock) host.login(8h);
      if (of_lock) std::filesystem::remove(lock);
      if (of_lock) std::filesystem::create_directory(lock);
      return false;
    };
    const ExchangeReport report = keep_fresh(host.request, change_hands);
    REQUIRE(report.failure);
    CHECK(report.failure->kind == FailureKind::busy);
    CHECK(report.failure->message.find(of_lock ? "took over this lock" : "changed it in the meantime") !=
          std::string::npos);
    CHECK(host.posts() == 0);
    CHECK(host.login_works());
  }
}

TEST_CASE("a newer login on disk wins over the answer") {
  Host host;
  host.endpoint.script({.at = Stage::rotated, .meanwhile = [&] { host.login(8h); }});
  const ExchangeReport report = host.run();
  CHECK(report.refreshed);
  CHECK_FALSE(report.notices.empty());
  CHECK(host.login_works());
  REQUIRE(report.login);
  CHECK(report.login->access_token_hash == fingerprint(Secret(std::string_view(host.field("accessToken")))));
  CHECK(host.home.read(host.journal).empty());
}

TEST_CASE("a login that a person ended meanwhile stays ended") {
  for (const bool removed : {true, false}) {
    Host host;
    host.endpoint.script({.at = Stage::rotated, .meanwhile = [&] {
                            if (!removed) host.home.write("claude/.credentials.json", "{}");
                            if (removed) std::filesystem::remove(host.request.profile.credentials);
                          }});
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK(std::filesystem::exists(host.request.profile.credentials) != removed);
    if (!removed) CHECK(host.document() == "{}");
    host.login(-60s);
    CHECK(host.run().refreshed);
    CHECK(host.login_works());
  }
}

TEST_CASE("an earlier refresh without an answer is reported again if the login turns out to be dead") {
  Host host;
  host.endpoint.script({.at = Stage::rotated, .ending = Ending::reset});
  REQUIRE(host.run().failure);
  const ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  CHECK_THAT(report.failure->message, Catch::Contains("an earlier refresh began at"));
  CHECK_THAT(report.failure->message, Catch::Contains("its answer never arrived"));
}

TEST_CASE("records that a login's owner damaged are skipped, and what is not a file is reported") {
  for (const char* notes :
       {"\n", "{}\n", "[1]\n", "no json", "{\"lock\":\"/etc\",\"device\":1,\"inode\":2}\n",
        "{\"refresh_token_hash\":7,\"began_at\":\"x\"}\n", "{\"new_text\":\"x\"}\n"}) {
    INFO(notes);
    Host host;
    host.home.write(host.journal, notes);
    CHECK(host.run().refreshed);
    CHECK(host.login_works());
  }
  for (const bool fifo : {true, false}) {
    Host host;
    const std::string journal = host.home / host.journal;
    if (fifo) REQUIRE(::mkfifo(journal.c_str(), 0600) == 0);
    if (!fifo) std::filesystem::create_symlink(host.request.profile.credentials, journal);
    const std::string before = host.document();
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK_THAT(report.failure->message, Catch::StartsWith(journal));
    CHECK(host.document() == before);
    CHECK(host.posts() == 0);
  }
}
