// SPDX-License-Identifier: Apache-2.0
// A login on disk at a strict server, and runs of the exchange on it.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include "base/fingerprint.h"
#include "base/json.h"
#include "exchange/exchange.h"
#include "exchange/journal.h"
#include "exchange/login_store.h"
#include "support/catch.h"
#include "support/control_api.h"
#include "support/providers.h"
#include "support/temp_dir.h"
#include "support/token_endpoint.h"

namespace oci_oauth::test {

using namespace std::chrono_literals;

// Due for a refresh.
struct ExchangeHost {
  TempDir home;
  TokenEndpoint endpoint;
  ExchangeRequest request;

  ExchangeHost() {
    fs_create();
    request.profile.name = "claude";
    request.profile.credentials = home / "claude/.credentials.json";
    request.profile.token_url = endpoint.url();
    request.profile.ca_file = home.write("ca.pem", TokenEndpoint::ca_pem());
    auto provider = load_provider("claude", {test::providers_of(SOURCE_DIR)});
    REQUIRE(provider);
    request.provider = std::move(*provider);
    login(-60s);
  }
  const std::string journal = "claude/" + journal_name(".credentials.json");

  // What asks for another login in the same directory, whose provider takes no locks.
  ExchangeRequest beside(const std::string& name, std::chrono::seconds from_now) {
    Login issued = endpoint.issue_login();
    issued.expires_in = from_now;
    ExchangeRequest other;
    other.profile = request.profile;
    other.profile.credentials =
        home.write("claude/" + name, claude_credentials(issued, std::chrono::system_clock::now()));
    other.provider = request.provider;
    other.provider.locks.clear();
    return other;
  }

  void fs_create() { std::filesystem::create_directory(home / "claude"); }

  // Writes a new login whose access token ends `from_now`.
  void login(std::chrono::seconds from_now) {
    Login issued = endpoint.issue_login();
    issued.expires_in = from_now;
    home.write("claude/.credentials.json", claude_credentials(issued, std::chrono::system_clock::now()));
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
inline LoginStore interrupt(const ExchangeHost& host) {
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

inline Step reply(int status, std::string body, std::map<std::string, std::string> headers = {}) {
  return {.reply = Reply{status, std::move(headers), std::move(body)}};
}

}  // namespace oci_oauth::test
