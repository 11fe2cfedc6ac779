// SPDX-License-Identifier: Apache-2.0
// In tests/kubernetes/lab, beside a fake API server; the contract alone also beside a real one.
#include "store/open_store.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/base64.h"
#include "base/json.h"
#include "fleet/store_contract.h"
#include "store/kubernetes_messages.h"
#include "support/temp_dir.h"

namespace {

std::string lab(std::string_view name) {
  return std::string(::getenv("LAB")) + "/" + std::string(name);
}
std::string first_line(const std::string& path) {
  const std::string text = file_content(path);
  return text.substr(0, text.find('\n'));
}

FleetConfig some_config() {
  FleetConfig config;
  config.kubernetes = {"oci-oauth", first_line(lab("url")), lab("token")};
  config.ca_file = lab("ca.pem");
  config.profiles = {"a", "b"};
  return config;
}
std::unique_ptr<RecordStore> open_kubernetes(const FleetConfig& config) {
  return oci_oauth::open_store(config, {});
}
std::unique_ptr<RecordStore> with_token(const TempDir& dir, const char* token) {
  auto own = some_config();
  own.kubernetes->token_file = dir / "token";
  std::ofstream(dir / "token") << token << '\n';
  return open_kubernetes(own);
}
std::unique_ptr<RecordStore> with_certificate(const char* name) {
  auto own = some_config();
  own.certificate_file = lab(name);
  return oci_oauth::open_store(own, {file_content(lab(name)), Secret(file_content(lab("client.key")))});
}

// A request that the store does not make.
std::string administer(const char* method, const std::string& path, const std::string& body = "{}") {
  HttpRequest request;
  request.url = first_line(lab("url")) + path;
  request.method = method;
  request.ca_file = lab("ca.pem");
  request.content_type = "application/json";
  request.body = Secret(std::string_view(body));
  request.bearer = Secret(std::string_view("admin"));
  const auto result = send_request(request);
  const auto* const reply = std::get_if<HttpReply>(&result);
  REQUIRE(reply != nullptr);
  return std::string(reply->body.reveal());
}
void next(const std::string& asked) {
  administer("POST", "/fake/next", asked);
}
std::int64_t requests(const char* of) {
  return json_int(*parse_json(administer("GET", "/fake/requests"), "counts"), of).value_or(0);
}
// What all watches get, once so many are open.
void tell_watches(std::int64_t open, const std::string& asked) {
  const auto bound = in(10s);
  while (requests("open") < open && std::chrono::steady_clock::now() < bound) std::this_thread::yield();
  administer("POST", "/fake/watches", asked);
}

// Why following failed, while the watches got that.
std::string lost_by(const std::string& asked) {
  const auto store = open_store();
  const auto listing = *store->list(access_prefix);
  std::jthread other([&] { tell_watches(2, asked); });
  const auto done = store->follow(access_prefix, listing, in(10s), [](const KeyChange&) { return true; });
  return done ? "" : done.error().message;
}
template <class T>
std::string reason(const Result<T>& result) {
  return result ? "" : result.error().message;
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos && text.find('\n') == std::string::npos;
}

}  // namespace

namespace oci_oauth::test {

const std::string_view engine = "kubernetes";

std::unique_ptr<RecordStore> open_store() {
  return open_kubernetes(some_config());
}
void remove_record(const std::string& key) {
  administer("DELETE", "/api/v1/namespaces/oci-oauth/secrets/" + *kubernetes::secret_name(key));
}
Listing forgotten_listing() {
  auto before = *open_store()->list(access_prefix);
  if (std::filesystem::exists(lab("is-real"))) {
    before.version = "2,2";
  } else {
    REQUIRE(*open_store()->write(access_key("a"), "1", none) == Written::yes);
    administer("POST", "/fake/compact");
  }
  return before;
}

}  // namespace oci_oauth::test

TEST_CASE("fake API server: a Secret that a person made without data is filled, and keeps what else it has") {
  remove_all();
  const std::string path = "/api/v1/namespaces/oci-oauth/secrets";
  const auto make = [&](const char* data) {
    administer("POST", path,
               R"({"metadata":{"name":"oci-oauth-a","labels":{"of":"me"}})" + std::string(data) + "}");
  };
  const auto store = open_store();
  for (const char* const data : {"", R"(,"data":{"other":"eA=="})"}) {
    remove_record(access_key("a"));
    make(data);
    CHECK(*store->read(access_key("a")) == none);
    CHECK(*store->write(access_key("a"), "one", none) == Written::yes);
    CHECK((*store->read(access_key("a")))->bytes == "one");
    const auto now_there = administer("GET", path + "/oci-oauth-a");
    CHECK(has(now_there.substr(0, now_there.find('\n')), R"("of":"me")"));
  }
  CHECK(administer("GET", path + "/oci-oauth-a").find(R"("other":"eA==")") != std::string::npos);
}

TEST_CASE("fake API server: a Role that names Secrets is enough, and what it does not permit is told") {
  remove_all();
  const TempDir dir;
  const auto follower = with_token(dir, "follower");
  CHECK(follower->list(access_prefix));
  const auto listing = *follower->list(access_prefix);
  std::jthread other([] { (void)open_store()->write(access_key("b"), "1", none); });
  std::string seen;
  CHECK(follower->follow(access_prefix, listing, in(10s), [&](const KeyChange& change) {
    seen = change.key + "=" + change.stored->bytes;
    return false;
  }));
  CHECK(seen == access_key("b") + "=1");
  CHECK(has(reason(follower->read(login_key("a"))),
            R"(secrets "oci-oauth-a-login" is forbidden: User "follower")"));
  CHECK(has(reason(follower->write(access_key("b"), "2", *follower->read(access_key("b")))), "cannot patch"));
  CHECK(has(reason(follower->write(access_key("a"), "2", none)), "cannot create"));
}

TEST_CASE(
    "fake API server: the token is read anew for each connection, and a refused one is told by its file") {
  const TempDir dir;
  const auto store = with_token(dir, "of yesterday");
  CHECK(has(reason(store->read(login_key("a"))), "refuses the token in " + (dir / "token")));
  CHECK(has(reason(store->write(login_key("a"), "x", Stored{"y", "1-y"})), "refuses the token in"));
  std::ofstream(dir / "token") << "refresher";
  CHECK(store->read(login_key("a")));
  std::filesystem::remove(dir / "token");
  CHECK(has(reason(store->read(login_key("a"))), "token_file: "));
}

TEST_CASE("fake API server: certificates are used in place of a token, and told if they are not accepted") {
  CHECK(with_certificate("client.pem")->read(login_key("a")));
  for (const char* const refused : {"stranger.pem", "expired.pem"})
    CHECK(has(reason(with_certificate(refused)->read(login_key("a"))),
              "does not know this client's certificate"));
  auto expired = some_config();
  expired.kubernetes->server = first_line(lab("expired-url"));
  CHECK(has(reason(open_kubernetes(expired)->read(login_key("a"))), "certificate has expired"));
  auto other = some_config();
  other.ca_file = lab("other-ca.pem");
  CHECK(has(reason(open_kubernetes(other)->read(login_key("a"))), "certificate of localhost:"));
}

TEST_CASE("fake API server: a short pause that it asks for is kept, a long one told") {
  remove_all();
  const auto store = open_store();
  next(R"({"status":429,"headers":{"Retry-After":"1"}})");
  const auto began = std::chrono::steady_clock::now();
  CHECK(store->read(login_key("a")));
  CHECK(std::chrono::steady_clock::now() - began >= 1s);
  next(R"({"status":429,"headers":{"Retry-After":"1"},"method":"POST"})");
  CHECK(*store->write(login_key("a"), "one", none) == Written::yes);
  next(R"({"status":429,"headers":{"Retry-After":"30"}})");
  CHECK(has(reason(store->read(login_key("a"))), "answered 429; asks to wait 30 s"));
  next(R"({"status":429,"headers":{"Retry-After":"30"},"method":"PATCH"})");
  CHECK(has(reason(store->write(login_key("a"), "two", *store->read(login_key("a")))), "asks to wait 30 s"));
}

TEST_CASE("fake API server: a namespace that does not exist is told by the first write") {
  auto own = some_config();
  own.kubernetes->name_space = "missing";
  const auto store = open_kubernetes(own);
  CHECK(*store->read(login_key("a")) == none);
  CHECK(has(reason(store->write(login_key("a"), "one", none)), R"(namespaces "missing" not found)"));
}

TEST_CASE(
    "fake API server: conflicts mean that something else is there, other refusals that nothing is written") {
  remove_all();
  const auto store = open_store();
  REQUIRE(*store->write(login_key("a"), "one", none) == Written::yes);
  const auto one = *store->read(login_key("a"));
  next(R"({"status":409,"method":"PATCH"})");
  CHECK(*store->write(login_key("a"), "two", one) == Written::no);
  next(R"({"status":409,"method":"POST"})");
  CHECK(*store->write(login_key("b"), "one", none) == Written::no);
  for (const char* const status : {"400", "403", "413"}) {
    next(R"({"method":"PATCH","status":)" + std::string(status) + "}");
    CHECK(has(reason(store->write(login_key("a"), "two", one)), "answered " + std::string(status)));
  }
  CHECK((*store->read(login_key("a")))->bytes == "one");
}

TEST_CASE(
    "fake API server: a write whose answer is lost or nonsense is unknown, whether it was made or not") {
  const auto store = open_store();
  for (const char* const asked :
       {R"("cut":"all")", R"("cut":"half","applies":true)", R"("cut":"all","applies":true)",
        R"("body":"garbage")", R"("body":"{}")", R"("status":500)", R"("status":504)"}) {
    CAPTURE(asked);
    remove_all();
    REQUIRE(*store->write(login_key("a"), "one", none) == Written::yes);
    next(R"({"method":"PATCH",)" + std::string(asked) + "}");
    CHECK(*store->write(login_key("a"), "two", *store->read(login_key("a"))) == Written::unknown);
    next(R"({"method":"POST",)" + std::string(asked) + "}");
    CHECK(*store->write(login_key("b"), "two", none) == Written::unknown);
  }
}

TEST_CASE("fake API server: what it answers to a read is bounded, and has to be its own") {
  const auto store = open_store();
  for (const auto& [asked, why] :
       {std::pair{R"({"body":"garbage"})", "its answer is not one of the Kubernetes API's"},
        std::pair{R"({"body":"{}"})", "its answer is not one of the Kubernetes API's"},
        std::pair{R"({"applies":true,"cut":"half"})", "the answer is incomplete"},
        std::pair{R"({"applies":true,"pad":5000000})", "the answer is larger than"},
        std::pair{R"({"status":503,"body":"<html>"})", "answered 503"}}) {
    next(asked);
    CHECK(has(reason(store->read(login_key("a"))), why));
  }
  next(R"({"applies":true,"pad":1000000})");
  CHECK(store->read(login_key("a")));
}

TEST_CASE("fake API server: bookmarks change nothing, and the way in which a watch ends is told") {
  remove_all();
  const auto store = open_store();
  const auto listing = *store->list(access_prefix);
  std::jthread other([] {
    tell_watches(
        2,
        R"({"line":"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Secret\",\"metadata\":{\"resourceVersion\":\"9999\"}}}\n"})");
    (void)open_store()->write(access_key("a"), "1", none);
  });
  unsigned changes = 0;
  CHECK(store->follow(access_prefix, listing, in(10s), [&](const KeyChange&) { return ++changes == 0; }));
  CHECK(changes == 1);
  CHECK(has(lost_by(R"({"end":true})"), "the stream of changes was ended"));
  CHECK(has(lost_by(R"({"cut":true})"), "the answer is incomplete"));
  CHECK(has(lost_by(R"({"line":"garbage\n"})"), "its answer is not one of the Kubernetes API's"));
  CHECK(has(lost_by(R"({"line":"{\"type\":\"ADD","end":true})"), "its answer is not one of"));
  CHECK(has(lost_by(R"({"line":"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n"})"),
            "the changes since the last listing are gone"));
}

TEST_CASE("fake API server: a watch that it refuses is told, and a silent one is noticed") {
  const auto store = open_store();
  const auto listing = *store->list(access_prefix);
  next(
      R"({"status":403,"body":"{\"kind\":\"Status\",\"message\":\"secrets is forbidden\",\"code\":403}\n"})");
  const auto done = store->follow(access_prefix, listing, in(10s), [](const KeyChange&) { return true; });
  CHECK(has(reason(done), "secrets is forbidden"));
}

TEST_CASE("a profile whose name no Secret can have is refused") {
  const auto store = open_store();
  for (const char* const profile : {"Claude", "my_login", "x-login", "a..b", "a-"}) {
    const auto read = store->read(access_key(profile));
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::configuration);
    CHECK(has(read.error().message, "cannot be in Kubernetes"));
  }
}
