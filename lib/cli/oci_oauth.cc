// SPDX-License-Identifier: Apache-2.0
// Each verb and option of oci-oauth(1).
#include "cli/command_line.h"

namespace oci_oauth {

namespace {

constexpr std::string_view durations[] = {"5m", "30m", "1h"};
constexpr std::string_view formats[] = {"raw", "json", "header"};
constexpr std::string_view engine_names[] = {"podman", "crio", "docker", "containerd", "cdi", "systemd"};

constexpr Words profile = {"PROFILE", Completion::profile, {}};
constexpr Words profiles = {"[PROFILE]...", Completion::profile, {}};
constexpr Words engine = {"ENGINE", Completion::words, engine_names};
constexpr Words file = {"FILE", Completion::file, {}};
constexpr Words directory = {"DIR", Completion::directory, {}};
constexpr Words socket = {"SOCKET", Completion::file, {}};

constexpr std::string_view status_json_manual = R"(prints
.Bd -literal
{"version": 1, "profiles": [{"name", "provider", "state",
  "expires_at", "refreshed_at", "login_expires_at",
  "last_error": {"kind", "message", "at"},
  "containers": [{"id", "delivery", "path", "state",
   "reason", "shadowed_by"}]}],
 "sinks": [{"profile", "sink", "delivered_at",
  "failures", "error", "failed_at"}]}
.Ed
.Pp
.Ar state
of a profile is one of
.Cm fresh ,
.Cm due
(valid, and to be refreshed),
.Cm expired
(refreshable),
.Cm login_required
(a person must log in again) and
.Cm unknown
(nothing was published yet).
.Ar delivery
is
.Cm mount
or
.Cm write ,
and
.Ar state
of a container is one of
.Cm current ,
.Cm outdated
(it has an older token or none, and the next refresh brings the current one),
.Cm failed
(the token could not be delivered, or something of somebody else's is in its place) and
.Cm unknown
(the container cannot be looked at).
.Ar reason
says why a container does not have the current token, and is null where it does.
.Ar shadowed_by
lists the variables of the container's environment that a client there uses instead of the token.
Times are RFC 3339 in UTC, or null.
.Ar kind
is one of
.Cm login_required ,
.Cm throttled
(429, or 403 without an OAuth error),
.Cm server
(5xx, or a redirect),
.Cm network
(nothing was sent),
.Cm unknown
(sent, and no answer arrived, or one that cannot be read),
.Cm rejected
(another OAuth error),
.Cm busy
(another program holds the login's lock),
.Cm login
(the login's file cannot be read, understood or replaced) and
.Cm configuration
(the provider cannot be read; nothing was tried).)";

constexpr std::string_view doctor_try_manual =
    R"(also starts a throw-away container for each profile, from a root file system that holds
.Pa /bin/busybox
alone, and compares the token that it reads with the current one: in Podman and in Docker, those of them that are
registered, or, where none is, each that is installed, by a CDI device where
.Cm cdi
is registered.
A user's is the user's own Podman.)";

constexpr OptionSpec refresh_options[] = {
    {"--force",
     "refresh even if the token is not due",
     {},
     R"(also refreshes a token that is not due, and ignores a rest that the token endpoint asked for.
Scripts that saw a token refused report it with
.Fl -rejected
instead.)"},
    {"--rejected",
     "refresh the token on standard input, if it is still the current one",
     {},
     R"(reads from standard input an access token that a server refused before it expired.
Only if it is still the current one is the login refreshed, so any number of reports makes one request; else, and after
it, there is another token, and the exit status is 0.
Needs the name of one profile, and does not override a rest after a failure.
The token is compared by its SHA-256, and never shown.)"},
    {"--offline",
     "publish what the logins hold; send no request",
     {},
     R"(publishes what the logins' files hold, and sends no request.
For the time before the network is up.)"},
    {"--exchange", "ask for exchanges at this socket", socket,
     R"(is for the units: systemd starts an exchange for each connection to this socket, and sinks are left to
.Pa oci-oauth-sinks@.service .)",
     Audience::programs},
    {"--lock-fd",
     "use the lock that this descriptor holds",
     {"NUMBER", Completion::nothing, {}},
     R"(is for
.Xr oci-oauth-hook 8 ,
which holds the profile's lock and passes it on.)",
     Audience::programs},
};

constexpr OptionSpec status_options[] = {
    {"--json", "print JSON", {}, status_json_manual},
    {"--prometheus",
     "print metrics",
     {},
     R"(prints metrics, see
.Sx METRICS .)"},
    {"--watch",
     "keep the table current until ^C",
     {},
     R"(keeps the table current on the terminal: draws it again when a token or a container changes, and every minute.
Ends with ^C.)"},
};

constexpr OptionSpec token_options[] = {
    {"--min-ttl",
     "how long the token must stay valid (default 5m)",
     {"DURATION", Completion::nothing, durations},
     R"(a whole number and ms, s, m, h or d; 5m unless given.
As long as a token's whole life, or longer, is refused.)"},
    {"--format",
     "the token alone (default), JSON with its expiry, or an HTTP header",
     {"raw|json|header", Completion::words, formats},
     R"(the token alone; with its type and expiry; or as an
.Li Authorization
header.)"},
};

constexpr OptionSpec doctor_options[] = {
    {"--json",
     "print JSON",
     {},
     R"(prints
.Li {"version": 1, "verdict", "findings": [{"check", "verdict", "message", "remedy"}]} .)"},
    {"--try", "also start a throw-away container that reads the token", {}, doctor_try_manual},
};

constexpr OptionSpec install_options[] = {
    {"--default",
     "make it Docker's default runtime",
     {},
     R"(makes
.Xr oci-oauth-runtime 8
Docker's default runtime.)"},
    {"--credentials", "write a configuration for this login, if there is none", file,
     "writes a configuration for this login, if there is none."},
    {"--dry-run",
     "show what would be done, and do nothing",
     {},
     "shows what would be done, and does nothing."},
    {"--root", "work in this tree instead of on this host", directory,
     "works in this tree instead of on this host."},
};

constexpr OptionSpec uninstall_options[] = {
    {"--all", "every engine", {}, "every engine."},
    {"--before-removal",
     "fail while a running container needs the programs",
     {},
     R"(for a package's removal, with
.Fl -all :
makes a running dockerd read its file again, and fails while a container runs by way of
.Xr oci-oauth-runtime 8 .)"},
    install_options[2],
    install_options[3],
};

constexpr OptionSpec serve_options[] = {
    {"--exchange", "ask for exchanges at this socket", socket,
     "is the socket at which systemd starts an exchange for each connection."},
};

constexpr VerbSpec verbs[] = {
    {"refresh", "refresh tokens that are due, publish them, update containers", profiles, refresh_options,
     "oci-oauth refresh --force claude"},
    {"status",
     "show each login, and the containers that hold its token",
     {},
     status_options,
     "oci-oauth status --watch"},
    {"token", "print a valid access token", profile, token_options,
     "curl -H \"$(oci-oauth token claude --format header)\" https://..."},
    {"doctor",
     "find problems, and name the command that fixes each",
     {},
     doctor_options,
     "sudo oci-oauth doctor --try"},
    {"install", "register with podman, crio, docker, containerd, cdi or systemd", engine, install_options,
     "sudo oci-oauth install podman"},
    {"uninstall", "undo what install did", engine, uninstall_options, "sudo oci-oauth uninstall podman"},
    {"sinks", "deliver tokens to the sinks that lack them", profiles, {}, "oci-oauth sinks claude"},
    {"serve",
     "serve refresh requests on a socket passed by systemd",
     {},
     serve_options,
     "systemctl start oci-oauth-refresh.socket",
     Audience::programs},
    {"exchange",
     "perform one token exchange for a connection passed by systemd",
     {},
     {},
     "systemctl start oci-oauth-exchange.socket",
     Audience::programs},
    {"units",
     "generate the systemd drop-ins and mount units that the configuration needs",
     directory,
     {},
     "oci-oauth units /run/systemd/generator",
     Audience::programs},
};

constexpr OptionSpec common_options[] = {
    {"--config", "read this configuration", file,
     R"(reads this configuration instead of the one under
.Sx FILES .)"},
    {"--help",
     "describe the program, or the verb",
     {},
     R"(describes the program or the verb, with an example; so does
.Fl h .)"},
    {"--version", "print the version", {}, "prints the version."},
};

constexpr CommandLine oci_oauth_line = {"oci-oauth", common_options, verbs};

}  // namespace

const CommandLine& command_line() {
  return oci_oauth_line;
}

}  // namespace oci_oauth
