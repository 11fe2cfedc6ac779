// SPDX-License-Identifier: Apache-2.0
#include "fuzz/targets.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <string>

#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"
#include "config/config.h"
#include "config/provider.h"
#include "delivery/consent.h"
#include "delivery/container_ledger.h"
#include "delivery/document.h"
#include "delivery/proxy_client.h"
#include "doctor/finding.h"
#include "exchange/credential_document.h"
#include "exchange/journal.h"
#include "exchange/server_metadata.h"
#include "exchange/token_answer.h"
#include "fleet/memory.h"
#include "fleet/seal.h"
#include "fuzz/record_generator.h"
#include "http/retry_after.h"
#include "login/code_grant.h"
#include "login/device_grant.h"
#include "login/loopback.h"
#include "oci/spec.h"
#include "setup/ledger.h"
#include "sinks/onecli.h"
#include "sinks/sinks.h"
#include "store/etcd_messages.h"
#include "store/kubernetes_messages.h"
#include "support/providers.h"
#include "token/records.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth::fuzz {

template <>
void make_acceptable(ContainerRecord& record) {
  record.id = "c1";
  record.process.pid &= std::numeric_limits<pid_t>::max();
  for (DeliveryRecord& delivery : record.deliveries) {
    delivery.owner.uid /= 2;
    delivery.owner.gid /= 2;
    delivery.mode &= 0777;
    for (WrittenFile& file : delivery.files) {
      file.name = "token";
      for (std::string* pointer : {&file.member, &file.access_token, &file.refresh_token})
        *pointer = pointer->empty() ? "" : "/a~0b";
    }
  }
}

template <>
void make_acceptable(LoginRecord& login) {
  login.profile = "claude";
  login.epoch = login.nonce = "n";
  login.document = Secret();  // sealed
}
template <>
void make_acceptable(AccessRecord& access) {
  access.profile = "claude";
  access.epoch = "e";
  access.payload = Secret();  // sealed
}

namespace {

constexpr Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + std::chrono::hours(12);

void fuzz_state(std::string_view input) {
  const auto state = parse_state(input);
  if (!state) return;
  expect(is_valid_container_id(state->id));
  expect(state->bundle.starts_with('/') && state->bundle.find('\0') == std::string::npos);
  expect(state->pid >= 0);
  (void)is_build_step(*state);
}

void fuzz_spec(std::string_view input) {
  const auto spec = parse_spec(std::string(input), "config.json");
  if (!spec) return;
  expect(!spec->root_path.empty());
  const DeliveryRule rule = {
      .profile = "claude", .target = "/run/secrets/claude", .share = "/run/oci-oauth/share/claude"};
  const Decision decision = decide(*spec, rule);
  if (decision.consent == Consent::write) expect(!is_anonymous_volume(decision.bind_source));
  if (decision.consent != Consent::no) expect(!spec->mounts.empty());  // no annotation chooses
  // Nothing in a build chooses, whatever it is.
  DeliveryRule build = rule;
  build.in_build = true;
  expect(decide(*spec, build).consent == Consent::no);
}

void fuzz_config(std::string_view input) {
  const auto config = parse_config(input, "config.json");
  if (!config) return;
  for (const Profile& profile : config->profiles) {
    expect(is_valid_name(profile.name) && is_valid_name(profile.provider));
    expect(normalised_path(profile.target) == profile.target && profile.target != "/");
    const bool has_file = !profile.source && !profile.in_fleet;
    expect((profile.credentials.starts_with('/') || !has_file) && (profile.mode & ~0777U) == 0);
  }
}

void fuzz_provider(std::string_view input) {
  const auto provider = parse_provider(input, "provider.json", "fuzzed");
  if (!provider) return;
  for (const DeliveredFile& file : provider->deliver) expect(file.name.find('/') == std::string::npos);
}

const Provider& claude() {
  static const auto provider = load_provider("claude", {test::providers_of(SOURCE_DIR)});
  expect(provider.has_value());
  return *provider;
}

void fuzz_credentials(std::string_view input) {
  auto document = CredentialDocument::parse(Secret(input), "login", claude().fields);
  if (!document) return;
  for (const auto& [name, content] : document->delivered(claude().deliver, Secret()))
    expect(name == token_file || !holds_refresh_token(content.reveal()));
  const Grant grant = {
      Secret(std::string_view("granted-access")), Secret(std::string_view("granted-refresh")), noon, {}, {}};
  const auto again =
      CredentialDocument::parse(document->with(grant, claude().fields), "login", claude().fields);
  expect(again && again->login().access_token == grant.access_token);
  expect(again->login().refresh_token == grant.refresh_token &&
         again->login().expires_at == grant.expires_at);
}

// The first byte chooses the status, so that one corpus reaches every kind of answer.
void fuzz_answer(std::string_view input) {
  constexpr long statuses[] = {200, 400, 401, 403, 429, 500, 302, 404};
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input.front()) % std::size(statuses);
  input.remove_prefix(1);
  const TokenAnswer answer = read_token_answer(
      {.status = statuses[choice], .retry_after = "", .date = "", .body = Secret(input)}, noon);
  expect((answer.kind == AnswerKind::granted) == !answer.access_token.empty());
  expect(answer.kind != AnswerKind::granted || statuses[choice] == 200);
  expect(answer.message.size() < 64);  // a status and a word of ours, nothing of the body's
}

bool is_plain(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

// What a browser, or another program of this host, sends to the listener.
void fuzz_redirect(std::string_view input) {
  const auto query = query_of_request(input, "/callback");
  const auto redirect = parse_redirect(query ? *query : input);
  if (query) expect(query->find("\r\n") == std::string::npos);
  if (!redirect) return;
  expect(is_plain(server_words(redirect->error, redirect->description)));
  expect(!is_answer(*redirect, {"http://127.0.0.1/callback", Secret(std::string_view("unguessed")), {}}));
}

void fuzz_device(std::string_view input) {
  const auto device = parse_device_authorization(input);
  if (!device) return;
  expect(is_plain(device->user_code) && is_plain(device->address) && !device->device_code.empty());
  expect(device->interval >= std::chrono::seconds(1) && device->lifetime <= std::chrono::minutes(30));
}

void fuzz_metadata(std::string_view input) {
  const auto metadata = parse_metadata(input, "u", "https://as.example");
  if (!metadata) return;
  for (const std::string* url :
       {&metadata->token_url, &metadata->authorization_url, &metadata->revocation_url})
    expect(url->empty() || url->starts_with("http"));
}

void fuzz_etcd(std::string_view input) {
  if (const auto range = etcd::read_range(input)) {
    expect(range->version != "0");
    for (const KeyChange& entry : range->entries) expect(!entry.key.empty() && entry.stored);
  }
  if (const auto watch = etcd::read_watch(input)) {
    for (const KeyChange& change : *watch) expect(!change.key.empty());
  } else {
    expect(!watch.error().message.empty());
  }
  (void)etcd::read_put_if(input);
  const auto refusal = etcd::read_refusal(503, input);
  expect(
      std::all_of(refusal.reason.begin(), refusal.reason.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

void fuzz_kubernetes(std::string_view input) {
  if (const auto list = kubernetes::read_list(input)) expect(!list->resource_version.empty());
  (void)kubernetes::read_secret(input);
  if (const auto event = kubernetes::read_event(input, "k"); !event) expect(!event.error().message.empty());
  const auto refusal = kubernetes::read_refusal(403, input);
  expect(!refusal.reason.empty() && refusal.reason.find_first_of("\n\033") == std::string::npos);
}

void fuzz_retry_after(std::string_view input) {
  const auto delay = parse_retry_after(input, noon);
  if (delay) expect(*delay >= Milliseconds(0) && *delay <= std::chrono::hours(24));
}

// What is in front of a line costs nothing but itself, whatever it is.
void fuzz_journal(std::string_view input) {
  fuzz_record<JournalLine>(input);
  const auto notes = read_notes(input, {"login.json"}, "journal");
  if (!notes) return;
  const JournalLine line = {
      .document = "login.json",
      .grant = {Secret(std::string_view("access")), Secret(std::string_view("refresh")), noon, {}, {}}};
  const auto more =
      read_notes(fmt::format("{}\n{}\n", input, write_record(line).reveal()), {"login.json"}, "journal");
  expect(!more || more->grant == line.grant);
  expect(more || std::string_view(input).find("version") != std::string_view::npos);
}

// A file that a container's user planted under a name of ours: whatever it is, others keep what is theirs.
void fuzz_planted(std::string_view input) {
  const bool mentioned =
      input.find("refresh") != std::string_view::npos || input.find("\\u") != std::string_view::npos;
  if (holds_refresh_token(input)) expect(mentioned);

  const WrittenFile file = {".credentials.json", "/l", "/l/a", "/l/r"};
  const Secret published(std::string_view(R"({"l":{"a":"token"}})"));
  const Judgement judgement = judge(input, file, &published, {});
  expect(judgement.content != Content::ours || input.find("token") != std::string_view::npos || mentioned);
  if (judgement.content == Content::foreign || !judgement.has_others) return;
  const auto merged = with_member(input, file, published);
  if (!merged) return;
  expect(judge(merged->reveal(), file, &published, {}).content == Content::current);
  const auto before = without_member(input, file), after = without_member(merged->reveal(), file);
  expect(before && after && *parse_json(before->reveal(), "") == *parse_json(after->reveal(), ""));
}

const FleetKeys& fleet_keys() {
  static const FleetKeys keys = [] {
    FleetKeys made;
    made.login.emplace_back(std::string_view("0123456789abcdef0123456789abcdef"));
    made.access.push_back(made.login.front().copy());
    made.signers.push_back(public_half(made.login.front()).take());
    return made;
  }();
  return keys;
}

// Nothing that the store has opens but what was sealed.
void fuzz_login_record(std::string_view input) {
  fuzz_record<LoginRecord>(input);
  expect(!open_login(input, "claude", fleet_keys()));
  (void)read_keys(input, "login.key");
}
void fuzz_access_record(std::string_view input) {
  fuzz_record<AccessRecord>(input);
  expect(!open_access(input, "claude", fleet_keys()));
}

constexpr Target all[] = {
    {"json", fuzz_json},
    {"state", fuzz_state},
    {"spec", fuzz_spec},
    {"config", fuzz_config},
    {"provider", fuzz_provider},
    {"credentials", fuzz_credentials},
    {"answer", fuzz_answer},
    {"etcd", fuzz_etcd},
    {"kubernetes", fuzz_kubernetes},
    {"retry-after", fuzz_retry_after},
    {"redirect", fuzz_redirect},
    {"device", fuzz_device},
    {"metadata", fuzz_metadata},
    {"planted", fuzz_planted},
    {"journal", fuzz_journal},
    {"record", fuzz_record<ContainerRecord>},
    {"published", fuzz_record<Published>},
    {"history", fuzz_record<RefreshHistory>},
    {"report", fuzz_record<ExchangeReport>},
    {"request", fuzz_record<ExchangeRequest>},
    {"onecli", fuzz_record<OneCliRequest>},
    {"sink", fuzz_record<SinkState>},
    {"ledger", fuzz_record<Ledger>},
    {"findings", fuzz_record<FindingsReport>},
    {"traffic", fuzz_record<ProxyTraffic>},
    {"login-record", fuzz_login_record},
    {"access-record", fuzz_access_record},
    {"fleet-memory", fuzz_record<FleetMemory>},
};

}  // namespace

std::span<const Target> targets() {
  return all;
}

}  // namespace oci_oauth::fuzz
