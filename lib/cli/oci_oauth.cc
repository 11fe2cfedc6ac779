// SPDX-License-Identifier: Apache-2.0
// Each verb and option of oci-oauth(1).
#include "cli/command_line.h"
#include "cli/engine_name.h"

namespace oci_oauth {

namespace {

constexpr std::string_view durations[] = {"5m", "30m", "1h"};
constexpr std::string_view formats[] = {"raw", "json", "header"};
constexpr std::string_view flows[] = {"device", "code"};

constexpr std::string_view fleet_tasks[] = {"init", "join", "leave", "status", "takeover", "rekey"};
constexpr Words fleet_words = {"init|join|leave|status|takeover|rekey [PROFILE]...", Completion::words,
                               fleet_tasks};
constexpr Words profile = {"PROFILE", Completion::profile};
constexpr Words profiles = {"[PROFILE]...", Completion::profile};
constexpr Words engine = {"ENGINE", Completion::words, engine_name::all};
constexpr Words demo_engine = {"[ENGINE]", Completion::words, engine_name::shown_by_demo};
constexpr Words file = {"FILE", Completion::file};
constexpr Words directory = {"DIR", Completion::directory};
constexpr Words socket = {"SOCKET", Completion::file};
constexpr Words number = {"NUMBER", Completion::nothing};
constexpr Words duration = {"DURATION", Completion::nothing, durations};
constexpr Words provider = {"NAME", Completion::nothing};
constexpr Words format = {"raw|json|header", Completion::words, formats};
constexpr Words flow = {"device|code", Completion::words, flows};
constexpr Words no_value = {};
constexpr std::span<const OptionSpec> no_options = {};

constexpr std::string_view status_json_manual = R"(Prints
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
(still valid, and to be refreshed),
.Cm expired
(a refresh is possible),
.Cm login_required
(a person must log in again) and
.Cm unknown
(nothing has been published yet).
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
(it has an older token or none, and the next refresh delivers the current one),
.Cm failed
(the token could not be delivered, or a file that is not ours is in its place) and
.Cm unknown
(the container cannot be examined).
.Ar reason
says why a container does not have the current token; it is null if it has.
.Ar shadowed_by
lists the environment variables in the container that its client uses instead of the token.
Times are RFC 3339 in UTC, or null.
.Ar kind
is one of
.Cm login_required ,
.Cm throttled
(429, or 403 without an OAuth error),
.Cm server
(5xx, or a redirect),
.Cm network
(no request was sent),
.Cm unknown
(a request was sent, but no readable answer arrived),
.Cm rejected
(another OAuth error),
.Cm busy
(another program holds the login's lock),
.Cm login
(the login's file cannot be read, parsed or replaced) and
.Cm configuration
(the provider cannot be read; no refresh was attempted).)";

constexpr std::string_view doctor_try_manual =
    R"(Also starts a throw-away container for each profile, with the host's programs read-only in
.Pa /usr ,
and compares the token that it reads with the current one.
It runs in each of Podman and Docker that is registered or, if neither is, in each that is installed, and uses a CDI
device if
.Cm cdi
is registered.
A user other than root gets a rootless Podman container.)";

constexpr std::string_view fleet_manual = R"(Shows what would be done, and changes nothing.
.Pp
.Cm init
makes the fleet's keys in the directory that the configuration names.
.Cm join
moves the login of a profile into the fleet's store; the file keeps its access token.
.Cm leave
moves it back.
.Cm status
shows what the store has, and known faults of its version.
.Cm takeover
sends a refresh token once more whose refresh was never answered, although it may be spent.
.Cm rekey
seals the records with the first key of each file.)";

constexpr OptionSpec refresh_options[] = {
    {"--force", "refresh even if the token is not due",
     R"(Refreshes a token even if it is not due, and ignores a pause that the token endpoint asked for.
Scripts should use
.Fl -rejected
instead to report a token that a server refused.)"},
    {"--rejected", "refresh the token on standard input, if it is still the current one",
     R"(Reads from standard input an access token that a server refused before it expired.
The login is refreshed only if this is still the current token, so any number of reports causes one request.
Exits with 0 if there is another token, be it from this refresh or from an earlier one.
Without a name, the profile is the one whose current token it is.
Takes one profile at most, and does not override a pause after a failure.
The token is compared by its SHA-256, and never printed.)"},
    {"--offline", "publish the tokens that the logins contain; send no request",
     R"(Publishes the tokens that the logins' files contain, and sends no request.
Meant for the time before the network is up.)"},
    {"--exchange", "request exchanges on this socket",
     R"(For the systemd units: systemd starts an exchange for each connection to this socket, and sinks are left to
.Pa oci-oauth-sinks@.service .)",
     socket, Audience::programs},
    {"--lock-fd", "use the lock that this file descriptor holds", R"(For
.Xr oci-oauth-hook 8 ,
which holds the profile's lock and passes it on.)",
     number, Audience::programs},
};

constexpr OptionSpec status_options[] = {
    {"--json", "print JSON", status_json_manual},
    {"--prometheus", "print metrics", R"(Prints metrics, see
.Sx METRICS .)"},
    {"--watch", "update the table until interrupted",
     R"(Keeps updating the table on the terminal, whenever a token or a container changes and once a minute, until
interrupted.)"},
};

constexpr OptionSpec token_options[] = {
    {"--min-ttl", "how long the token must stay valid (default 5m)",
     R"(A whole number followed by ms, s, m, h or d (default: 5m).
It must be shorter than the lifetime of the profile's tokens.)",
     duration},
    {"--format", "the token alone (default), JSON with its expiry, or an HTTP header",
     R"(Prints the token alone (default), a JSON object with its type and expiry, or an
.Li Authorization
header.)",
     format},
};

constexpr OptionSpec quiet_option = {"--quiet", "do not show what is being done",
                                     R"(Does not show on standard error what is being done.)"};

constexpr OptionSpec login_options[] = {
    {"--flow", "device: log in on another device; code: in a browser that returns here", R"(.Cm device
prints an address and a code, which a person enters on any device (RFC 8628).
.Cm code
prints an address for a browser, which returns to a port on a loopback address (RFC 8252), with PKCE (RFC 7636).
If the browser is on another machine, the address that it ends at can be pasted.
Default:
.Cm code
if a browser can be opened here, or the server has no device authorization endpoint; otherwise
.Cm device .)",
     flow},
    {"--no-browser", "only print the address; open no browser", R"(Only prints the address.
Otherwise
.Xr xdg-open 1
opens it, if there is a graphical session and the user is not root.)"},
    {"--force", "replace a login without a question", "Replaces a login that is there without a question."},
};

constexpr OptionSpec doctor_options[] = {
    {"--json", "print JSON", R"(Prints
.Li {"version": 1, "verdict", "findings": [{"check", "verdict", "message", "remedy"}]} .)"},
    {"--try", "also start a throw-away container that reads the token", doctor_try_manual},
    quiet_option,
};

constexpr OptionSpec install_options[] = {
    {"--default", "make the wrapper Docker's default runtime", R"(Makes
.Xr oci-oauth-runtime 8
Docker's default runtime.)"},
    {"--credentials", "make a profile for this login",
     R"(Makes a profile for this login in a configuration that
.Nm
wrote, which is created if there is none.
Without this option and
.Fl -provider ,
a new configuration gets a profile for each login of the shipped providers that is in the home directory of the
calling user, or of the user who called
.Xr sudo 8 .)",
     file},
    {"--provider", "make a profile for this provider's login",
     R"(The provider of the login, which is looked for in the home directory if
.Fl -credentials
does not name it.)",
     provider},
    {"--dry-run", "show what would be done, and change nothing",
     "Shows what would be done, and changes nothing."},
    {"--root", "change the files in this tree instead of those of the host",
     "Changes the files in this tree instead of those of the host.", directory},
    quiet_option,
};

constexpr OptionSpec demo_options[] = {quiet_option};

constexpr OptionSpec setup_options[] = {
    {"--yes", "do not ask", "Does not ask before changing anything."},
    {"--dry-run", "show the plan, and change nothing", "Shows the plan, and changes nothing."},
    install_options[1],
    install_options[2],
    quiet_option,
};

constexpr OptionSpec uninstall_options[] = {
    {"--all", "unregister from every engine", "Unregisters from every engine."},
    {"--before-removal", "fail if a running container needs the programs",
     R"(For the removal of the package, with
.Fl -all :
makes a running dockerd reload its configuration, and fails if a running container was started through
.Xr oci-oauth-runtime 8 .)"},
    install_options[3],
    install_options[4],
};

constexpr OptionSpec fleet_options[] = {
    {"--dry-run", "show what would be done, and change nothing", fleet_manual},
    {"--force", "join: replace the login that the fleet has",
     "With join: replaces a living login of the fleet."},
    {"--json", "status: print JSON", R"(With status: prints
.Li {"version": 1, "logins": [...]} .)"},
    quiet_option,
};

constexpr OptionSpec serve_options[] = {
    {"--exchange", "request exchanges on this socket",
     "The socket on which systemd starts an exchange for each connection.", socket},
};

constexpr VerbSpec verbs[] = {
    {"demo", "show what it does, with a made-up login in a throw-away container", "oci-oauth demo",
     demo_engine, demo_options},
    {"setup", "set up everything: find logins and engines, ask, register, refresh, try a container",
     "sudo oci-oauth setup", no_value, setup_options},
    {"refresh", "refresh tokens that are due, publish them, update containers",
     "oci-oauth refresh --force claude", profiles, refresh_options},
    {"status", "show each login, and the containers that have its token", "oci-oauth status --watch",
     no_value, status_options},
    {"token", "print a valid access token",
     "curl -H \"$(oci-oauth token claude --format header)\" https://...", profile, token_options},
    {"login", "log in with the provider of a profile, if it has no client of its own", "oci-oauth login work",
     profile, login_options},
    {"logout", "revoke a login, and remove it and its token", "oci-oauth logout work", profile},
    {"doctor", "find problems, and name the command that fixes each", "sudo oci-oauth doctor --try", no_value,
     doctor_options},
    {"install", "register with podman, crio, docker, containerd, cdi, systemd or proxy",
     "sudo oci-oauth install podman", engine, install_options},
    {"uninstall", "undo what install did", "sudo oci-oauth uninstall podman", engine, uninstall_options},
    {"fleet", "share one login with many hosts", "sudo oci-oauth fleet join claude", fleet_words,
     fleet_options},
    {"sinks", "deliver tokens to the sinks that lack them", "oci-oauth sinks claude", profiles},
    {"serve", "serve refresh requests on a socket passed by systemd",
     "systemctl start oci-oauth-refresh.socket", no_value, serve_options, Audience::programs},
    {"exchange", "perform one token exchange for a connection passed by systemd",
     "systemctl start oci-oauth-exchange.socket", no_value, no_options, Audience::programs},
    {"units", "generate the systemd drop-ins and mount units that the configuration needs",
     "oci-oauth units /run/systemd/generator", directory, no_options, Audience::programs},
};

constexpr OptionSpec common_options[] = {
    {"--config", "read this configuration", R"(Reads this configuration instead of the one listed under
.Sx FILES .)",
     file},
    {"--help", "describe the program, or the verb", R"(Describes the program or the verb, with an example.
.Fl h
does the same.)"},
    {"--version", "print the version", "Prints the version."},
};

constexpr CommandLine oci_oauth_line = {common_options, verbs};

}  // namespace

const CommandLine& command_line() {
  return oci_oauth_line;
}

}  // namespace oci_oauth
