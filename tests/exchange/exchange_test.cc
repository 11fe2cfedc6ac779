// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <thread>

#include "base/fingerprint.h"
#include "base/json.h"
#include "base/path.h"
#include "exchange/directory_lock.h"
#include "exchange/journal.h"
#include "exchange/login_store.h"
#include "support/catch.h"
#include "support/control_api.h"
#include "support/skip.h"
#include "support/temp_dir.h"
#include "support/token_endpoint.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using test::Ending;
using test::Reply;
using test::Stage;
using test::Step;
using test::TokenEndpoint;

namespace {

// A login on disk at a strict server, due for a refresh.
struct Host {
  TempDir home;
  TokenEndpoint endpoint;
  ExchangeRequest request;

  Host() {
    fs_create();
    request.profile.name = "claude";
    request.profile.credentials = home / "claude/.credentials.json";
    request.profile.token_url = endpoint.url();
    request.profile.ca_file = home.write("ca.pem", TokenEndpoint::ca_pem());
    auto provider = load_provider("claude", {SOURCE_DIR "/oci-config/providers"});
    REQUIRE(provider);
    request.provider = std::move(*provider);
    login(-60s);
  }
  const std::string journal = "claude/" + journal_name(".credentials.json");

  // What asks for another login in the same directory, whose provider takes no locks.
  ExchangeRequest beside(const std::string& name, std::chrono::seconds from_now) {
    test::Login issued = endpoint.issue_login();
    issued.expires_in = from_now;
    ExchangeRequest other;
    other.profile = request.profile;
    other.profile.credentials =
        home.write("claude/" + name, test::claude_credentials(issued, std::chrono::system_clock::now()));
    other.provider = request.provider;
    other.provider.locks.clear();
    return other;
  }

  void fs_create() { std::filesystem::create_directory(home / "claude"); }

  // Writes a new login whose access token ends `from_now`.
  void login(std::chrono::seconds from_now) {
    test::Login issued = endpoint.issue_login();
    issued.expires_in = from_now;
    home.write("claude/.credentials.json",
               test::claude_credentials(issued, std::chrono::system_clock::now()));
  }
  std::string document() const { return home.read("claude/.credentials.json"); }
  std::string field(const char* name) const {
    auto json = parse_json(document(), "login");
    REQUIRE(json);
    const JsonValue* oauth = json_member(*json, "claudeAiOauth");
    REQUIRE(oauth != nullptr);
    return std::string(json_string(*oauth, name).value_or(""));
  }
  bool login_works() const { return endpoint.accepts_refresh_token(field("refreshToken")); }
  size_t posts() const { return endpoint.counters().posts; }

  ExchangeReport run() {
    auto report = keep_fresh(request, [] { return false; });
    std::string told = report.failure ? report.failure->message + report.failure->hint : "";
    for (const std::string& notice : report.notices) told += notice;
    CHECK(told.find("sk-ant-") == std::string::npos);
    return report;
  }
};

// What a run leaves that is killed when its answer is noted.
LoginStore interrupt(const Host& host) {
  auto store = LoginStore::open(host.request.profile.credentials, std::chrono::steady_clock::now());
  REQUIRE(store);
  const std::string sent = host.field("refreshToken");
  const std::string hash = fingerprint(Secret(std::string_view(sent)));
  const Grant grant = {Secret(std::string_view("sk-ant-oat01-new")),
                       Secret(std::string_view("sk-ant-ort01-new")),
                       now() + 8h,
                       {},
                       {}};
  REQUIRE(store->journal().note_request(hash, now()));
  REQUIRE(store->journal().note_grant(hash, now(), grant));
  return std::move(*store);
}

Step reply(int status, std::string body, std::map<std::string, std::string> headers = {}) {
  return {.reply = Reply{status, std::move(headers), std::move(body)}};
}

}  // namespace

TEST_CASE("a due login is refreshed: the request is the documented one, the document has what came") {
  Host host;
  const std::string old_refresh = host.field("refreshToken");
  const ExchangeReport report = host.run();
  CHECK_FALSE(report.failure);
  CHECK(report.refreshed);
  const auto requests = host.endpoint.requests();
  REQUIRE(requests.size() == 1);
  const auto& sent = requests[0].parameters;
  CHECK(sent.at("grant_type") == "refresh_token");
  CHECK(sent.at("refresh_token") == old_refresh);
  CHECK(sent.at("client_id") == "9d1c250a-e61b-44d9-88ed-5944d1962f5e");
  CHECK(sent.at("scope") == "user:inference user:profile");
  CHECK(host.field("refreshToken") != old_refresh);
  CHECK(host.login_works());
  CHECK(host.endpoint.accepts_access_token(host.field("accessToken")));
  REQUIRE(report.login);
  CHECK(report.login->expires_at > now() + 7h);
  WARN("the answer was on disk " << report.stored_in.count() << " us after its last byte (goal: 5000 us)");
}

TEST_CASE("what is published has the stamp of the document that was written") {
  Host host;
  const ExchangeReport report = host.run();
  struct stat status;
  REQUIRE(::stat(host.request.profile.credentials.c_str(), &status) == 0);
  REQUIRE(report.login);
  CHECK(report.login->stamp == FileStamp::of(status));
}

TEST_CASE("what is published holds no refresh token") {
  Host host;
  const ExchangeReport report = host.run();
  REQUIRE(report.login);
  REQUIRE(report.login->files.size() == 2);
  for (const auto& [name, content] : report.login->files) {
    CHECK(content.reveal().find("sk-ant-ort01") == std::string_view::npos);
    CHECK(content.reveal().find("refreshToken") == std::string_view::npos);
  }
}

TEST_CASE("a login that is not due asks nobody, and --force asks") {
  Host host;
  host.login(8h);
  CHECK(host.run().login);
  CHECK(host.posts() == 0);
  host.request.force = Force::yes;
  CHECK(host.run().refreshed);
  CHECK(host.posts() == 1);
}

TEST_CASE("unknown keys at every level, their order and the mode stay; a link stays a link") {
  Host host;
  const std::string access = host.field("accessToken"), refresh = host.field("refreshToken");
  const std::string target = host.home.write(
      "real.json", R"({"zeta":{"k":[1,{"x":null}]},"claudeAiOauth":{"unknown":true,"accessToken":")" +
                       access + R"(","refreshToken":")" + refresh +
                       R"(","expiresAt":1700000000000,"scopes":["user:inference"]},"alpha":1})");
  ::chmod(target.c_str(), 0640);
  std::filesystem::remove(host.request.profile.credentials);
  std::filesystem::create_symlink(target, host.request.profile.credentials);
  REQUIRE(host.run().refreshed);
  CHECK(std::filesystem::is_symlink(host.request.profile.credentials));
  const std::string document = host.document();
  CHECK(document.starts_with(
      R"({"zeta":{"k":[1,{"x":null}]},"claudeAiOauth":{"unknown":true,"accessToken":"sk-)"));
  CHECK(document.ends_with(R"("scopes":["user:inference"]},"alpha":1})"));
  struct stat status;
  REQUIRE(::stat(target.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("each answer has its outcome, and the login on disk is still the right one") {
  struct Row {
    const char* name;
    Step step;
    FailureKind kind;
    size_t posts;
    const char* message;
  };
  const std::string page = "<html>challenge sk-ant-ort01-echo</html>";
  const Row rows[] = {
      {"401", reply(401, "{}"), FailureKind::rejected, 1, "token endpoint: 401"},
      {"invalid_client", reply(400, R"({"error":"invalid_client"})"), FailureKind::rejected, 1,
       "token endpoint: 400 invalid_client"},
      {"invalid_grant", reply(400, R"({"error":"invalid_grant"})"), FailureKind::login_required, 1,
       "token endpoint: 400 invalid_grant"},
      {"403 page", reply(403, page), FailureKind::throttled, 1, "token endpoint: 403"},
      {"429", reply(429, "", {{"Retry-After", "60"}}), FailureKind::throttled, 1,
       "token endpoint: 429, retry after 60 s"},
      {"429 until a date", reply(429, "", {{"Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"}}),
       FailureKind::throttled, 1, "token endpoint: 429, retry after 86400 s"},
      {"500", reply(500, page), FailureKind::server, 1, "token endpoint: 500"},
      {"503", reply(503, ""), FailureKind::server, 1, "token endpoint: 503"},
      {"redirect", reply(307, "", {{"Location", "https://localhost:1/"}}), FailureKind::server, 1,
       "token endpoint: 307, redirect refused"},
      {"200 page", reply(200, page), FailureKind::unknown, 1, "token endpoint: 200 without an access token"},
      {"200 without access_token", reply(200, R"({"refresh_token":"x"})"), FailureKind::unknown, 1,
       "token endpoint: 200 without an access token"},
      {"10 MiB",
       {.reply = Reply{200, {}, "{}"}, .pad_to = 10 << 20},
       FailureKind::unknown,
       1,
       "the answer is larger than 1048576 bytes"},
      {"truncated",
       {.ending = Ending::truncate, .reply = Reply{200, {}, page}},
       FailureKind::unknown,
       1,
       "the answer ended early"},
      {"reset before the request",
       {.at = Stage::accepted, .ending = Ending::reset},
       FailureKind::network,
       0,
       "connect to localhost:"},
      {"reset after the request",
       {.at = Stage::received, .ending = Ending::reset},
       FailureKind::unknown,
       1,
       "no answer from localhost:"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    Host host;
    const std::string before = host.document();
    host.endpoint.script(row.step);
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK(word(report.failure->kind) == word(row.kind));
    CHECK_THAT(report.failure->message, Catch::StartsWith(row.message));
    CHECK(host.posts() == row.posts);
    CHECK(host.document() == before);
    CHECK(host.login_works());
  }
}

TEST_CASE("an answer that leaves things out is a success") {
  for (const char* missing : {"refresh_token", "expires_in", "scope"}) {
    INFO(missing);
    Host host;
    host.endpoint.script({.omit = {missing}});
    const ExchangeReport report = host.run();
    CHECK_FALSE(report.failure);
    CHECK(host.login_works());
    REQUIRE(report.login);
    CHECK(report.login->expires_at > now());
  }
}

TEST_CASE("an expires_in that is not a number is taken for an hour") {
  for (const char* value : {"\"soon\"", "null", "[]"}) {
    Host host;
    host.endpoint.script({.members = {{"expires_in", value}}});
    const ExchangeReport report = host.run();
    REQUIRE(report.login);
    CHECK(report.login->expires_at > now());
    CHECK(report.login->expires_at < now() + 2h);
  }
}

TEST_CASE("a token that has expired when it is granted is due at once, and told") {
  for (const char* value : {"0", "-1", "\"-3600\""}) {
    INFO(value);
    Host host;
    host.endpoint.script({.members = {{"expires_in", value}}});
    const ExchangeReport report = host.run();
    CHECK(report.refreshed);
    CHECK(host.login_works());
    REQUIRE(report.login);
    CHECK(report.login->expires_at <= now());
    REQUIRE(report.notices.size() == 1);
    CHECK_THAT(report.notices[0], Catch::Contains("has expired already"));
  }
}

TEST_CASE("a token that lives for years is not exchanged again before") {
  for (const char* value : {"63072000", "1e300", "1e999"}) {
    INFO(value);
    Host host;
    host.endpoint.script({.members = {{"expires_in", value}}});
    const ExchangeReport report = host.run();
    REQUIRE(report.login);
    CHECK(report.login->expires_at > now() + 366 * 24h);
    CHECK_FALSE(host.run().refreshed);
    CHECK(host.posts() == 1);
  }
}

TEST_CASE("a token endpoint's odd token is kept as it came") {
  for (const char* token : {"a\\nb", "\xc3\xa9", "a b", "a\\u0000b"}) {
    INFO(token);
    Host host;
    host.endpoint.script({.members = {{"refresh_token", '"' + std::string(token) + '"'}}});
    CHECK(host.run().refreshed);
    const auto expected = parse_json('"' + std::string(token) + '"', "token");
    REQUIRE(expected);
    CHECK(host.field("refreshToken") == json_text(*expected));
  }
}

TEST_CASE("invalid_scope is asked once more without a scope") {
  Host host;
  host.endpoint.script(reply(400, R"({"error":"invalid_scope"})"));
  CHECK(host.run().refreshed);
  const auto requests = host.endpoint.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].parameters.count("scope") == 0);
  CHECK(host.login_works());
}

TEST_CASE("an endpoint that is not there leaves the login alone and says so") {
  Host host;
  host.request.profile.token_url = "https://nonexistent.invalid/token";
  const ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::network);
  CHECK(host.login_works());
}

TEST_CASE("an answer lost after the rotation is told by the next run, which asks and is refused") {
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

TEST_CASE(
    "an answer in a journal that documents shared is completed for its document, and the journal goes") {
  Host host;
  const std::string hash = fingerprint(Secret(host.field("refreshToken")));
  const std::string notes =
      R"({"refresh_token_hash":")" + hash + R"(","began_at":1795490906245,"locks":[]})" + "\n" +
      R"({"access_token":"sk-ant-oat01-new","refresh_token":"sk-ant-ort01-new","expires_at":)" +
      std::to_string((now() + 8h).time_since_epoch().count()) + "}\n";
  host.home.write("claude/.oci-oauth.journal", notes);
  ExchangeRequest other = host.beside("other.json", 8h);
  CHECK(keep_fresh(other, [] { return false; }).login);
  CHECK(host.home.read("claude/.oci-oauth.journal") == notes);

  const auto report = keep_fresh(host.request, [] { return false; });
  CHECK_FALSE(report.failure);
  CHECK(host.field("refreshToken") == "sk-ant-ort01-new");
  CHECK(host.posts() == 0);
  CHECK_FALSE(std::filesystem::exists(host.home / "claude/.oci-oauth.journal"));
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

TEST_CASE("an expiry that nobody understands is mended by one refresh") {
  for (const char* expires :
       {"", R"("expiresAt":null,)", R"("expiresAt":0,)", R"("expiresAt":1,)", R"("expiresAt":-5,)",
        R"("expiresAt":"x",)", R"("expiresAt":"2026-11-24T06:30:00Z",)", R"("expiresAt":1795490906,)"}) {
    INFO(expires);
    Host host;
    const std::string access = host.field("accessToken"), refresh = host.field("refreshToken");
    host.home.write("claude/.credentials.json",
                    R"({"claudeAiOauth":{)" + std::string(expires) + R"("accessToken":")" + access +
                        R"(","refreshToken":")" + refresh + R"(","scopes":"user:inference user:profile"}})");
    const ExchangeReport report = host.run();
    CHECK(report.refreshed);
    CHECK(host.login_works());
    CHECK(host.endpoint.requests().at(0).parameters.at("scope") == "user:inference user:profile");
    CHECK_FALSE(host.run().refreshed);
    CHECK(host.posts() == 1);
  }
}

TEST_CASE("a token of the far future is not refreshed") {
  Host host;
  for (const std::string expires : {"12307161600000", "1831000000000000"}) {
    host.home.write(
        "claude/.credentials.json",
        R"({"claudeAiOauth":{"accessToken":"a","refreshToken":"r","expiresAt":)" + expires + "}}");
    const ExchangeReport report = host.run();
    CHECK_FALSE(report.failure);
    REQUIRE(report.login);
    CHECK(report.login->expires_at > now() + 300 * 366 * 24h);
  }
  CHECK(host.posts() == 0);
}

TEST_CASE("a login without a refresh token is published until it ends, and no request is sent for it") {
  Host host;
  const auto write = [&](const std::string& more) {
    host.home.write("claude/.credentials.json",
                    R"({"claudeAiOauth":{"accessToken":"setup-token")" + more + "}}");
  };
  const std::string soon = std::to_string((now() + 30s).time_since_epoch().count());
  for (const std::string& alive :
       {std::string(), std::string(R"(,"refreshToken":"")"), R"(,"refreshToken":null,"expiresAt":)" + soon}) {
    INFO(alive);
    write(alive);
    const ExchangeReport report = host.run();
    CHECK_FALSE(report.failure);
    REQUIRE(report.login);
    CHECK(report.login->files.at(0).second.reveal() == "setup-token");
    CHECK(report.login->expires_at > now());
    CHECK_FALSE(report.login->can_be_refreshed);
    host.request.force = Force::yes;
    const ExchangeReport forced = host.run();
    CHECK_FALSE(forced.failure);
    REQUIRE(forced.notices.size() == 1);
    CHECK_THAT(forced.notices[0], Catch::Contains("there is no refresh token"));
    host.request.force = Force::no;
  }
  write(R"(,"expiresAt":1795490906245)");
  const ExchangeReport ended = host.run();
  REQUIRE(ended.failure);
  CHECK(ended.failure->kind == FailureKind::login_required);
  CHECK_THAT(ended.failure->message, Catch::Contains("expired at"));
  CHECK_THAT(ended.failure->hint, Catch::Contains("log in again"));
  // Another such login is not the one that ended.
  host.home.write("claude/.credentials.json", R"({"claudeAiOauth":{"accessToken":"another"}})");
  const ExchangeReport renewed = host.run();
  REQUIRE(renewed.login);
  CHECK(renewed.login->request_hash != ended.failure->request_hash);
  CHECK(host.posts() == 0);
}

TEST_CASE("where this clock is ahead of the server's, a token expires by the server's") {
  Host host;
  const std::time_t before = ::time(nullptr) - 3 * 3600;
  char date[64];
  REQUIRE(std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&before)) != 0);
  host.endpoint.script(
      reply(200, R"({"access_token":"a","refresh_token":"r","expires_in":28800})", {{"Date", date}}));
  const ExchangeReport report = host.run();
  REQUIRE(report.login);
  CHECK(report.login->expires_at < now() + 5h + 1min);
  CHECK(report.login->expires_at > now() + 4h);
}

TEST_CASE("a login with nothing but a refresh token is refreshed") {
  Host host;
  host.home.write("claude/.credentials.json",
                  R"({"claudeAiOauth":{"refreshToken":")" + host.field("refreshToken") + R"("}})");
  const ExchangeReport report = host.run();
  CHECK(report.refreshed);
  CHECK(report.login);
  CHECK(host.login_works());
}

TEST_CASE("a code that the provider calls terminal ends a login, wherever the answer has it, and is named") {
  for (const char* body : {R"({"error":{"code":"refresh_token_reused","message":"sk-ant-x"}})",
                           R"({"error":"refresh_token_reused"})", R"({"code":"refresh_token_reused"})"}) {
    for (const int status : {200, 400, 401, 403}) {
      if (status == 200 && std::string_view(body).starts_with(R"({"code)")) continue;  // says no error
      INFO(status << " " << body);
      Host host;
      host.request.provider.terminal_errors = {"invalid_grant", "refresh_token_reused"};
      host.endpoint.script(reply(status, body));
      const ExchangeReport report = host.run();
      REQUIRE(report.failure);
      CHECK(report.failure->kind == FailureKind::login_required);
      CHECK_THAT(report.failure->message, Catch::EndsWith("refresh_token_reused"));
    }
  }
  Host host;
  host.endpoint.script(reply(401, R"({"error":{"code":"refresh_token_reused"}})"));
  CHECK(host.run().failure->kind == FailureKind::rejected);
}

TEST_CASE("the document's own client id is sent") {
  Host host;
  std::string document = host.document();
  document.insert(document.find("\"accessToken\""), R"("clientId":"client-of-the-document",)");
  host.home.write("claude/.credentials.json", document);
  host.endpoint.script(reply(400, R"({"error":"invalid_client"})"));
  (void)host.run();
  CHECK(host.endpoint.requests().at(0).parameters.at("client_id") == "client-of-the-document");
}

TEST_CASE("narrower scopes and an earlier end of the login are written back") {
  Host host;
  const std::string end = std::to_string((now() + 720h).time_since_epoch().count());
  std::string document = host.document();
  if (document.find("refreshTokenExpiresAt") == std::string::npos)
    document.insert(document.find("\"accessToken\""), R"("refreshTokenExpiresAt":)" + end + ",");
  host.home.write("claude/.credentials.json", document);
  host.endpoint.script({.members = {{"scope", R"("user:inference")"}, {"refresh_token_expires_in", "3600"}}});
  const ExchangeReport report = host.run();
  REQUIRE(report.login);
  REQUIRE(report.login->login_expires_at);
  CHECK(*report.login->login_expires_at < now() + 2h);
  CHECK_THAT(host.document(), Catch::Contains(R"(["user:inference"])"));
  host.login(-60s);
}

TEST_CASE("a token that no header can carry is not published, and its login goes on") {
  Host host;
  host.endpoint.script({.members = {{"access_token", R"("a\nb")"}}});
  const ExchangeReport report = host.run();
  CHECK(report.refreshed);
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login);
  CHECK_THAT(report.failure->message, Catch::Contains("the access token cannot be used"));
  CHECK_FALSE(report.login);
  CHECK(host.login_works());
  CHECK(host.field("accessToken") == "a\nb");
  CHECK_FALSE(host.run().refreshed);
  CHECK(host.posts() == 1);
  host.request.force = Force::yes;
  CHECK(host.run().login);
}

TEST_CASE("a refused refresh token is remembered, and nobody is asked again until the login changes") {
  Host host;
  host.endpoint.script(reply(400, R"({"error":"invalid_grant"})"));
  ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  host.request.published.dead_request_hash = report.failure->request_hash;
  report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  CHECK(report.failure->is_known);
  CHECK(host.posts() == 1);
  host.login(-60s);
  CHECK(host.run().refreshed);
}

TEST_CASE(
    "a refusal belongs to the whole request: another endpoint, client or scope is asked, and --force asks") {
  Host host;
  host.endpoint.script(reply(400, R"({"error":"invalid_grant"})"));
  host.request.provider.client_id = "mistyped";
  const ExchangeReport refused = host.run();
  REQUIRE(refused.failure);
  host.request.published.dead_request_hash = refused.failure->request_hash;
  host.request.published.failed_request_hash = refused.failure->request_hash;
  host.request.published.not_before = now() + 30s;
  const ExchangeRequest remembered = host.request;
  const std::function<void(ExchangeRequest&)> changes[] = {
      [](ExchangeRequest& request) { request.provider.client_id = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"; },
      [](ExchangeRequest& request) { request.provider.scope = ScopeRule::none; },
      [](ExchangeRequest& request) { request.profile.token_url += "?"; },
      [](ExchangeRequest& request) { request.force = Force::yes; }};
  size_t posts = host.posts();
  for (const auto& change : changes) {
    host.request = remembered;
    CHECK(host.run().failure);
    CHECK(host.posts() == posts);
    change(host.request);
    host.endpoint.script(reply(503, ""));
    host.run();
    CHECK(host.posts() == ++posts);
  }
}

TEST_CASE("a failure of any kind lets the endpoint rest, and is told again meanwhile") {
  for (const FailureKind kind : {FailureKind::network, FailureKind::unknown, FailureKind::rejected}) {
    Host host;
    host.request.published.last_error = LastError{kind, "the first reason", "", now()};
    host.request.published.not_before = now() + 30s;
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK(report.failure->kind == kind);
    CHECK(report.failure->is_known);
    CHECK_THAT(report.failure->message, Catch::EndsWith(": the first reason"));
    CHECK(host.posts() == 0);
  }
}

TEST_CASE("a token that was obtained in the future is due, however long it seems to live") {
  Host host;
  host.login(8h);
  host.request.published.access_token_hash = fingerprint(Secret(std::string_view(host.field("accessToken"))));
  host.request.published.obtained_at = now() + 3h;
  CHECK(host.run().refreshed);
}

TEST_CASE("a life that no token of this server has is not asked for") {
  Host host;
  host.login(7h);
  host.request.published.token_life = 8h;
  host.request.min_ttl = 8h;
  CHECK_FALSE(host.run().refreshed);
  CHECK(host.posts() == 0);
  host.request.min_ttl = 7h + 30min;
  CHECK(host.run().refreshed);
}

TEST_CASE("a cool-down that no server can have asked for is a clock's that was set back") {
  Host host;
  host.request.published.not_before = now() + 30 * 24h;
  CHECK(host.run().refreshed);
}

TEST_CASE("a cool-down is respected, and a person may override it with a notice") {
  Host host;
  host.request.published.not_before = now() + 1h;
  CHECK(host.run().failure->kind == FailureKind::throttled);
  CHECK(host.posts() == 0);
  host.request.force = Force::yes;
  const ExchangeReport report = host.run();
  CHECK(report.refreshed);
  CHECK(report.notices.size() == 1);
}

TEST_CASE("while another program holds a lock nothing is sent, and it is worth trying later") {
  for (const char* lock : {"claude/.oauth_refresh.lock", "claude.lock"}) {
    Host host;
    std::filesystem::create_directory(host.home / lock);
    const auto stop_on_second_wake = [wakes = 0]() mutable { return ++wakes == 2; };
    const ExchangeReport report = keep_fresh(host.request, stop_on_second_wake);
    REQUIRE(report.failure);
    CHECK(report.failure->kind == FailureKind::busy);
    CHECK(error_kind(report.failure->kind) == ErrorKind::temporary);
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

TEST_CASE("a save is not held up for ever, and what then overwrites it is mended by the next run") {
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
    CHECK(report.failure->message.find(of_lock ? "took this lock over" : "changed it meanwhile") !=
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

TEST_CASE("an answer that is whole counts, however the connection ends") {
  Host host;
  host.endpoint.script({.ending = Ending::truncate, .pad_to = 4096});
  const ExchangeReport report = host.run();
  CHECK_FALSE(report.failure);
  CHECK(report.refreshed);
  CHECK(host.login_works());
}

TEST_CASE("a login without write permission is replaced, and keeps its mode") {
  Host host;
  REQUIRE(::chmod(host.request.profile.credentials.c_str(), 0400) == 0);
  CHECK(host.run().refreshed);
  struct stat status;
  REQUIRE(::stat(host.request.profile.credentials.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0400);
  CHECK(host.login_works());
}

TEST_CASE("an earlier refresh without an answer is told again when the login turns out to be dead") {
  Host host;
  host.endpoint.script({.at = Stage::rotated, .ending = Ending::reset});
  REQUIRE(host.run().failure);
  const ExchangeReport report = host.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  CHECK_THAT(report.failure->message, Catch::Contains("an earlier refresh began at"));
  CHECK_THAT(report.failure->message, Catch::Contains("its answer never arrived"));
}

TEST_CASE("notes that a login's owner damaged are no obstacle, and what is no file is told") {
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

TEST_CASE("a login that cannot be understood is told with file and place, and nothing is sent") {
  Host host;
  const std::pair<std::string, const char*> documents[] = {
      {"", "is empty"},
      {"{", ":1:2: not JSON"},
      {"[]", "is not an object"},
      {R"({"claudeAiOauth":{"accessToken":"","refreshToken":""}})", "no token is there"},
      {R"({"claudeAiOauth":{"accessToken":1,"refreshToken":"r"}})",
       "/claudeAiOauth/accessToken: is not a string"},
      {R"({"claudeAiOauth":{"accessToken":"a","refreshToken":["r"]}})",
       "/claudeAiOauth/refreshToken: is not a string"},
      {std::string(R"({"claudeAiOauth":{"accessToken":"a","refr)") + std::string(9, '\0'),
       "ends in 9 NUL bytes"},
      {R"({"a":1,"a":2})", "key 'a' stands twice"},
      {std::string(100'000, '['), "nested deeper than 64 levels"},
      {std::string(5 * 1024 * 1024, ' '), "is larger than 4194304 bytes"},
  };
  for (const auto& [document, message] : documents) {
    host.home.write("claude/.credentials.json", document);
    const ExchangeReport report = host.run();
    REQUIRE(report.failure);
    CHECK_THAT(report.failure->message, Catch::Contains(message));
    CHECK_THAT(report.failure->message, Catch::Contains(".credentials.json"));
    CHECK(host.document() == document);
  }
  CHECK(host.posts() == 0);
}

TEST_CASE("a login that is no file is refused without blocking") {
  Host host;
  std::filesystem::remove(host.request.profile.credentials);
  CHECK_THAT(host.run().failure->message, Catch::Contains("No such file"));
  REQUIRE(::mkfifo(host.request.profile.credentials.c_str(), 0600) == 0);
  CHECK_THAT(host.run().failure->message, Catch::Contains("is a FIFO"));
  std::filesystem::remove(host.request.profile.credentials);
  std::filesystem::create_directory(host.request.profile.credentials);
  CHECK_THAT(host.run().failure->message, Catch::Contains("is a directory"));
}
