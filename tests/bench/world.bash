# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of what is measured: a host with a valid login and a container that is being created. For scripts that run
# as root in a mount namespace of their own; needs OCI_OAUTH_PREFIX and TOKEN_ENDPOINT.
#
#   make_world DIR [LOGIN_DIR]    a login at a token endpoint, published; a mount namespace with a root file system in it, whose
#                      first process is $container; bundles `chosen` and `not-chosen`, as Podman writes them
#   end_world          ends its processes
#   hook_for BUNDLE    sets HOOK_COMMAND and HOOK_INPUT: how a runtime calls the hook for it
#   a_record ID        writes the record of another container with the mounted directory, from the hook's own, which is
#                      $record, of container $recorded
#   login_ends_in SECONDS    rewrites the login's expiry; below zero: expired
#   oci_oauth VERB...  runs oci-oauth on this world
#   publish [COMMAND...]    a refresh that publishes and does nothing else, by COMMAND (such as strace) where one is given

bench=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
readonly bench target=/run/secrets/claude event_wait_seconds=60
# shellcheck source=tests/support/words.bash
source "$bench/../support/words.bash"

oci_oauth() { "$OCI_OAUTH_PREFIX/bin/oci-oauth" --config "$WORLD/config.json" "$@"; }

# What the login has left is too little, so the call refreshes and publishes.
publish() {
    login_ends_in 600
    "$@" "$OCI_OAUTH_PREFIX/bin/oci-oauth" --config "$WORLD/config.json" token claude --min-ttl 20m >"$WORLD/log" 2>&1 ||
        { cat "$WORLD/log" >&2 && return 1; }
}

configure() {
    jq -n --arg world "$WORLD" --arg credentials "$LOGIN" --arg token_url "$(<"$ENDPOINT/url")" \
        '{runtime_dir: "\($world)/run", profiles: {claude: {$credentials, $token_url, ca_file: "\($world)/endpoint/ca.pem"}}}' >"$WORLD/config.json"
}

login_ends_in() { expire_in "$1" "$LOGIN"; }

start_container() {
    mkdir -p "$WORLD/rootfs"
    mount -t tmpfs tmpfs "$WORLD/rootfs"
    mkdir -p "$WORLD/rootfs/proc" "$WORLD/rootfs/$target"
    # shellcheck disable=SC2016
    setpriv --pdeathsig KILL unshare --mount sh -c 'echo >"$0"; exec sleep infinity' "$WORLD/apart" &
    container=$!
    eventually --at "$WORLD" test -s "$WORLD/apart"
    nsenter --target "$container" --mount mount -t tmpfs tmpfs "$WORLD/rootfs/$target"
}

# bundle NAME FILTER: Podman's own config.json and state, with what FILTER adds.
bundle() {
    mkdir -p "$WORLD/$1"
    jq -c --arg rootfs "$WORLD/rootfs" ".root.path = \$rootfs | $2" "$bench/podman-config.json" >"$WORLD/$1/config.json"
    jq -c --arg bundle "$WORLD/$1" --argjson pid "$container" '.bundle = $bundle | .pid = $pid' \
        "$bench/podman-state.json" >"$WORLD/$1/state.json"
}

make_world() {
    WORLD=$1
    LOGIN=${2:-$WORLD/login}/.credentials.json
    ENDPOINT=$WORLD/endpoint
    mkdir -p "${LOGIN%/*}"
    start_endpoint --login "$LOGIN"
    configure
    oci_oauth refresh claude 2>"$WORLD/refresh.log"
    start_container
    bundle not-chosen .
    bundle chosen ".mounts += [{destination: \"$target\", type: \"tmpfs\", source: \"tmpfs\", options: [\"nosuid\"]}]"
}

end_world() {
    kill "$container"
    wait "$container" || true
    stop_endpoint
}

# shellcheck disable=SC2034
hook_for() {
    HOOK_COMMAND=("$OCI_OAUTH_PREFIX/libexec/oci/hooks.d/oci-oauth-hook" --config "$WORLD/config.json" createRuntime)
    HOOK_INPUT=$WORLD/$1/state.json
}

a_record() { printf '%s' "${record/"$recorded"/"$1"}" >"$WORLD/run/containers/$1.json"; }
