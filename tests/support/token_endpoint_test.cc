// SPDX-License-Identifier: Apache-2.0
// The tests' own server is tested too: a fault that it does not really make would prove nothing about a
// client.
#include "support/token_endpoint.h"

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/control_api.h"
#include "support/json_text.h"

namespace oci_oauth::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds patience{20000};  // for what must happen
constexpr milliseconds soon{100};        // for what must not

struct Response {
  CURLcode result = CURLE_OK;
  long status = 0;
  std::string body;

  std::string member(const std::string& name) const {
    const JsonMembers members = parse_json_object(body).value_or(JsonMembers());
    const auto found = members.find(name);
    return found != members.end() ? json_plain(found->second) : std::string();
  }
};

std::size_t append(char* bytes, std::size_t, std::size_t count, void* target) {
  static_cast<std::string*>(target)->append(bytes, count);
  return count;
}

// A client that keeps its connection from one request to the next, and gives up after `bound`.
class Client {
 public:
  explicit Client(milliseconds bound = patience) : bound_(bound) {}

  Response get(const std::string& url, const std::string& access_token = "") {
    const std::string authorization = "Authorization: Bearer " + access_token;
    return perform(url, authorization.c_str(), nullptr);
  }

  Response post(const std::string& url, const std::string& body,
                const char* content_type = "Content-Type: application/json") {
    return perform(url, content_type, &body);
  }

  Response refresh(const TokenEndpoint& endpoint, const std::string& refresh_token) {
    return post(endpoint.url(), json_object({{"grant_type", R"("refresh_token")"},
                                             {"refresh_token", json_quote(refresh_token)}}));
  }

 private:
  Response perform(const std::string& url, const char* header, const std::string* body) {
    static const std::string ca = TokenEndpoint::ca_pem();
    CURL* const handle = handle_.get();
    Response response;
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
        curl_slist_append(nullptr, header), &curl_slist_free_all);
    curl_blob ca_blob{const_cast<char*>(ca.data()), ca.size(), CURL_BLOB_NOCOPY};
    curl_easy_reset(handle);
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &ca_blob);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(bound_.count()));
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &response.body);
    if (body != nullptr) curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, body->c_str());
    response.result = curl_easy_perform(handle);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response.status);
    return response;
  }

  milliseconds bound_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle_{curl_easy_init(), &curl_easy_cleanup};
};

Response refresh(const TokenEndpoint& endpoint, const std::string& refresh_token,
                 milliseconds bound = patience) {
  return Client(bound).refresh(endpoint, refresh_token);
}

long whoami(const TokenEndpoint& endpoint, const std::string& access_token) {
  return Client().get(endpoint.origin() + "/api/whoami", access_token).status;
}

TEST_CASE("a refresh rotates both tokens, and the new ones work") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  CHECK(whoami(endpoint, login.access_token) == 200);
  CHECK(endpoint.accepts_refresh_token(login.refresh_token));

  const Response response = refresh(endpoint, login.refresh_token);
  REQUIRE(response.status == 200);
  CHECK(response.member("access_token").starts_with("sk-ant-oat01-"));
  CHECK(response.member("refresh_token").starts_with("sk-ant-ort01-"));
  CHECK(response.member("expires_in") == "28800");
  CHECK(response.member("scope") == "user:inference user:profile");
  CHECK(whoami(endpoint, response.member("access_token")) == 200);
  CHECK(endpoint.accepts_refresh_token(response.member("refresh_token")));
  CHECK_FALSE(endpoint.accepts_refresh_token(login.refresh_token));
}

TEST_CASE("a refresh token sent twice revokes its family and no other") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  const Login other = endpoint.issue_login();
  const Response first = refresh(endpoint, login.refresh_token);
  REQUIRE(first.status == 200);

  const Response second = refresh(endpoint, login.refresh_token);
  CHECK(second.status == 400);
  CHECK(second.member("error") == "invalid_grant");
  CHECK(refresh(endpoint, first.member("refresh_token")).member("error") == "invalid_grant");
  CHECK(whoami(endpoint, first.member("access_token")) == 401);
  CHECK(whoami(endpoint, login.access_token) == 401);
  CHECK(endpoint.counters().reuses == 1);
  CHECK(endpoint.posts_by_refresh_token().at(login.refresh_token) == 2);
  CHECK(refresh(endpoint, other.refresh_token).status == 200);
}

TEST_CASE("an access token expires on time") {
  AuthorizationServer server({});
  const AuthorizationServer::TimePoint start{};
  const Login login = server.issue_login(seconds(60), start);
  CHECK(server.accepts_access_token(login.access_token, start + seconds(59)));
  CHECK_FALSE(server.accepts_access_token(login.access_token, start + seconds(60)));
}

TEST_CASE("an unknown token is not an access token") {
  TokenEndpoint endpoint;
  CHECK(whoami(endpoint, "sk-ant-oat01-unknown") == 401);
  CHECK(Client().get(endpoint.origin() + "/elsewhere").status == 404);
}

TEST_CASE("a form works as well as JSON") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  const std::string body =
      "grant_type=refresh_token&scope=user%3Ainference+user:profile&refresh_token=" + login.refresh_token;
  CHECK(Client().post(endpoint.url(), body, "Content-Type: application/x-www-form-urlencoded").status == 200);
  CHECK(endpoint.requests().at(0).parameters.at("scope") == "user:inference user:profile");
}

TEST_CASE("a request that breaks a rule is refused and rotates nothing") {
  TokenEndpointSettings settings;
  settings.authorization.required_parameters = {"client_id"};
  TokenEndpoint endpoint(settings);
  const Login login = endpoint.issue_login();
  const auto post = [&](JsonMembers members) {
    members.insert({{"grant_type", R"("refresh_token")"},
                    {"refresh_token", json_quote(login.refresh_token)},
                    {"client_id", R"("client")"}});
    return Client().post(endpoint.url(), json_object(members));
  };

  const Response bare = refresh(endpoint, login.refresh_token);
  CHECK(bare.status == 400);
  CHECK(bare.body.find("Invalid request format") != std::string::npos);
  CHECK(post({{"grant_type", R"("password")"}}).member("error") == "unsupported_grant_type");
  CHECK(post({{"refresh_token", R"("unknown")"}}).member("error") == "invalid_grant");
  CHECK(post({{"scope", R"("user:inference org:admin")"}}).member("error") == "invalid_scope");
  CHECK(endpoint.accepts_refresh_token(login.refresh_token));
  CHECK(post({{"scope", R"("user:profile")"}}).member("scope") == "user:profile");
}

TEST_CASE("a request is recorded as it was sent") {
  TokenEndpoint endpoint;
  Client().post(endpoint.url() + "?a=b%20c", R"({"grant_type":"none"})");
  const std::vector<Request> requests = endpoint.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "POST");
  CHECK(requests[0].path == "/v1/oauth/token");
  CHECK(requests[0].query.at("a") == "b c");
  CHECK(requests[0].headers.at("content-type") == "application/json");
  CHECK(requests[0].body == R"({"grant_type":"none"})");
  CHECK(requests[0].arrived <= std::chrono::system_clock::now());
}

TEST_CASE("a scripted reply comes instead of a rotation") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  endpoint.script({.reply = Reply{429, {{"Retry-After", "60"}}, R"({"error":"slow down"})"}});
  endpoint.script({.reply = Reply{403, {{"Content-Type", "text/html"}}, "<html>"}});
  endpoint.script({.reply = Reply{307, {{"Location", endpoint.origin() + "/elsewhere"}}, ""}});
  endpoint.script({});
  CHECK(refresh(endpoint, login.refresh_token).status == 429);
  CHECK(refresh(endpoint, login.refresh_token).body == "<html>");
  CHECK(refresh(endpoint, login.refresh_token).status == 307);
  CHECK(endpoint.counters().refreshes == 0);
  CHECK(refresh(endpoint, login.refresh_token).status == 200);
  CHECK(endpoint.counters().posts == 4);
}

TEST_CASE("a scripted reply can come after the rotation") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  endpoint.script({.at = Stage::rotated, .reply = Reply{503, {}, ""}});
  CHECK(refresh(endpoint, login.refresh_token).status == 503);
  CHECK(endpoint.counters().refreshes == 1);
  CHECK_FALSE(endpoint.accepts_refresh_token(login.refresh_token));
}

TEST_CASE("members of an answer can be absurd or missing") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  endpoint.script({.members = {{"expires_in", "1e300"}}, .omit = {"access_token"}});
  const Response response = refresh(endpoint, login.refresh_token);
  CHECK(response.body.find(R"("expires_in":1e300)") != std::string::npos);
  CHECK(response.body.find("access_token") == std::string::npos);
  CHECK(response.status == 200);
}

TEST_CASE("without a refresh token in the answer the one sent stays current") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  endpoint.script({.omit = {"refresh_token"}});
  const Response response = refresh(endpoint, login.refresh_token);
  CHECK(response.member("refresh_token").empty());
  CHECK(whoami(endpoint, response.member("access_token")) == 200);
  CHECK(refresh(endpoint, login.refresh_token).status == 200);
  CHECK(endpoint.counters().reuses == 0);
}

TEST_CASE("a truncated answer is shorter than it says") {
  TokenEndpoint endpoint;
  endpoint.script({.ending = Ending::truncate});
  const Response response = refresh(endpoint, endpoint.issue_login().refresh_token);
  CHECK(response.result == CURLE_PARTIAL_FILE);
  CHECK_FALSE(response.body.empty());
  CHECK(endpoint.counters().refreshes == 1);
}

TEST_CASE("an answer can be padded to any size") {
  constexpr std::size_t size = std::size_t{10} << 20;
  TokenEndpoint endpoint;
  endpoint.script({.pad_to = size});
  const Response response = refresh(endpoint, endpoint.issue_login().refresh_token);
  CHECK(response.body.size() == size);
  CHECK_FALSE(response.member("access_token").empty());
}

TEST_CASE("a delay holds the answer back, before or after the rotation") {
  constexpr milliseconds delay{50};
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  const Stage stage = GENERATE(Stage::accepted, Stage::handshaken, Stage::received, Stage::rotated);
  endpoint.script({.at = stage, .delay = delay});
  const auto start = std::chrono::steady_clock::now();
  CHECK(refresh(endpoint, login.refresh_token).status == 200);
  CHECK(std::chrono::steady_clock::now() - start >= delay);
}

TEST_CASE("a server that hangs says nothing more, until its end") {
  auto endpoint = std::make_unique<TokenEndpoint>();
  const Stage stage = GENERATE(Stage::accepted, Stage::handshaken, Stage::received, Stage::rotated);
  endpoint->script({.at = stage, .ending = Ending::hang});
  auto result = std::async(std::launch::async, [&hanging = *endpoint] {
    return refresh(hanging, hanging.issue_login().refresh_token).result;
  });
  const auto arrived = [stage](const Counters& now) {
    return now.connections == 1 && now.posts == (stage >= Stage::received ? 1 : 0) &&
           now.refreshes == (stage == Stage::rotated ? 1 : 0);
  };
  REQUIRE(endpoint->wait_until(arrived, patience));
  CHECK(result.wait_for(soon) == std::future_status::timeout);
  CHECK(arrived(endpoint->counters()));
  endpoint.reset();
  CHECK(result.get() != CURLE_OK);
}

TEST_CASE("a server that hangs notices that its client left") {
  TokenEndpoint endpoint;
  endpoint.script({.ending = Ending::hang});
  CHECK(refresh(endpoint, endpoint.issue_login().refresh_token, soon).result == CURLE_OPERATION_TIMEDOUT);
  CHECK(refresh(endpoint, endpoint.issue_login().refresh_token).status == 200);
}

TEST_CASE("a connection ends at each stage, with a reset or in order") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  const Ending ending = GENERATE(Ending::reset, Ending::close);
  const Stage stage = GENERATE(Stage::accepted, Stage::handshaken, Stage::received, Stage::rotated);
  endpoint.script({.at = stage, .ending = ending});

  const CURLcode result = refresh(endpoint, login.refresh_token).result;
  if (stage == Stage::accepted) {
    // A reset may come before the client has noticed its connection.
    const bool unnoticed = ending == Ending::reset && result == CURLE_COULDNT_CONNECT;
    CHECK((result == CURLE_SSL_CONNECT_ERROR || unnoticed));
  } else if (ending == Ending::close) {
    CHECK(result == CURLE_GOT_NOTHING);
  } else {
    CHECK((result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR));
  }
  CHECK(endpoint.counters().connections == 1);
  CHECK(endpoint.counters().posts == (stage >= Stage::received ? 1 : 0));
  CHECK(endpoint.accepts_refresh_token(login.refresh_token) == (stage != Stage::rotated));
}

TEST_CASE("a connection serves one request after another") {
  TokenEndpoint endpoint;
  Client client;
  const Response first = client.refresh(endpoint, endpoint.issue_login().refresh_token);
  CHECK(client.refresh(endpoint, first.member("refresh_token")).status == 200);
  CHECK(endpoint.counters().connections == 1);
}

TEST_CASE("a client can detect a wrong certificate") {
  const Identity identity = GENERATE(Identity::other_authority, Identity::other_host);
  TokenEndpointSettings settings;
  settings.identity = identity;
  TokenEndpoint endpoint(settings);
  CHECK(refresh(endpoint, endpoint.issue_login().refresh_token).result == CURLE_PEER_FAILED_VERIFICATION);
  CHECK(endpoint.counters().connections == 1);
  CHECK(endpoint.requests().empty());
}

TEST_CASE("a test can wait until the tokens are rotated") {
  TokenEndpoint endpoint;
  const Login login = endpoint.issue_login();
  endpoint.script({.at = Stage::rotated, .delay = soon});
  const auto refreshed = [](const Counters& now) { return now.refreshes == 1; };
  CHECK_FALSE(endpoint.wait_until(refreshed, milliseconds(1)));
  const auto response =
      std::async(std::launch::async, [&] { return refresh(endpoint, login.refresh_token).status; });
  CHECK(endpoint.wait_until(refreshed, patience));
}

TEST_CASE("clients that come at once are served at once") {
  constexpr std::size_t clients = 8;
  constexpr std::size_t rounds = 10;
  TokenEndpoint endpoint;
  std::array<std::future<bool>, clients> all;
  for (auto& client : all) {
    client = std::async(std::launch::async, [&, token = endpoint.issue_login().refresh_token]() mutable {
      for (std::size_t round = 0; round < rounds; ++round)
        token = refresh(endpoint, token).member("refresh_token");
      return endpoint.accepts_refresh_token(token);
    });
  }
  for (auto& client : all) CHECK(client.get());
  CHECK(endpoint.counters().refreshes == clients * rounds);
  CHECK(endpoint.counters().reuses == 0);
}

TEST_CASE("a shell can script an exchange and read what happened") {
  TokenEndpoint endpoint;
  endpoint.handle_control(control_api(endpoint));
  const std::string control = endpoint.origin() + "/control/";
  const Response document = Client().post(control + "login?expires_in=5", "");
  const std::string claude = document.member("claudeAiOauth");
  const JsonMembers login = parse_json_object(claude).value_or(JsonMembers());
  REQUIRE(login.count("refreshToken") == 1);
  CHECK(login.at("scopes") == R"(["user:inference","user:profile"])");
  CHECK(login.at("subscriptionType") == R"("max")");
  const std::string refresh_token = json_plain(login.at("refreshToken"));
  CHECK(whoami(endpoint, json_plain(login.at("accessToken"))) == 200);

  const Response script = Client().post(
      control + "script",
      R"({"at":"rotated","delay_ms":1,"status":429,"headers":{"Retry-After":"7"},"body":"{}","pad_to":5})");
  CHECK(script.status == 200);
  CHECK(Client().get(control + "valid-refresh?token=" + refresh_token).body == R"({"valid":true})");
  const auto asked =
      std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  const Response answer = refresh(endpoint, refresh_token);
  CHECK(answer.status == 429);
  CHECK(answer.body == "{}   ");
  CHECK(Client().get(control + "valid-refresh?token=" + refresh_token).status == 404);

  const Response counters = Client().get(control + "counters");
  CHECK(counters.member("posts") == "1");
  CHECK(counters.member("connections") == "2");
  CHECK(counters.member("max_posts_per_refresh_token") == "1");
  const auto answered = std::chrono::microseconds(std::stoll(counters.member("answered_us")));
  CHECK(answered >= asked);
  CHECK(answered <= std::chrono::system_clock::now().time_since_epoch());
  CHECK(Client().get(control + "wait?posts=1&refreshes=1").status == 200);
  CHECK(Client().get(control + "wait?posts=2&timeout_ms=1").status == 408);
  CHECK(Client().get(control + "requests").body.find(refresh_token) != std::string::npos);
}

TEST_CASE("a control request that makes no sense is refused by name") {
  TokenEndpoint endpoint;
  endpoint.handle_control(control_api(endpoint));
  const std::string control = endpoint.origin() + "/control/";
  CHECK(Client().post(control + "script", R"({"endign":"hang"})").member("error") == "unknown: 'endign'");
  CHECK(Client().post(control + "script", R"({"at":"lunch"})").member("error") == "unknown: 'lunch'");
  CHECK(Client().post(control + "script", R"({"delay_ms":"long"})").member("error") ==
        R"(not a number: '"long"')");
  CHECK(Client().post(control + "script", "no").status == 400);
  CHECK(Client().get(control + "elsewhere").status == 404);
}

}  // namespace
}  // namespace oci_oauth::test
