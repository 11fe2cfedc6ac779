# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Hosts that follow, for scripts in the lab: OCI_OAUTH_PREFIX is the installed tree, FLEET_STORE the program of that name.
#
#   make_keys                 the fleet's keys, and the user who has them on the hosts
#   make_host NAME            a host of its own: runtime_dir, configuration, state; in $HOSTS/NAME
#   start_host NAME [NETNS]   its follower, unprivileged, in a namespace
#   end_host NAME
#   publish GENERATION [HOW]  writes the access record; prints the times before and after
#   token_of NAME             what its containers mount; has_token NAME GENERATION
#   said_by NAME              the follower's messages

readonly host_user=59998 HOSTS=/run/hosts
follower=${OCI_OAUTH_PREFIX:?}/libexec/oci-oauth/oci-oauth-fleet

make_keys() {
    mkdir -p "$HOSTS"
    "$FLEET_STORE" keys "$LAB/keys"
    mkdir "$LAB/host-keys"
    cp "$LAB/keys/access.key" "$LAB/keys/signers" "$LAB/client.pem" "$LAB/client.key" "$LAB/host-keys/"
    chmod 600 "$LAB/host-keys/client.key"
    chown -R $host_user:$host_user "$LAB/host-keys"
}
make_host() {
    local place=$HOSTS/$1
    install -d -o $host_user -g $host_user "$place"
    jq -n --arg place "$place" --arg lab "$LAB" --rawfile endpoints "$LAB/endpoints" '{
        runtime_dir: ($place + "/run"),
        fleet: {endpoints: ($endpoints | split("\n") | map(select(. != ""))), ca_file: ($lab + "/ca.pem"),
                certificate_file: ($lab + "/host-keys/client.pem"), key_file: ($lab + "/host-keys/client.key"),
                keys: ($lab + "/host-keys"), role: "follower"},
        profiles: {claude: {fleet: true}}}' >"$place/config.json"
    chown $host_user "$place/config.json"
}
start_host() {
    local place=$HOSTS/$1
    ${2:+ip netns exec "$2"} setpriv --reuid $host_user --regid $host_user --clear-groups \
        env -i PATH=/usr/bin:/bin HOME="$place" STATE_DIRECTORY="$place/kept" XDG_RUNTIME_DIR="$place" \
        "$follower" --config "$place/config.json" >>"$place/log" 2>&1 3>&- 4>&- </dev/null &
    echo $! >"$place/pid"
    disown
}
end_host() {
    local pid
    pid=$(cat "$HOSTS/$1/pid")
    kill -KILL "$pid"
    eventually has_died "$pid"
}
publish() { "$FLEET_STORE" publish "$LAB/keys" "$@"; }
token_of() { cat "$HOSTS/$1/run/share/claude/token" 2>/dev/null; }
has_token() { [[ $(token_of "$1") == "token-$2" ]]; }
said_by() { cat "$HOSTS/$1/log"; }
