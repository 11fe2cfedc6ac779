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
#include "base/size.h"
#include "base/text.h"
#include "exchange/credential_document.h"
#include "exchange/journal.h"

namespace oci_oauth {

namespace {

constexpr size_t document_limit = 4 * MiB;

// Collects the problems of one login.
class LoginExamination {
 public:
  LoginExamination(const Profile& profile, const Provider& provider, Time now)
      : profile_(profile), provider_(provider), now_(now), check_(fmt::format("login '{}'", profile.name)) {}

  Findings run() && {
    if (auto found = find(); !found) return {problem(check_, found.error())};
    examine_content();
    examine_owner();
    examine_names();
    examine_writability();
    examine_journal();
    if (worst(findings_) == Verdict::ok) add(Verdict::ok, praise(), "");
    return std::move(findings_);
  }

 private:
  Result<void> find() {
    auto real = real_path(profile_.credentials);
    if (!real) return std::move(real).error().with_hint(log_in_hint());
    path_ = std::move(*real);
    if (::stat(path_.c_str(), &status_) != 0) return Error::from_errno(errno, path_).with_hint(log_in_hint());
    if (S_ISREG(status_.st_mode)) return {};
    return Error{ErrorKind::failed, fmt::format("{}: is {}, not a file", path_, file_type(status_.st_mode)),
                 log_in_hint()};
  }

  std::string log_in_hint() const { return hint_to_log_in(profile_, provider_); }

  void examine_content() {
    auto content = read_file({.path = path_}, document_limit);
    if (!content) {
      const bool may_read = ::faccessat(AT_FDCWD, path_.c_str(), R_OK, AT_EACCESS) == 0;
      findings_.push_back(
          problem(check_, std::move(content).error().with_hint(
                              may_read ? log_in_hint() : commands_to_own(status_.st_uid, "0600", path_))));
      return;
    }
    auto document = CredentialDocument::parse(Secret(std::move(*content)), path_, provider_.fields);
    if (!document) {
      findings_.push_back(problem(check_, document.error()));
      return;
    }
    examine_end(document->login());
  }

  void examine_end(const Login& login) {
    const auto end = login.login_expires_at;
    const bool has_ended = end && *end <= now_;
    if (has_ended) {
      add(Verdict::problem, fmt::format("{}: the login itself expired at {}", path_, rfc3339(*end)),
          "log in again with the program that owns this file");
    }
    if (login.refresh_token.empty() && !has_ended) {
      add(Verdict::warning,
          end ? fmt::format("{}: contains no refresh token: its access token is used until {}", path_,
                            rfc3339(*end))
              : fmt::format("{}: contains no refresh token, and does not say when its access token expires",
                            path_),
          "log in with a program that keeps a refresh token");
    }
    if (const auto usable = check_usable(login.access_token); !usable)
      findings_.push_back(problem(check_, Error(usable.error()).in(path_)));
  }

  void examine_owner() {
    if (status_.st_uid != ::geteuid()) {
      add(Verdict::problem,
          fmt::format("{}: belongs to uid {}, its directory to uid {}", path_, status_.st_uid, ::geteuid()),
          fmt::format("chown {} {}", ::geteuid(), shell_word(path_)));
    }
    if ((status_.st_mode & 077) != 0) {
      add(Verdict::warning,
          fmt::format("{}: mode {:04o}: others on this host may read the login", path_,
                      status_.st_mode & 07777),
          "chmod 0600 " + shell_word(path_));
    }
  }

  void examine_names() {
    struct statx file;
    if (::statx(AT_FDCWD, path_.c_str(), 0, STATX_BASIC_STATS, &file) == 0 &&
        (file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
      add(Verdict::warning,
          fmt::format("{}: is mounted as a single file: a refresh must rewrite it in place", path_),
          "mount its directory instead");
    }
    if (status_.st_nlink > 1) {
      add(Verdict::warning,
          fmt::format(
              "{}: has {} hard links: a refresh replaces this one, and the others keep an unusable login",
              path_, status_.st_nlink),
          "find / -xdev -samefile " + shell_word(path_));
    }
  }

  void examine_writability() {
    const std::string parent = parent_directory(path_);
    for (const std::string& place : {parent, path_}) {
      if (::faccessat(AT_FDCWD, place.c_str(), W_OK, AT_EACCESS) == 0) continue;
      const bool read_only = errno == EROFS;
      const Error error = Error::from_errno(errno, fmt::format("{}: cannot be written", place));
      struct stat status = {};
      (void)::stat(place.c_str(), &status);
      add(Verdict::problem, error.message,
          read_only ? "mount it read-write: a refresh has to store the new login"
                    : commands_to_own(status.st_uid, "u+w", place));
    }
  }

  void examine_journal() {
    const std::string directory = parent_directory(path_) + "/";
    const std::string journal = directory + journal_name(path_.substr(directory.size()));
    struct stat status;
    if (::lstat(journal.c_str(), &status) != 0) return;
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) {
      add(Verdict::problem,
          fmt::format("{}: is {} that belongs to uid {}: a refresh cannot use it", journal,
                      file_type(status.st_mode), status.st_uid),
          S_ISREG(status.st_mode) ? fmt::format("chown {} {}", ::geteuid(), shell_word(journal))
                                  : "rm -r " + shell_word(journal));
    } else if (status.st_size > 0) {
      add(Verdict::warning, fmt::format("{}: a refresh was interrupted", journal),
          fmt::format("oci-oauth refresh {}", profile_.name));
    }
  }

  std::string praise() const {
    const std::string shown =
        path_ == profile_.credentials ? path_ : fmt::format("{} -> {}", profile_.credentials, path_);
    return fmt::format("{}: readable and writable by uid {}, mode {:04o}", shown, ::geteuid(),
                       status_.st_mode & 07777);
  }

  void add(Verdict verdict, std::string message, std::string remedy) {
    findings_.push_back({check_, verdict, std::move(message), std::move(remedy)});
  }

  const Profile& profile_;
  const Provider& provider_;
  const Time now_;
  const std::string check_;
  std::string path_;
  struct stat status_ = {};
  Findings findings_;
};

}  // namespace

Findings examine_login(const Profile& profile, const Provider& provider, Time now) {
  return LoginExamination(profile, provider, now).run();
}

}  // namespace oci_oauth
