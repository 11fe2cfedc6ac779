// SPDX-License-Identifier: Apache-2.0
#include "support/control_api.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "support/json_text.h"

namespace oci_oauth::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Thrown for a request that makes no sense; the message is the answer.
using BadRequest = std::invalid_argument;

Reply json_reply(const JsonMembers& members, int status = 200) {
  return {status, {}, json_object(members)};
}

template <typename Values, typename ToText>
std::string json_array(const Values& values, ToText to_text) {
  std::string text = "[";
  for (const auto& value : values) {
    if (text.size() > 1) text += ',';
    text += to_text(value);
  }
  return text + ']';
}

template <class Unit>
std::string since_epoch(std::chrono::system_clock::time_point time) {
  return std::to_string(std::chrono::duration_cast<Unit>(time.time_since_epoch()).count());
}

template <typename Number>
Number to_number(const std::string& text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) throw BadRequest("not a number: '" + text + "'");
  return value;
}

template <typename Value>
const Value& lookup(const std::map<std::string, Value>& values, const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end()) throw BadRequest("unknown: '" + name + "'");
  return found->second;
}

JsonMembers to_object(const std::string& json) {
  std::optional<JsonMembers> members = parse_json_object(json);
  if (!members) throw BadRequest("not a JSON object: '" + json + "'");
  return *std::move(members);
}

std::map<std::string, std::string> to_strings(const std::string& json) {
  std::map<std::string, std::string> strings;
  for (const auto& [name, value] : to_object(json)) strings[name] = json_plain(value);
  return strings;
}

std::set<std::string> to_words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

Reply& reply_of(Step& step) {
  return step.reply ? *step.reply : step.reply.emplace();
}

const std::map<std::string, Stage> stages{{"accepted", Stage::accepted},
                                          {"handshaken", Stage::handshaken},
                                          {"received", Stage::received},
                                          {"rotated", Stage::rotated}};

const std::map<std::string, Ending> endings{{"answer", Ending::answer},
                                            {"truncate", Ending::truncate},
                                            {"close", Ending::close},
                                            {"reset", Ending::reset},
                                            {"hang", Ending::hang}};

// Sets one member of a step from its JSON value.
using StepSetter = void (*)(Step& step, const std::string& json);

const std::map<std::string, StepSetter> step_setters{
    {"at", [](Step& step, const std::string& json) { step.at = lookup(stages, json_plain(json)); }},
    {"ending", [](Step& step, const std::string& json) { step.ending = lookup(endings, json_plain(json)); }},
    {"delay_ms",
     [](Step& step, const std::string& json) { step.delay = milliseconds(to_number<int>(json)); }},
    {"members", [](Step& step, const std::string& json) { step.members = to_object(json); }},
    {"omit", [](Step& step, const std::string& json) { step.omit = to_words(json_plain(json)); }},
    {"pad_to", [](Step& step, const std::string& json) { step.pad_to = to_number<std::size_t>(json); }},
    {"status", [](Step& step, const std::string& json) { reply_of(step).status = to_number<int>(json); }},
    {"headers", [](Step& step, const std::string& json) { reply_of(step).headers = to_strings(json); }},
    {"body", [](Step& step, const std::string& json) { reply_of(step).body = json_plain(json); }}};

const std::map<std::string, std::size_t Counters::*> counter_members{{"connections", &Counters::connections},
                                                                     {"posts", &Counters::posts},
                                                                     {"refreshes", &Counters::refreshes},
                                                                     {"reuses", &Counters::reuses}};

Reply get_counters(TokenEndpoint& endpoint, const Request&) {
  const Counters counters = endpoint.counters();
  JsonMembers members;
  for (const auto& [name, member] : counter_members) members[name] = std::to_string(counters.*member);
  std::size_t most = 0;
  for (const auto& [token, posts] : endpoint.posts_by_refresh_token()) most = std::max(most, posts);
  members["max_posts_per_refresh_token"] = std::to_string(most);
  members["answered_us"] = since_epoch<microseconds>(endpoint.answered_at());
  return json_reply(members);
}

Reply wait_for_counters(TokenEndpoint& endpoint, const Request& request) {
  milliseconds bound{10000};
  Counters wanted;
  for (const auto& [name, value] : request.query) {
    if (name == "timeout_ms") {
      bound = milliseconds(to_number<int>(value));
    } else {
      wanted.*lookup(counter_members, name) = to_number<std::size_t>(value);
    }
  }
  const auto reached = [&](const Counters& now) {
    return std::all_of(counter_members.begin(), counter_members.end(),
                       [&](const auto& counter) { return now.*counter.second >= wanted.*counter.second; });
  };
  const bool in_time = endpoint.wait_until(reached, bound);
  Reply reply = get_counters(endpoint, request);
  if (!in_time) reply.status = 408;
  return reply;
}

std::string describe_request(const Request& request) {
  JsonMembers headers;
  for (const auto& [name, value] : request.headers) headers[name] = json_quote(value);
  return json_object({{"method", json_quote(request.method)},
                      {"path", json_quote(request.path)},
                      {"headers", json_object(headers)},
                      {"body", json_quote(request.body)},
                      {"arrived_ms", since_epoch<milliseconds>(request.arrived)}});
}

Reply get_requests(TokenEndpoint& endpoint, const Request&) {
  return {200, {}, json_array(endpoint.requests(), describe_request)};
}

Reply post_script(TokenEndpoint& endpoint, const Request& request) {
  Step step;
  for (const auto& [name, json] : to_object(request.body)) lookup(step_setters, name)(step, json);
  endpoint.script(std::move(step));
  return json_reply({});
}

Reply post_login(TokenEndpoint& endpoint, const Request& request) {
  const auto seconds = request.query.find("expires_in");
  const Login login = seconds == request.query.end()
                          ? endpoint.issue_login()
                          : endpoint.issue_login(std::chrono::seconds(to_number<int>(seconds->second)));
  return {200, {}, claude_credentials(login, std::chrono::system_clock::now())};
}

Reply get_valid_refresh(TokenEndpoint& endpoint, const Request& request) {
  const auto token = request.query.find("token");
  const bool valid = token != request.query.end() && endpoint.accepts_refresh_token(token->second);
  return json_reply({{"valid", valid ? "true" : "false"}}, valid ? 200 : 404);
}

using Verb = Reply (*)(TokenEndpoint& endpoint, const Request& request);

const std::map<std::string, Verb> verbs{
    {"GET /control/requests", get_requests},  {"GET /control/counters", get_counters},
    {"GET /control/wait", wait_for_counters}, {"POST /control/script", post_script},
    {"POST /control/login", post_login},      {"GET /control/valid-refresh", get_valid_refresh}};

}  // namespace

std::string claude_credentials(const Login& login, std::chrono::system_clock::time_point now) {
  const std::string content = json_object({{"accessToken", json_quote(login.access_token)},
                                           {"refreshToken", json_quote(login.refresh_token)},
                                           {"expiresAt", since_epoch<milliseconds>(now + login.expires_in)},
                                           {"scopes", json_array(login.scopes, json_quote)},
                                           {"subscriptionType", R"("max")"}});
  return json_object({{"claudeAiOauth", content}});
}

TokenEndpoint::Handler control_api(TokenEndpoint& endpoint) {
  return [&endpoint](const Request& request) -> Reply {
    const auto verb = verbs.find(request.method + ' ' + request.path);
    if (verb == verbs.end()) return json_reply({{"error", R"("no such path")"}}, 404);
    try {
      return verb->second(endpoint, request);
    } catch (const BadRequest& error) {
      return json_reply({{"error", json_quote(error.what())}}, 400);
    }
  };
}

}  // namespace oci_oauth::test
