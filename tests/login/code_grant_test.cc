// SPDX-License-Identifier: Apache-2.0
#include "login/code_grant.h"

#include <set>

#include "support/catch.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

Authorization an_authorization() {
  return {"http://127.0.0.1:4711/callback", Secret(std::string_view("the-state")),
          Secret(std::string_view("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))};
}

std::optional<Redirect> answer(std::string_view query) {
  auto redirect = parse_redirect(query);
  return redirect && is_answer(*redirect, an_authorization()) ? std::move(redirect) : std::nullopt;
}

}  // namespace

TEST_CASE("the challenge of RFC 7636 appendix B") {
  CHECK(code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") ==
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST_CASE("a word has 43 characters that a URL may contain, and does not come twice") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const Secret word = random_word();
    CHECK(word.reveal().size() == 43);
    CHECK(word.reveal().find_first_not_of(
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos);
    seen.emplace(word.reveal());
  }
  CHECK(seen.size() == 100);
}

TEST_CASE("the address has what RFC 6749, RFC 7636 and the provider ask for") {
  TokenRequest client;
  client.client_id = "c & d";
  client.scopes = {"openid", "offline_access"};
  client.parameters = {{"resource", "https://api.example/"}};
  const std::string address = authorization_address("https://as.example/auth", client, an_authorization());
  CHECK(address ==
        "https://as.example/auth?response_type=code&client_id=c%20%26%20d"
        "&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback&state=the-state"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        "&scope=openid%20offline_access&resource=https%3A%2F%2Fapi.example%2F");
  CHECK_THAT(authorization_address("https://as.example/auth?tenant=x", client, an_authorization()),
             Catch::StartsWith("https://as.example/auth?tenant=x&response_type=code"));
}

TEST_CASE("a redirect has a code or an error, decoded") {
  const auto granted = answer("code=a%2Bb+c&state=the-state&iss=https%3A%2F%2Fas.example&other=1");
  REQUIRE(granted);
  CHECK(granted->code.reveal() == "a+b c");
  CHECK(granted->issuer == "https://as.example");
  const auto refused = answer("error=access_denied&error_description=no%21&state=the-state");
  REQUIRE(refused);
  CHECK(refused->error == "access_denied");
  CHECK(refused->description == "no!");
}

TEST_CASE("what does not answer our request is ignored") {
  for (const char* query :
       {"", "code=a", "code=a&state=", "code=a&state=the-stat", "code=a&state=the-statf",
        "code=a&state=the-state2", "state=the-state", "code=a&error=b&state=the-state",
        "code=a&code=b&state=the-state", "code=a&state=the-state&state=the-state", "code=%&state=the-state",
        "code=%g0&state=the-state", "code=%0&state=the-state", "&&&=&=="}) {
    INFO(query);
    CHECK_FALSE(answer(query));
  }
}

TEST_CASE("an answer of another server is refused (RFC 9207)") {
  ServerMetadata server;
  server.issuer = "https://as.example";
  const auto verdict = [&](std::string_view query) { return check_answer(*answer(query), server); };
  CHECK(verdict("code=a&state=the-state"));
  CHECK(verdict("code=a&state=the-state&iss=https://as.example"));
  const auto mixed_up = verdict("code=a&state=the-state&iss=https://as.example/");
  REQUIRE_FALSE(mixed_up);
  CHECK(mixed_up.error().message ==
        "the answer is not from 'https://as.example': its iss is 'https://as.example/'");
  server.names_itself = true;
  CHECK_FALSE(verdict("code=a&state=the-state"));
}

TEST_CASE("a refusal has the server's words without control characters") {
  const auto refused =
      check_answer(*answer("error=access_denied&error_description=no%1b%5b2J%0a&state=the-state"), {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::action_required);
  CHECK(refused.error().message == "the server refused: access_denied: no?[2J?");
}

TEST_CASE("a pasted address is one that begins with the redirect's") {
  const std::string uri = "http://127.0.0.1:4711/callback";
  CHECK(pasted_query("  " + uri + "?code=a&state=b#x \r", uri) == "code=a&state=b");
  for (const std::string& address :
       {std::string(), uri, uri + "/?code=a", std::string("https://as.example/?code=a"),
        std::string("http://127.0.0.1:4712/callback?code=a")}) {
    INFO(address);
    CHECK_FALSE(pasted_query(address, uri));
  }
}
