// SPDX-License-Identifier: Apache-2.0
// The keys of config.json and of a provider, described once. For each object there is a function keys_of(),
// which calls a visitor for every key with the member that it fills, the rule that it must follow and a
// sentence of help. The reader, the writer, the JSON Schemas and the manual's tables are such visitors; a
// member's value in a new object is the key's default.
//
//   keys("key", object.member, Rule(), "Help.");
//
// The rule of a text, or of each text in an array, is one of rules.h; those of other members are below. A
// bool, an object, an optional one and an array of objects have none. An enum has a help for each of its
// words that the key may be, `{"…", "…"}`, in their order. A visitor also has
//   Help, made of the sentence, which a visitor that needs none does not keep;
//   one_of(key, key, key = ""): exactly one of the first two is there, and none only with the third;
//   not_both(key, key); needs(key, {key, ...}): the first one is not there without the others.
#pragma once

#include <initializer_list>

#include "base/record.h"
#include "config/config.h"
#include "config/provider.h"
#include "config/rules.h"

namespace oci_oauth {

struct Key {
  constexpr Key(const char* text, bool required = false) : name(text), is_required(required) {}
  std::string_view name;
  bool is_required;
};
constexpr Key required(const char* name) {
  return {name, true};
}

// An array of an absolute path and arguments.
struct Command {};
// One text, or an array of at least one.
template <class Rule>
struct OneOrMore {};
// An object of texts.
template <class Name, class Value>
struct PairsOf {};
// An object of objects, each with its T::name.
struct ByName {};
// Of a duration.
struct Bounds {
  Milliseconds least = Milliseconds(0), most = std::chrono::hours(24) * 366;
};

// A help sentence that is checked and left out of the program: the reader does without.
struct DroppedHelp {
  consteval DroppedHelp(const char*) {}
};

// The visitor that calls `each` with every key's name and member.
template <class Each>
struct EachKey {
  using Help = DroppedHelp;
  Each each;

  void operator()(Key key, auto& member, Help) { each(key.name, member); }
  void operator()(Key key, auto& member, const auto&, Help) { each(key.name, member); }
  void operator()(Key key, auto& member, std::initializer_list<Help>, Help) { each(key.name, member); }
  void one_of(auto...) {}
  void not_both(auto...) {}
  void needs(std::string_view, std::initializer_list<std::string_view>) {}
};
template <class Each>
EachKey(Each) -> EachKey<Each>;

void keys_of(auto& keys, RecordOf<Config> auto& config) {
  keys("runtime_dir", config.runtime_dir, Path(),
       "The directory that the refresher, the hook and the containers share. It should be on a tmpfs. "
       "Default: /run/oci-oauth, or $XDG_RUNTIME_DIR/oci-oauth for a user other than root.");
  keys("metrics_file", config.metrics_file, PathBelowRoot(),
       "A file that each refresh writes at its end, for the textfile collector of Prometheus' node exporter, "
       "which reads only names that end in .prom. See METRICS in oci-oauth(1).");
  keys("runtime", config.runtime, Path(), "The OCI runtime that oci-oauth-runtime(8) runs.");
  keys("fleet", config.fleet, "The store that this host shares with others.");
  keys("profiles", config.profiles, ByName(),
       "The logins, each under a name of at most 64 letters, digits, '.', '_' and '-'.");
  keys("sinks", config.sinks, "What else receives each new access token.");
}

void keys_of(auto& keys, RecordOf<KubernetesConfig> auto& kubernetes) {
  keys(required("namespace"), kubernetes.name_space, Name(), "The namespace of the Secrets.");
  keys("server", kubernetes.server, Origin(), "The URL of the API server.");
  keys("token_file", kubernetes.token_file, Path(),
       "A bearer token, read anew for each connection by the user who makes it: nobody, for a follower that "
       "is started by root. It is not used beside a certificate_file.");
}

void keys_of(auto& keys, RecordOf<FleetConfig> auto& fleet) {
  keys("endpoints", fleet.endpoints, Origin(),
       "The client URLs of etcd's members. A request goes to one after the other, until one answers.");
  keys("kubernetes", fleet.kubernetes, "The Kubernetes API, whose Secrets are the store.");
  keys.one_of("endpoints", "kubernetes");
  keys("ca_file", fleet.ca_file, Path(),
       "The certificates to trust there. Default with kubernetes: those of the pod's service account.");
  keys("certificate_file", fleet.certificate_file, Path(), "This host's certificate.");
  keys("key_file", fleet.key_file, Path(), "Its key, which only its user may read.");
  keys.needs("endpoints", {"ca_file", "certificate_file", "key_file"});
  keys.needs("certificate_file", {"key_file"});
  keys("keys", fleet.keys, Path(),
       "The directory with the fleet's keys: access.key and signers or, on a refresher, also login.key and "
       "signing.key.");
  keys("refreshers", fleet.refreshers, Name(),
       "The names of the hosts that refresh logins, instead of role, so that all hosts can have the same "
       "configuration.");
  keys.not_both("role", "refreshers");
  keys("host", fleet.host, Name(), "This host's name in the records. Default: its host name.");
  keys("role", fleet.role, {"it reads access tokens, and can read nothing else", "it refreshes logins"},
       "What this host does.");
  keys("takeover", fleet.takeover,
       {"it is tried once more when the access token is about to end",
        "a person decides, with oci-oauth fleet takeover"},
       "What is done about a refresh whose host is silent, because nobody can know whether its token was "
       "spent.");
  keys("settle", fleet.settle, Bounds{.most = std::chrono::hours(1)},
       "How long a refresher must have been in touch with the store before it refreshes.");
}

void keys_of(auto& keys, RecordOf<ExecSource> auto& source) {
  keys(required("exec"), source.exec, Command(),
       "A program and its arguments, without a shell. It prints a token on its standard output, in the form "
       "that the provider describes.");
  keys(
      "user", source.user, Text(),
      "The user who runs it, in root's configuration only. Default: root there, otherwise the calling user.");
  keys("environment", source.environment, PairsOf<Variable, AnyText>(),
       "Environment variables for it, besides HOME, USER, LOGNAME, PATH and XDG_RUNTIME_DIR.");
  keys("lifetime", source.lifetime, Bounds(),
       "How long a token is used if neither the output nor the token says when it expires. Default: such a "
       "token is an error.");
  keys("timeout", source.timeout, Bounds{std::chrono::seconds(1), longest_exec}, "How long it may run.");
}

void keys_of(auto& keys, RecordOf<Profile> auto& profile) {
  keys("credentials", profile.credentials, Path(), "The file that contains the login.");
  keys("entry", profile.entry, Text(),
       "Which login, if the file contains several: the name of a member. It replaces {entry} in the "
       "provider.");
  keys("source", profile.source, "Where else the token comes from.");
  keys("fleet", profile.in_fleet,
       "Whether the login is in the fleet's store. A follower's profile then needs no credentials.");
  keys.one_of("credentials", "source", "fleet");
  keys.not_both("source", "entry");
  keys("provider", profile.provider, Name(),
       "The kind of login: a file NAME.json in one of the directories under FILES. Default: the profile's "
       "name, or exec for a profile with a source.");
  keys(
      "target", profile.targets, OneOrMore<PathBelowRoot>(),
      "The directory in containers, or several. Default: /run/secrets/NAME. A container gets the token at "
      "each target where a person mounted something. If it is chosen as a whole (deliver_to, --profile, an "
      "annotation) and nothing is mounted at any target, it gets the token at the first. No target may equal "
      "another one, or lie inside it, except that a profile with an entry may have the targets of another "
      "profile of the same file: a container that gets that one gets a file with the access tokens of both.");
  keys("delivery", profile.delivery,
       {"the access token, in files",
        "api.sock, behind which oci-oauth-proxy adds the token to the requests that the provider allows"},
       "What a container finds in the target.");
  keys("loopback_port", profile.loopback_port, Port(),
       "With delivery \"socket\", also a port of the container's own loopback interface, for clients that "
       "know only TCP. The container needs a network namespace of its own.");
  keys("deliver_to", profile.deliver_to,
       {"the containers that a person chose, see CONSENT in oci-oauth-hook(8)",
        "every container on this host"},
       "Who gets the token.");
  keys("trust_annotations", profile.trusts_annotations,
       "Whether the annotation io.oci-oauth.profiles chooses a container, although images can carry it.");
  keys("on_failure", profile.on_failure, {"it starts all the same", "it is not created"},
       "What happens to a container without a valid token.");
  keys("hook_wait", profile.hook_wait, Bounds{.most = longest_hook_wait},
       "How long a container's start waits for a refresh at most. A hook is killed after 15 s.");
  keys("refresh_before", profile.refresh_before, Bounds(),
       "The remaining lifetime at which a token becomes due for a refresh, at most half of its lifetime.");
  keys("mode", profile.mode, Mode(),
       "Octal mode of the delivered files. Files that are written into a bind-mounted directory belong to "
       "the container's user. Files that are mounted belong to root on the host: unless others may read them "
       "(the last digit is 4 or higher), a container's user cannot.");
  keys("token_url", profile.token_url, Text(), "Overrides the provider's.");
  keys("issuer", profile.issuer, ServerUrl(), "Overrides the provider's.");
  keys("scopes", profile.scopes, Text(), "Overrides the provider's.");
  keys("redirect_uri", profile.redirect_uri, LoopbackUrl(), "Overrides the provider's.");
  keys("ca_file", profile.ca_file, Path(),
       "Certificates to trust at the token endpoint instead of the system's.");
  keys("user_agent", profile.user_agent, Text(), "Overrides the provider's.");
  keys("resource", profile.resource, ServerUrl(), "Overrides the login's own.");
  keys("client_id", profile.client_id, Text(), "Overrides the provider's, and the login's own.");
  keys("client_file", profile.client_file, Path(),
       "A file with the client's registration (RFC 7591 section 3.2.1), which the login's owner reads: "
       "client_id, client_secret, token_endpoint_auth_method, and perhaps issuer. They replace the login's.");
  keys("client_secret_file", profile.client_secret_file, Path(),
       "A file whose first line is the client's secret. It must belong to root or to the login's owner, and "
       "nobody else may read it. Overrides the provider's.");
  keys("api_url", profile.api_url, Origin(), "Overrides the URL of the provider's API.");
  keys(
      "proxy", profile.proxy, Text(),
      "URL of the proxy for requests to the token endpoint. Proxy variables in the environment are ignored.");
}

void keys_of(auto& keys, RecordOf<OneCliSink> auto& sink) {
  keys("secret_id", sink.secret_id, Name(), "The secret to update.");
  keys("url", sink.url, ServerUrl(), "The server.");
  keys("api_key_file", sink.api_key_file, Path(), "The file that contains the server's key.");
  keys("program", sink.program, Path(), "The onecli program, which is used instead of a server.");
  keys.not_both("url", "program");
  keys("env_file", sink.env_file, Path(), "A file with further settings.");
  keys("ca_file", sink.ca_file, Path(), "Certificates to trust instead of the system's.");
}

void keys_of(auto& keys, RecordOf<Sink> auto& sink) {
  keys("profiles", sink.profiles, AnyText(), "The profiles whose tokens it receives. Default: all profiles.");
  keys("host", sink.host, Name(),
       "The one host that runs it: its name in the fleet, or its host name. Needed for a login that is in a "
       "fleet's store, so that each token is delivered once. Default: every host that has this "
       "configuration.");
  keys("exec", sink.exec, Command(),
       "A program and its arguments. The program reads the token from its standard input.");
  keys("onecli", sink.onecli, "A secret of a OneCLI server.");
  keys.one_of("onecli", "exec");
  keys("timeout", sink.timeout, Bounds{std::chrono::seconds(1), std::chrono::minutes(10)},
       "How long one run may take.");
}

void keys_of(auto& keys, RecordOf<CredentialFields> auto& fields) {
  keys("access_token", fields.access_token, Pointer(),
       "The access token. Without it, the token is kept in runtime_dir alone.");
  keys("refresh_token", fields.refresh_token, Pointer(),
       "The refresh token. Only the output of a command has none.");
  keys("document", fields.document,
       {"", "the access token alone, which counts as the JSON object with it at access_token"},
       "What the login's file, or the output of a command, is.");
  keys("expires_at", fields.expires_at, Pointer(),
       "When the access token expires: a number, also in a string, or RFC 3339 text. It is written in the "
       "login's own format. If the login does not contain it, the expiry in the last answer counts; without "
       "one, the token counts as expired.");
  keys("access_token_format", fields.format,
       {"", "a JSON Web Token; its exp is used if expires_at is missing"}, "What the access token is.");
  keys("times", fields.unit, {"since 1970", "since 1970", "text"},
       "The unit of numbers, and the format of times that the login does not contain yet.");
  keys("scopes", fields.scopes, Pointer(), "The scopes, an array or a text of words.");
  keys("login_expires_at", fields.login_expires_at, Pointer(), "When the refresh token expires.");
  keys("refresh_token_expires_in", fields.login_end, {"it sets it", "it only lowers it"},
       "What the answer's member of that name does to login_expires_at.");
  keys("client_id", fields.client_id, Pointer(),
       "The client that the login was made with, if the login says so. It replaces the provider's.");
  keys("client_secret", fields.client_secret, Pointer(), "The client's secret.");
  keys("issuer", fields.issuer, Pointer(),
       "The server that the login was made at, if the login says so. It replaces the provider's.");
  keys("resource", fields.resource, Pointer(),
       "The URL of the server that the token is for. A request names it (RFC 8707). If nothing else does, "
       "its metadata (RFC 9728) says who the issuer is; without metadata, it is its own.");
  keys("refreshed_at", fields.refreshed_at, Pointer(), "Set to the time of each refresh.");
  keys("parameters", fields.parameters, PairsOf<Parameter, Pointer>(),
       "Further parameters of a request, if the login has them.");
  keys("answer", fields.answer, PairsOf<Parameter, Pointer>(),
       "Further members of the answer, and where each is written. If the answer lacks one, the old value is "
       "kept.");
}

void keys_of(auto& keys, RecordOf<DeliveredFile> auto& file) {
  keys(required("file"), file.name, FileName(), "The file's name.");
  keys(required("fields"), file.fields, Pointer(),
       "The parts of the login's file that are kept. A field must not be or contain the refresh token or the "
       "client's secret. One that turns out to contain either is left out.");
  keys("moved", file.moved, PairsOf<Pointer, Pointer>(),
       "Parts that are delivered at another place: the pointer in the delivered file, and in the login's.");
  keys("constants", file.constants, PairsOf<Pointer, AnyText>(),
       "Texts that are added. At the refresh token's place, only the empty text is allowed.");
  keys("member", file.member, Pointer(),
       "If the client in the container also writes other data to the file, the one member that contains all "
       "the fields. In a bind-mounted directory, the rest of the file is left as it is.");
}

void keys_of(auto& keys, RecordOf<ProviderLock> auto& lock) {
  keys(required("path"), lock.path, Text(),
       "{directory} stands for the directory of the login's file, {file_stem} for its name up to its last _, "
       "{entry_word} for the profile's entry with _ for what is not a letter or digit, and {entry_sha256} "
       "for its SHA-256. A lock that is a file must be below {directory}. A lock whose parent directory the "
       "login's owner cannot write to is skipped; a missing parent is created.");
  keys("kind", lock.kind,
       {"mkdir(2) takes the lock", "flock(2) takes it",
        "open(2) with O_EXCL makes it; it contains JSON with the holder's pid, a nonce, and the time of the "
        "last update in milliseconds"},
       "What the lock is.");
  keys("stale_after", lock.stale_after, Bounds{.least = Milliseconds(1)},
       "How long after its last update a lock counts as abandoned.");
  keys("touch_every", lock.touch_every, Bounds{.least = Milliseconds(1)},
       "How often a lock that is held is updated.");
  keys("content", lock.content, {"", "PID:SECONDS, the seconds since 1970 of the last update"},
       "What is written to a lock file.");
}

void keys_of(auto& keys, RecordOf<Api> auto& api) {
  keys(required("url"), api.url, Origin(), "https, or http on a loopback address, without a path.");
  keys(required("requests"), api.requests, ApiRequest(),
       "The requests that an agent makes, each \"METHOD PATH\". The segment * of a path matches any one "
       "segment. The proxy refuses all other requests.");
  keys("request_size", api.request_size, ByteCount(), "The size of a request's body at most.");
  keys("rate", api.rate, Rate(), "How many requests of a container pass in a minute.");
  keys("environment", api.environment, PairsOf<Variable, AnyText>(),
       "Environment variables for chosen containers of a profile with delivery \"socket\", instead of the "
       "provider's. {target} stands for the profile's target, and {port} for its loopback_port; without one, "
       "a variable with it is left out.");
}

void keys_of(auto& keys, RecordOf<LoginPlace> auto& place) {
  keys(required("directory"), place.directory, RelativePath(), "The client's directory in the home.");
  keys("variable", place.variable, Variable(),
       "The environment variable that names another directory instead.");
  keys(required("file"), place.file, RelativePath(),
       "The login's file, below that directory. There may be several with *, which stands for any text in a "
       "name.");
  keys("client_file", place.client_file, Text(),
       "What such a name ends with instead, if the client's registration is in a file beside it.");
}

void keys_of(auto& keys, RecordOf<Provider> auto& provider) {
  keys("login", provider.place, "Where the client keeps the login. \"oci-oauth install\" looks there.");
  keys("token_url", provider.token_url, Text(),
       "URL of the token endpoint (RFC 6749): https, or http to a loopback address. Without it, the one in "
       "the metadata of issuer, or each profile has its own.");
  keys("issuer", provider.issuer, ServerUrl(),
       "The server's identifier, by which its metadata is found (RFC 8414, OpenID Connect Discovery): "
       "endpoints that have no key here, or are not set.");
  keys("device_authorization_url", provider.device_authorization_url, Text(),
       "The endpoint at which oci-oauth login obtains a code for another device (RFC 8628).");
  keys("authorization_url", provider.authorization_url, Text(),
       "The address that oci-oauth login opens in a browser (RFC 6749 section 3.1).");
  keys("revocation_url", provider.revocation_url, Text(),
       "The endpoint at which oci-oauth logout revokes tokens (RFC 7009).");
  keys("redirect_uri", provider.redirect_uri, LoopbackUrl(),
       "The address on this host to which the browser returns, as it is registered with the server. Without "
       "a port, any free one is used (RFC 8252 section 7.3). Default: http://127.0.0.1/callback, or "
       "http://[::1]/callback on a host without IPv4.");
  keys("login_command", provider.login_command, Text(),
       "The command of the client that makes such a login; oci-oauth login then refers to it.");
  keys("client_id", provider.client_id, Text(),
       "The client that the login was made with. Without it, the login or each profile has its own.");
  keys("client_secret_file", provider.client_secret_file, Path(),
       "A file whose first line is the client's secret, see the profile's key.");
  keys("token_endpoint_auth_method", provider.authentication, {"in the body", "in the Authorization header"},
       "How a client with a secret authenticates.");
  keys("user_agent", provider.user_agent, Text(), "The User-Agent header of requests.");
  keys("body", provider.body, {"", ""}, "How a request is encoded.");
  keys("scope", provider.scope, {"the login's, or those of scopes if it has none", "those of scopes", "none"},
       "Which scopes a request names.");
  keys("scopes", provider.scopes, Text(), "Scopes to request.");
  keys("parameters", provider.parameters, PairsOf<Parameter, AnyText>(),
       "Further parameters of each request.");
  keys(required("credentials"), provider.fields, "Where the login's file contains what.");
  keys("deliver", provider.deliver, "Files that containers get besides token.");
  keys("terminal_errors", provider.terminal_errors, ErrorCode(),
       "OAuth error codes after which only a person can log in again.");
  keys("locks", provider.locks, "Locks that other programs take before they refresh.");
  keys("lock_owner", provider.lock_owner, Text(),
       "The file beside the first lock in which its holder records who it is, in Claude Code's format.");
  keys("save_locks", provider.save_locks,
       "Locks that other programs take while they change the login's file. They are held for the last read "
       "and the rename, never during the request to the token endpoint.");
  keys("api", provider.api, "The API that the token is for.");
  keys("shadowed_by", provider.shadowed_by, Variable(),
       "Environment variables that the client in the container uses instead of the delivered files. The log "
       "and oci-oauth status name those that a container has set.");
  keys("environment", provider.environment, PairsOf<Variable, AnyText>(),
       "Environment variables for chosen containers. {target} stands for the profile's target.");
}

}  // namespace oci_oauth
