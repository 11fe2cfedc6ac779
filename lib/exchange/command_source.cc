// SPDX-License-Identifier: Apache-2.0
#include "exchange/command_source.h"

#include <pwd.h>
#include <unistd.h>

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/service_manager.h"
#include "base/spawn.h"
#include "exchange/credential_document.h"
#include "exchange/exchange_rules.h"
#include "sinks/program.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_output = MiB;

// What a login shell would set, and nothing of ours.
std::vector<std::string> environment_of(const ExecSource& source) {
  std::vector<std::string> environment = {login_path,
                                          fmt::format("XDG_RUNTIME_DIR=/run/user/{}", ::geteuid())};
  if (const passwd* user = ::getpwuid(::geteuid())) {
    environment.push_back(fmt::format("HOME={}", user->pw_dir));
    environment.push_back(fmt::format("USER={}", user->pw_name));
    environment.push_back(fmt::format("LOGNAME={}", user->pw_name));
  }
  for (const auto& [name, value] : source.environment)
    environment.push_back(fmt::format("{}={}", name, value));
  return environment;
}

std::string command_hash(const ExecSource& source) {
  return fingerprint(fmt::format("{}\n{}", source.user, fmt::join(source.exec, "\n")));
}

// The JSON that the output stands for.
Secret document_of(Secret text, const CredentialFields& fields) {
  if (fields.document == DocumentFormat::json) return text;
  std::string_view token = text.reveal();
  token = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
  JsonValue document = json_object();
  json_set_at(document, fields.access_token, to_json(token));
  return write_json(document);
}

Error unusable(std::string reason, std::string hint = "") {
  return {ErrorKind::failed, std::move(reason), std::move(hint)};
}

// Not a word of it is shown if it is not a token: it may be part of one.
Result<void> check_token(const Secret& token) {
  TRY(check_usable(token));
  if (token.reveal().find(' ') == std::string_view::npos) return {};
  return unusable("what it printed as a token contains a space");
}

Result<Time> expiry_of_output(const Login& login, const ExecSource& source, Time now) {
  const bool has_lifetime = source.lifetime > Milliseconds(0);
  if (!login.expires_at && !has_lifetime)
    return unusable("its token does not say when it expires", "set \"lifetime\" in the profile's source");
  const Time end = login.expires_at.value_or(now + source.lifetime);
  if (end > now) return end;
  return unusable(fmt::format("it printed a token that expired at {}", rfc3339(end)));
}

// Failure: why there is no output; temporary if it has run.
Result<Secret> run_source(const ExecSource& source) {
  auto outcome = TRY(run_to_end({.command = source.exec,
                                 .options = {.environment = environment_of(source), .directory = "/"},
                                 .bound = source.timeout,
                                 .kept_output = longest_output}));
  if (outcome.how == ProgramOutcome::How::exited && outcome.number == 0) return std::move(outcome.out);
  const std::string what = describe_end(outcome, source.timeout);
  const std::string shown = showable_tail(outcome.err.reveal(), outcome.out);
  std::string hint = "run it by hand as that user";
  if (is_systemd_running())
    hint +=
        "; if it works there, the service's sandbox may refuse what it needs: systemctl edit "
        "oci-oauth-exchange@.service";
  return Error{ErrorKind::temporary, shown.empty() ? what : fmt::format("{}: {}", what, shown),
               std::move(hint)};
}

}  // namespace

Result<LoginSnapshot> read_output(Secret text, const ExchangeRequest& request, Time now) {
  const CredentialFields& fields = request.provider.fields;
  if (text.reveal().size() >= longest_output) return unusable("its output is too long");
  const auto document = CredentialDocument::parse(document_of(std::move(text), fields), "its output", fields);
  if (!document) return unusable(document.error().message);
  const Login& login = document->login();
  TRY(check_token(login.access_token));
  LoginSnapshot snapshot;
  snapshot.expires_at = TRY(expiry_of_output(login, *request.profile.source, now));
  snapshot.is_on_local_storage = false;
  snapshot.access_token_hash = fingerprint(login.access_token);
  snapshot.request_hash = command_hash(*request.profile.source);
  snapshot.files = document->delivered(request.provider.deliver, Secret());
  return snapshot;
}

ExchangeReport ask_command(const ExchangeRequest& request) {
  const ExecSource& source = *request.profile.source;
  const std::string hash = command_hash(source);
  ExchangeReport report;
  const Secret& token = request.published_token;
  const Time time = now();
  const bool is_wanted =
      request.force == Force::yes || token.empty() ||
      is_due(request, fingerprint(token), request.known.published.known_expiry().value_or(Time{}), time);
  if (request.endpoint == Endpoint::left_alone || !is_wanted) return report;
  report.failure = known_failure(request, hash, source.exec.front(), report.notices, time);
  if (report.failure) return report;
  const auto fail = [&](FailureKind kind, const Error& error) {
    report.failure = {.kind = kind,
                      .message = fmt::format("{}: {}", source.exec.front(), error.message),
                      .hint = error.hint,
                      .request_hash = hash};
  };
  auto output = run_source(source);
  if (!output) {
    const bool has_run = output.error().kind == ErrorKind::temporary;
    fail(has_run ? FailureKind::server : FailureKind::configuration, output.error());
    return report;
  }
  auto login = read_output(std::move(*output), request, now());
  if (!login) {
    fail(FailureKind::login, login.error());
    return report;
  }
  report.refreshed = login->access_token_hash != request.known.published.access_token_hash;
  if (login->access_token_hash == request.rejected_token_hash)
    fail(FailureKind::rejected, unusable("it printed the token that was refused"));
  report.login = std::move(*login);
  return report;
}

}  // namespace oci_oauth
