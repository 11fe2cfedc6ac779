// SPDX-License-Identifier: Apache-2.0
#include "probe/login_findings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/text.h"
#include "exchange/credential_document.h"
#include "exchange/journal.h"
#include "exchange/server_metadata.h"
#include "exchange/token_request.h"
#include "http/retry_after.h"
#include "report/fleet_text.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr size_t document_limit = 4 * MiB;
// proper-lockfile rounds an mtime up, so a live lock may be slightly in the future.
constexpr Milliseconds lock_rounding = std::chrono::seconds(5);

// Collects the problems of one login.
class LoginExamination {
 public:
  LoginExamination(const Profile& profile, const Provider& provider, Time now)
      : profile_(profile), provider_(provider), now_(now), check_(fmt::format("login '{}'", profile.name)) {}

  Findings run() && {
    if (auto found = find(); !found)
      return {problem(check_, std::move(found).error().with_hint(hint_to_log_in(profile_, provider_)))};
    examine_content();
    examine_owner();
    examine_names();
    examine_writability();
    examine_journal();
    if (worst(findings_) == Verdict::ok)
      findings_.push_back({check_, Verdict::ok,
                           fmt::format("{}{}: readable and writable by uid {}, mode {:04o}",
                                       path_ == profile_.credentials ? "" : profile_.credentials + " -> ",
                                       path_, ::geteuid(), status_.st_mode & 07777)});
    return std::move(findings_);
  }

 private:
  Result<void> find() {
    path_ = TRY(real_path(profile_.credentials));
    if (::stat(path_.c_str(), &status_) != 0) return Error::from_errno(errno, path_);
    if (S_ISREG(status_.st_mode)) return {};
    return Error{ErrorKind::failed, fmt::format("{}: is {}, not a file", path_, file_type(status_.st_mode))};
  }

  void examine_content() {
    auto content = read_file({.path = path_}, document_limit);
    if (!content) {
      const bool may_read = ::faccessat(AT_FDCWD, path_.c_str(), R_OK, AT_EACCESS) == 0;
      return fail(std::move(content).error().with_hint(
          may_read ? hint_to_log_in(profile_, provider_) : commands_to_own(status_.st_uid, "0600", path_)));
    }
    const auto document = CredentialDocument::parse(Secret(std::move(*content)), path_, provider_.fields);
    if (!document) return fail(document.error());
    const Login& login = document->login();
    const auto end = login.login_expires_at;
    if (end && *end <= now_) {
      fail(fmt::format("{}: the login itself expired at {}", path_, rfc3339(*end)),
           "log in again with the program that owns this file");
    } else if (login.refresh_token.empty()) {
      warn(fmt::format("{}: contains no refresh token{}", path_,
                       end ? ": its access token is used until " + rfc3339(*end)
                           : ", and does not say when its access token expires"),
           "log in with a program that keeps a refresh token");
    }
    if (const auto usable = check_usable(login.access_token); !usable) fail(Error(usable.error()).in(path_));
  }

  void examine_owner() {
    if (status_.st_uid != ::geteuid())
      fail(fmt::format("{}: belongs to uid {}, its directory to uid {}", path_, status_.st_uid, ::geteuid()),
           fmt::format("chown {} {}", ::geteuid(), shell_word(path_)));
    if ((status_.st_mode & 077) != 0)
      warn(fmt::format("{}: mode {:04o}: others on this host may read the login", path_,
                       status_.st_mode & 07777),
           "chmod 0600 " + shell_word(path_));
  }

  void examine_names() {
    struct statx file;
    if (::statx(AT_FDCWD, path_.c_str(), 0, STATX_BASIC_STATS, &file) == 0 &&
        (file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
      warn(fmt::format("{}: is mounted as a single file: a refresh must rewrite it in place", path_),
           "mount its directory instead");
    if (status_.st_nlink > 1)
      warn(fmt::format(
               "{}: has {} hard links: a refresh replaces this one, and the others keep an unusable login",
               path_, status_.st_nlink),
           "find / -xdev -samefile " + shell_word(path_));
  }

  void examine_writability() {
    for (const std::string& place : {parent_directory(path_), path_}) {
      if (::faccessat(AT_FDCWD, place.c_str(), W_OK, AT_EACCESS) == 0) continue;
      const bool read_only = errno == EROFS;
      const Error error = Error::from_errno(errno, fmt::format("{}: cannot be written", place));
      struct stat status = {};
      (void)::stat(place.c_str(), &status);
      fail(error.message, read_only ? "mount it read-write: a refresh has to store the new login"
                                    : commands_to_own(status.st_uid, "u+w", place));
    }
  }

  void examine_journal() {
    const std::string journal = fmt::format("{}/{}", parent_directory(path_), journal_name(base_name(path_)));
    struct stat status;
    if (::lstat(journal.c_str(), &status) != 0) return;
    const bool is_file = S_ISREG(status.st_mode);
    if (!is_file || status.st_uid != ::geteuid()) {
      fail(fmt::format("{}: is {} that belongs to uid {}: a refresh cannot use it", journal,
                       file_type(status.st_mode), status.st_uid),
           is_file ? fmt::format("chown {} {}", ::geteuid(), shell_word(journal))
                   : "rm -r " + shell_word(journal));
    } else if (status.st_size > 0) {
      warn(fmt::format("{}: a refresh was interrupted", journal),
           fmt::format("oci-oauth refresh {}", profile_.name));
    }
  }

  void warn(std::string message, std::string remedy) {
    findings_.push_back({check_, Verdict::warning, std::move(message), std::move(remedy)});
  }
  void fail(std::string message, std::string remedy) {
    findings_.push_back({check_, Verdict::problem, std::move(message), std::move(remedy)});
  }
  void fail(const Error& error) { findings_.push_back(problem(check_, error)); }

  const Profile& profile_;
  const Provider& provider_;
  const Time now_;
  const std::string check_;
  std::string path_;
  struct stat status_ = {};
  Findings findings_;
};

// nullopt if there is nothing at `path`, or a live lock.
std::optional<Finding> examine_lock(const std::string& check, const std::string& path,
                                    Milliseconds stale_after, Time now) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0)
    return errno == ENOENT ? std::nullopt : std::optional(problem(check, Error::from_errno(errno, path)));
  const std::string removal = "rmdir " + shell_word(path);
  if (!S_ISDIR(status.st_mode))
    return Finding{check, Verdict::problem,
                   fmt::format("{}: is {}: no program can take this lock", path, file_type(status.st_mode)),
                   "rm " + shell_word(path)};
  if (status.st_uid != ::geteuid())
    return Finding{check, Verdict::problem,
                   fmt::format("{}: was left behind by uid {}, and the login's own programs cannot update it",
                               path, status.st_uid),
                   removal};
  const Milliseconds age = now - Time(std::chrono::seconds(status.st_mtim.tv_sec));
  if (age < -lock_rounding)
    return Finding{check, Verdict::warning,
                   fmt::format("{}: is dated {} in the future: other programs may wait for that long", path,
                               describe(-age)),
                   removal};
  if (age <= stale_after) return std::nullopt;
  return Finding{check, Verdict::warning,
                 fmt::format("{}: was left behind {} ago; the next refresh removes it", path, describe(age)),
                 removal};
}

}  // namespace

Findings examine_login(const Profile& profile, const Provider& provider, Time now) {
  return LoginExamination(profile, provider, now).run();
}

Finding examine_command(const Profile& profile) {
  const std::string check = fmt::format("login '{}'", profile.name);
  const std::string& program = profile.source->exec.front();
  if (::faccessat(AT_FDCWD, program.c_str(), X_OK, AT_EACCESS) == 0)
    return {check, Verdict::ok, fmt::format("{}: uid {} can run it", program, ::geteuid())};
  return problem(
      check,
      Error::from_errno(errno, program).with_hint("install it, or correct \"source\" in the configuration"));
}

Findings examine_locks(const Profile& profile, const Provider& provider, Time now) {
  const auto real = real_path(profile.credentials);
  const std::string directory = parent_directory(real ? *real : profile.credentials);
  const std::string check = fmt::format("locks of '{}'", profile.name);
  Findings findings;
  bool has_locks = false;
  for (const auto& locks : {provider.save_locks, provider.locks}) {
    for (const ProviderLock& lock : locks) {
      if (lock.kind != LockKind::directory) continue;
      has_locks = true;
      const std::string path = with_value(lock.path, "{directory}", directory);
      if (auto finding = examine_lock(check, path, lock.stale_after, now))
        findings.push_back(std::move(*finding));
    }
  }
  if (findings.empty() && has_locks) findings.push_back({check, Verdict::ok, "no lock is left behind"});
  return findings;
}

Finding examine_endpoint(const Profile& profile, const Provider& provider, Time now,
                         const SendRequest& send) {
  const std::string check = fmt::format("token endpoint of '{}'", profile.name);
  HttpRequest request(token_endpoint(profile, provider));
  request.method = "HEAD";
  if (request.url.empty()) {
    const TokenRequest client = token_request(profile, provider, Login());
    if (client.issuer.empty() && client.resource.empty())
      return {check, Verdict::ok, "is the one that the login names"};
    auto server = discover(client);
    if (!server) return problem(check, std::move(server).error().in("issuer"));
    request.url = server->token_url;
  }
  if (auto checked = check_url(request.url); !checked)
    return problem(check, std::move(checked).error().in("token_url"));
  const RequestResult result = send(request);
  if (const auto* failure = std::get_if<RequestFailure>(&result))
    return {check, Verdict::problem, failure->message,
            "check DNS, the firewall, and \"proxy\", \"ca_file\" and \"token_url\" in the profile"};
  // Any status shows that there is a server: many answer 404 or 405 to a HEAD request.
  const std::string reached = fmt::format(
      "{}: answers{}", request.url, request.url.starts_with("https:") ? ", its certificate is trusted" : "");
  const auto date = parse_http_date(std::get<HttpReply>(result).date);
  if (!date) return {check, Verdict::ok, reached};
  const Milliseconds ahead = now - *date;
  if (std::chrono::abs(ahead) < tolerated_skew)
    return {check, Verdict::ok, reached + ", and the clocks agree"};
  return {check, Verdict::warning,
          fmt::format("{}: this host's clock is {} the server's", request.url, clock_text(ahead)),
          "sudo timedatectl set-ntp true"};
}

}  // namespace oci_oauth
