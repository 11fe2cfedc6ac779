// SPDX-License-Identifier: Apache-2.0
// The keys of config.json and of a provider, described once. For each object there is a function keys_of(),
// which tells a visitor every key with the member that it fills, the rule that it must follow and a sentence
// of help. The reader, the writer, the JSON Schemas and the manual's tables are such visitors; a member's
// value in a new object is the key's default.
//
// A visitor has
//   Help, made of the sentence, which a visitor that needs none does not keep;
//   text(key, std::string&, Rule, Help), texts(key, vector<string>&, Rule, Help): an array of them;
//   text_or_texts(...): one of them, or an array of at least one;
//   command(key, vector<string>&, Help): an absolute path and arguments;
//   pairs(key, Pairs&, Rule of names, Rule of values, Help): an object of texts;
//   duration(key, Milliseconds&, Bounds, Help), mode(key, mode_t&, Help), boolean(key, bool&, Help);
//   choice(key, Enum&, {{word, value, Help}...}, Help);
//   object(key, T& or optional<T>&, Help), objects(key, vector<T>&, Help): an array of them;
//   named(key, vector<T>&, Help): objects by their T::name;
//   one_of(key, key, key = ""): exactly one of the first two is there, and none only with the third;
//   not_both(key, key); needs(key, {key, ...}): the first one is not there without the others.
#pragma once

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

struct Bounds {
  Milliseconds least = Milliseconds(0), most = std::chrono::hours(24) * 366;
};

// A help sentence that is checked and left out of the program: the reader does without.
struct DroppedHelp {
  consteval DroppedHelp(const char*) {}
};

// A word that a key's value may be; `Help` is what the visitor makes of a help sentence.
template <class Enum, class Help>
struct KeyChoice {
  std::string_view word;
  Enum value;
  Help help;
};

void keys_of(auto& keys, Config& config) {
  keys.text("runtime_dir", config.runtime_dir, Path(),
            "The directory that the refresher, the hook and the containers share. It should be on a tmpfs. "
            "Default: /run/oci-oauth, or $XDG_RUNTIME_DIR/oci-oauth for a user other than root.");
  keys.text("metrics_file", config.metrics_file, PathBelowRoot(),
            "A file that each refresh writes at its end, for the textfile collector of Prometheus' node "
            "exporter, which reads only names that end in .prom. See METRICS in oci-oauth(1).");
  keys.text("runtime", config.runtime, Path(), "The OCI runtime that oci-oauth-runtime(8) runs.");
  keys.object("fleet", config.fleet, "The store that this host shares with others.");
  keys.named("profiles", config.profiles,
             "The logins, each under a name of at most 64 letters, digits, '.', '_' and '-'.");
  keys.objects("sinks", config.sinks, "What else receives each new access token.");
}

void keys_of(auto& keys, KubernetesConfig& kubernetes) {
  keys.text(required("namespace"), kubernetes.name_space, Name(), "The namespace of the Secrets.");
  keys.text("server", kubernetes.server, Origin(), "The URL of the API server.");
  keys.text("token_file", kubernetes.token_file, Path(),
            "A bearer token, read anew for each connection by the user who makes it: nobody, for a follower "
            "that is started by root. It is not used beside a certificate_file.");
}

void keys_of(auto& keys, FleetConfig& fleet) {
  keys.texts("endpoints", fleet.endpoints, Origin(),
             "The client URLs of etcd's members. A request goes to one after the other, until one answers.");
  keys.object("kubernetes", fleet.kubernetes, "The Kubernetes API, whose Secrets are the store.");
  keys.one_of("endpoints", "kubernetes");
  keys.text("ca_file", fleet.ca_file, Path(),
            "The certificates to trust there. Default with kubernetes: those of the pod's service account.");
  keys.text("certificate_file", fleet.certificate_file, Path(), "This host's certificate.");
  keys.text("key_file", fleet.key_file, Path(), "Its key, which only its user may read.");
  keys.needs("endpoints", {"ca_file", "certificate_file", "key_file"});
  keys.needs("certificate_file", {"key_file"});
  keys.text("keys", fleet.keys, Path(),
            "The directory with the fleet's keys: access.key and signers or, on a refresher, also login.key "
            "and signing.key.");
  keys.texts(
      "refreshers", fleet.refreshers, Name(),
      "The names of the hosts that refresh logins, instead of role, so that all hosts can have the same "
      "configuration.");
  keys.not_both("role", "refreshers");
  keys.text("host", fleet.host, Name(), "This host's name in the records. Default: its host name.");
  keys.choice("role", fleet.role,
              {{"follower", FleetRole::follower, "it reads access tokens, and can read nothing else"},
               {"refresher", FleetRole::refresher, "it refreshes logins"}},
              "What this host does.");
  keys.choice("takeover", fleet.takeover,
              {{"late", Takeover::late, "it is tried once more when the access token is about to end"},
               {"never", Takeover::never, "a person decides, with oci-oauth fleet takeover"}},
              "What is done about a refresh whose host is silent, because nobody can know whether its token "
              "was spent.");
  keys.duration("settle", fleet.settle, {.most = std::chrono::hours(1)},
                "How long a refresher must have been in touch with the store before it refreshes.");
}

void keys_of(auto& keys, ExecSource& source) {
  keys.command(
      required("exec"), source.exec,
      "A program and its arguments, without a shell. It prints a token on its standard output, in the "
      "form that the provider describes.");
  keys.text("user", source.user, Text(),
            "The user who runs it, in root's configuration only. Default: root there, otherwise the calling "
            "user.");
  keys.pairs("environment", source.environment, Variable(), AnyText(),
             "Environment variables for it, besides HOME, USER, LOGNAME, PATH and XDG_RUNTIME_DIR.");
  keys.duration("lifetime", source.lifetime, {},
                "How long a token is used if neither the output nor the token says when it expires. Default: "
                "such a token is an error.");
  keys.duration("timeout", source.timeout, {std::chrono::seconds(1), longest_exec}, "How long it may run.");
}

void keys_of(auto& keys, Profile& profile) {
  keys.text("credentials", profile.credentials, Path(), "The file that contains the login.");
  keys.text("entry", profile.entry, Text(),
            "Which login, if the file contains several: the name of a member. It replaces {entry} in the "
            "provider.");
  keys.object("source", profile.source, "Where else the token comes from.");
  keys.boolean("fleet", profile.in_fleet,
               "Whether the login is in the fleet's store. A follower's profile then needs no credentials.");
  keys.one_of("credentials", "source", "fleet");
  keys.not_both("source", "entry");
  keys.text("provider", profile.provider, Name(),
            "The kind of login: a file NAME.json in one of the directories under FILES. Default: the "
            "profile's name, or exec for a profile with a source.");
  keys.text_or_texts(
      "target", profile.targets, PathBelowRoot(),
      "The directory in containers, or several. Default: /run/secrets/NAME. A container gets the token at "
      "each target where a person mounted something. If it is chosen as a whole (deliver_to, --profile, an "
      "annotation) and nothing is mounted at any target, it gets the token at the first. No target may equal "
      "another one, or lie inside it, except that a profile with an entry may have the targets of another "
      "profile of the same file: a container that gets that one gets a file with the access tokens of both.");
  keys.choice(
      "delivery", profile.delivery,
      {{"token", Delivers::token, "the access token, in files"},
       {"socket", Delivers::socket,
        "api.sock, behind which oci-oauth-proxy adds the token to the requests that the provider allows"}},
      "What a container finds in the target.");
  keys.text(
      "loopback_port", profile.loopback_port, Port(),
      "With delivery \"socket\", also a port of the container's own loopback interface, for clients that "
      "know only TCP. The container needs a network namespace of its own.");
  keys.choice(
      "deliver_to", profile.deliver_to,
      {{"chosen", DeliverTo::chosen, "the containers that a person chose, see CONSENT in oci-oauth-hook(8)"},
       {"all", DeliverTo::all, "every container on this host"}},
      "Who gets the token.");
  keys.boolean("trust_annotations", profile.annotations,
               "Whether the annotation io.oci-oauth.profiles chooses a container, although images can carry "
               "it.");
  keys.choice("on_failure", profile.on_failure,
              {{"start", OnFailure::start, "it starts all the same"},
               {"block", OnFailure::block, "it is not created"}},
              "What happens to a container without a valid token.");
  keys.duration("hook_wait", profile.hook_wait, {.most = longest_hook_wait},
                "How long a container's start waits for a refresh at most. A hook is killed after 15 s.");
  keys.duration("refresh_before", profile.refresh_before, {},
                "The remaining lifetime at which a token becomes due for a refresh, at most half of its "
                "lifetime.");
  keys.mode("mode", profile.mode,
            "Octal mode of the delivered files. Files that are written into a bind-mounted directory belong "
            "to the container's user. Files that are mounted belong to root on the host: unless others may "
            "read them (the last digit is 4 or higher), a container's user cannot.");
  keys.text("token_url", profile.token_url, Text(), "Overrides the provider's.");
  keys.text("issuer", profile.issuer, ServerUrl(), "Overrides the provider's.");
  keys.texts("scopes", profile.scopes, Text(), "Overrides the provider's.");
  keys.text("redirect_uri", profile.redirect_uri, LoopbackUrl(), "Overrides the provider's.");
  keys.text("ca_file", profile.ca_file, Path(),
            "Certificates to trust at the token endpoint instead of the system's.");
  keys.text("user_agent", profile.user_agent, Text(), "Overrides the provider's.");
  keys.text("resource", profile.resource, ServerUrl(), "Overrides the login's own.");
  keys.text("client_id", profile.client_id, Text(), "Overrides the provider's, and the login's own.");
  keys.text("client_file", profile.client_file, Path(),
            "A file with the client's registration (RFC 7591 section 3.2.1), which the login's owner reads: "
            "client_id, client_secret, token_endpoint_auth_method, and perhaps issuer. They replace the "
            "login's.");
  keys.text(
      "client_secret_file", profile.client_secret_file, Path(),
      "A file whose first line is the client's secret. It must belong to root or to the login's owner, and "
      "nobody else may read it. Overrides the provider's.");
  keys.text("api_url", profile.api_url, Origin(), "Overrides the URL of the provider's API.");
  keys.text("proxy", profile.proxy, Text(),
            "URL of the proxy for requests to the token endpoint. Proxy variables in the environment are "
            "ignored.");
}

void keys_of(auto& keys, OneCliSink& sink) {
  keys.text("secret_id", sink.secret_id, Name(), "The secret to update.");
  keys.text("url", sink.url, ServerUrl(), "The server.");
  keys.text("api_key_file", sink.api_key_file, Path(), "The file that contains the server's key.");
  keys.text("program", sink.program, Path(), "The onecli program, which is used instead of a server.");
  keys.not_both("url", "program");
  keys.text("env_file", sink.env_file, Path(), "A file with further settings.");
  keys.text("ca_file", sink.ca_file, Path(), "Certificates to trust instead of the system's.");
}

void keys_of(auto& keys, Sink& sink) {
  keys.texts("profiles", sink.profiles, AnyText(),
             "The profiles whose tokens it receives. Default: all profiles.");
  keys.text(
      "host", sink.host, Name(),
      "The one host that runs it: its name in the fleet, or its host name. Needed for a login that is in "
      "a fleet's store, so that each token is delivered once. Default: every host that has this "
      "configuration.");
  keys.command("exec", sink.exec,
               "A program and its arguments. The program reads the token from its standard input.");
  keys.object("onecli", sink.onecli, "A secret of a OneCLI server.");
  keys.one_of("onecli", "exec");
  keys.duration("timeout", sink.timeout, {std::chrono::seconds(1), std::chrono::minutes(10)},
                "How long one run may take.");
}

void keys_of(auto& keys, CredentialFields& fields) {
  keys.text("access_token", fields.access_token, Pointer(),
            "The access token. Without it, the token is kept in runtime_dir alone.");
  keys.text("refresh_token", fields.refresh_token, Pointer(),
            "The refresh token. Only the output of a command has none.");
  keys.choice("document", fields.document,
              {{"json", DocumentFormat::json, ""},
               {"text", DocumentFormat::text,
                "the access token alone, which counts as the JSON object with it at access_token"}},
              "What the login's file, or the output of a command, is.");
  keys.text(
      "expires_at", fields.expires_at, Pointer(),
      "When the access token expires: a number, also in a string, or RFC 3339 text. It is written in the "
      "login's own format. If the login does not contain it, the expiry in the last answer counts; without "
      "one, the token counts as expired.");
  keys.choice("access_token_format", fields.format,
              {{"opaque", TokenFormat::opaque, ""},
               {"jwt", TokenFormat::jwt, "a JSON Web Token; its exp is used if expires_at is missing"}},
              "What the access token is.");
  keys.choice("times", fields.unit,
              {{"milliseconds", TimeUnit::milliseconds, "since 1970"},
               {"seconds", TimeUnit::seconds, "since 1970"},
               {"rfc3339", TimeUnit::rfc3339, "text"}},
              "The unit of numbers, and the format of times that the login does not contain yet.");
  keys.text("scopes", fields.scopes, Pointer(), "The scopes, an array or a text of words.");
  keys.text("login_expires_at", fields.login_expires_at, Pointer(), "When the refresh token expires.");
  keys.choice(
      "refresh_token_expires_in", fields.login_end,
      {{"sets", LoginEndRule::set, "it sets it"}, {"lowers", LoginEndRule::lowered, "it only lowers it"}},
      "What the answer's member of that name does to login_expires_at.");
  keys.text("client_id", fields.client_id, Pointer(),
            "The client that the login was made with, if the login says so. It replaces the provider's.");
  keys.text("client_secret", fields.client_secret, Pointer(), "The client's secret.");
  keys.text("issuer", fields.issuer, Pointer(),
            "The server that the login was made at, if the login says so. It replaces the provider's.");
  keys.text("resource", fields.resource, Pointer(),
            "The URL of the server that the token is for. A request names it (RFC 8707). If nothing else "
            "does, its metadata (RFC 9728) says who the issuer is; without metadata, it is its own.");
  keys.text("refreshed_at", fields.refreshed_at, Pointer(), "Set to the time of each refresh.");
  keys.pairs("parameters", fields.parameters, Parameter(), Pointer(),
             "Further parameters of a request, if the login has them.");
  keys.pairs(
      "answer", fields.answer, Parameter(), Pointer(),
      "Further members of the answer, and where each is written. If the answer lacks one, the old value "
      "is kept.");
}

void keys_of(auto& keys, DeliveredFile& file) {
  keys.text(required("file"), file.name, FileName(), "The file's name.");
  keys.texts(
      required("fields"), file.fields, Pointer(),
      "The parts of the login's file that are kept. A field must not be or contain the refresh token or "
      "the client's secret. One that turns out to contain either is left out.");
  keys.pairs(
      "moved", file.moved, Pointer(), Pointer(),
      "Parts that are delivered at another place: the pointer in the delivered file, and in the login's.");
  keys.pairs("constants", file.constants, Pointer(), AnyText(),
             "Texts that are added. At the refresh token's place, only the empty text is allowed.");
  keys.text("member", file.member, Pointer(),
            "If the client in the container also writes other data to the file, the one member that contains "
            "all the fields. In a bind-mounted directory, the rest of the file is left as it is.");
}

void keys_of(auto& keys, ProviderLock& lock) {
  keys.text(
      required("path"), lock.path, Text(),
      "{directory} stands for the directory of the login's file, {file_stem} for its name up to its last _, "
      "{entry_word} for the profile's entry with _ for what is not a letter or digit, and {entry_sha256} for "
      "its SHA-256. A lock that is a file must be below {directory}. A lock whose parent directory the "
      "login's owner cannot write to is skipped; a missing parent is created.");
  keys.choice(
      "kind", lock.kind,
      {{"directory", LockKind::directory, "mkdir(2) takes the lock"},
       {"file", LockKind::file, "flock(2) takes it"},
       {"lease", LockKind::lease,
        "open(2) with O_EXCL makes it; it contains JSON with the holder's pid, a nonce, and the time of "
        "the last update in milliseconds"}},
      "What the lock is.");
  keys.duration("stale_after", lock.stale_after, {.least = Milliseconds(1)},
                "How long after its last update a lock counts as abandoned.");
  keys.duration("touch_every", lock.touch_every, {.least = Milliseconds(1)},
                "How often a lock that is held is updated.");
  keys.choice("content", lock.content,
              {{"none", LockContent::nothing, ""},
               {"holder", LockContent::holder, "PID:SECONDS, the seconds since 1970 of the last update"}},
              "What is written to a lock file.");
}

void keys_of(auto& keys, Api& api) {
  keys.text(required("url"), api.url, Origin(), "https, or http on a loopback address, without a path.");
  keys.texts(
      required("requests"), api.requests, ApiRequest(),
      "The requests that an agent makes, each \"METHOD PATH\". The segment * of a path matches any one "
      "segment. The proxy refuses all other requests.");
  keys.text("request_size", api.request_size, ByteCount(), "The size of a request's body at most.");
  keys.text("rate", api.rate, Rate(), "How many requests of a container pass in a minute.");
  keys.pairs(
      "environment", api.environment, Variable(), AnyText(),
      "Environment variables for chosen containers of a profile with delivery \"socket\", instead of the "
      "provider's. {target} stands for the profile's target, and {port} for its loopback_port; without one, "
      "a variable with it is left out.");
}

void keys_of(auto& keys, LoginPlace& place) {
  keys.text(required("directory"), place.directory, RelativePath(), "The client's directory in the home.");
  keys.text("variable", place.variable, Variable(),
            "The environment variable that names another directory instead.");
  keys.text(required("file"), place.file, RelativePath(),
            "The login's file, below that directory. There may be several with *, which stands for any text "
            "in a name.");
  keys.text("client_file", place.client_file, Text(),
            "What such a name ends with instead, if the client's registration is in a file beside it.");
}

void keys_of(auto& keys, Provider& provider) {
  keys.object("login", provider.place,
              "Where the client keeps the login. \"oci-oauth install\" looks there.");
  keys.text(
      "token_url", provider.token_url, Text(),
      "URL of the token endpoint (RFC 6749): https, or http to a loopback address. Without it, the one in "
      "the metadata of issuer, or each profile has its own.");
  keys.text("issuer", provider.issuer, ServerUrl(),
            "The server's identifier, by which its metadata is found (RFC 8414, OpenID Connect Discovery): "
            "endpoints that have no key here, or are not set.");
  keys.text("device_authorization_url", provider.device_authorization_url, Text(),
            "The endpoint at which oci-oauth login obtains a code for another device (RFC 8628).");
  keys.text("authorization_url", provider.authorization_url, Text(),
            "The address that oci-oauth login opens in a browser (RFC 6749 section 3.1).");
  keys.text("revocation_url", provider.revocation_url, Text(),
            "The endpoint at which oci-oauth logout revokes tokens (RFC 7009).");
  keys.text(
      "redirect_uri", provider.redirect_uri, LoopbackUrl(),
      "The address on this host to which the browser returns, as it is registered with the server. "
      "Without a port, any free one is used (RFC 8252 section 7.3). Default: http://127.0.0.1/callback, "
      "or http://[::1]/callback on a host without IPv4.");
  keys.text("login_command", provider.login_command, Text(),
            "The command of the client that makes such a login; oci-oauth login then refers to it.");
  keys.text("client_id", provider.client_id, Text(),
            "The client that the login was made with. Without it, the login or each profile has its own.");
  keys.text("client_secret_file", provider.client_secret_file, Path(),
            "A file whose first line is the client's secret, see the profile's key.");
  keys.choice("token_endpoint_auth_method", provider.authentication,
              {{"client_secret_post", ClientAuthentication::post, "in the body"},
               {"client_secret_basic", ClientAuthentication::basic, "in the Authorization header"}},
              "How a client with a secret authenticates.");
  keys.text("user_agent", provider.user_agent, Text(), "The User-Agent header of requests.");
  keys.choice("body", provider.body, {{"form", BodyEncoding::form, ""}, {"json", BodyEncoding::json, ""}},
              "How a request is encoded.");
  keys.choice("scope", provider.scope,
              {{"stored", ScopeRule::stored, "the login's, or those of scopes if it has none"},
               {"listed", ScopeRule::listed, "those of scopes"},
               {"none", ScopeRule::none, "none"}},
              "Which scopes a request names.");
  keys.texts("scopes", provider.scopes, Text(), "Scopes to request.");
  keys.pairs("parameters", provider.parameters, Parameter(), AnyText(),
             "Further parameters of each request.");
  keys.object(required("credentials"), provider.fields, "Where the login's file contains what.");
  keys.objects("deliver", provider.deliver, "Files that containers get besides token.");
  keys.texts("terminal_errors", provider.terminal_errors, ErrorCode(),
             "OAuth error codes after which only a person can log in again.");
  keys.objects("locks", provider.locks, "Locks that other programs take before they refresh.");
  keys.text("lock_owner", provider.lock_owner, Text(),
            "The file beside the first lock in which its holder records who it is, in Claude Code's format.");
  keys.objects("save_locks", provider.save_locks,
               "Locks that other programs take while they change the login's file. They are held for the "
               "last read and the rename, never during the request to the token endpoint.");
  keys.object("api", provider.api, "The API that the token is for.");
  keys.texts(
      "shadowed_by", provider.shadowed_by, Variable(),
      "Environment variables that the client in the container uses instead of the delivered files. The "
      "log and oci-oauth status name those that a container has set.");
  keys.pairs("environment", provider.environment, Variable(), AnyText(),
             "Environment variables for chosen containers. {target} stands for the profile's target.");
}

}  // namespace oci_oauth
