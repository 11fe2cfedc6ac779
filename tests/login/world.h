// SPDX-License-Identifier: Apache-2.0
// A person who logs in and out at an authorization server that answers as each test says.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "config/provider.h"
#include "login/log_in.h"
#include "support/catch.h"
#include "support/temp_dir.h"
#include "support/token_endpoint.h"

namespace oci_oauth::test {

using Catch::Contains;

inline const std::string grant =
    R"({"access_token": "at-secret", "refresh_token": "rt-secret", "expires_in": 3600, "token_type": "Bearer",
        "id_token": "it-secret", "scope": "a b"})";

// Requests and answers by the last word of their path.
struct World {
  TempDir home;
  TokenEndpoint server;
  ExchangeRequest request;
  std::map<std::string, std::vector<Reply>> answers;  // the last one stays
  std::vector<std::pair<std::string, Parameters>> seen;
  std::function<void(const std::string&)> meanwhile = [](const std::string&) {};

  explicit World(LoginFlow flow = LoginFlow::device) {
    auto provider = load_provider("oauth2", {SOURCE_DIR "/oci-config/providers"});
    REQUIRE(provider);
    request.provider = std::move(*provider);
    const std::string at = server.origin() + "/control/";
    request.provider.token_url = at + "token";
    request.provider.device_authorization_url = at + "device";
    request.provider.authorization_url = at + "authorize";
    request.provider.revocation_url = at + "revoke";
    request.provider.scopes = {"a", "b", "c"};
    request.profile.name = "work";
    request.profile.client_id = "me";
    request.profile.credentials = home / "login.json";
    request.profile.ca_file = home.write("ca.pem", TokenEndpoint::ca_pem());
    request.login = LoginTask{LoginAction::log_in, flow, -1};
    answers["device"] = {{200, {}, R"({"device_code": "dc-secret", "user_code": "ABCD", "interval": 1,
                                      "verification_uri": "https://example.com/device"})"}};
    answers["token"] = {{200, {}, grant}};
    answers["revoke"] = {{200, {}, ""}};
    server.handle_control([this](const Request& asked) {
      const std::string word = asked.path.substr(asked.path.rfind('/') + 1);
      seen.emplace_back(word, asked.parameters);
      meanwhile(word);
      auto& left = answers[word];
      if (left.empty()) return Reply{404, {}, ""};
      Reply reply = left.front();
      if (left.size() > 1) left.erase(left.begin());
      return reply;
    });
  }

  ExchangeReport run(ExchangeReport (*act)(const ExchangeRequest&) = log_in) {
    ExchangeReport report = act(request);
    std::string told = report.failure ? report.failure->message + report.failure->hint : "";
    for (const std::string& notice : report.notices) told += notice;
    CHECK_THAT(told, !Contains("-secret"));
    return report;
  }
  // One of ours that is due.
  void write_login() {
    home.write("login.json", R"({"access_token": "at-secret", "refresh_token": "rt-secret",
                                "expires_at": 1000000000, "made_by": "oci-oauth login"})");
  }
  bool has_login() const { return std::filesystem::exists(home / "login.json"); }
  std::string member(const std::string& key) const {
    const auto json = parse_json(home.read("login.json"), "login");
    REQUIRE(json);
    return std::string(json_string(*json, key).value_or(""));
  }
  size_t count(const std::string& word) const {
    return static_cast<size_t>(std::ranges::count(seen, word, [](const auto& one) { return one.first; }));
  }
};

}  // namespace oci_oauth::test
