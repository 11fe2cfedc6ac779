# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Words for tests of a published client, $CLIENT, whose containers have a socket instead of a token. The service is a stand-in
# (stand-in.mjs), the containers are Podman's.

load "engine-$CLIENT"
load stand-in

readonly target=/run/secrets/$CLIENT

setup() {
    clients_setup
    CONTAINER_NETWORK=none
    LOGIN=$OPERATOR_HOME/$login_file
    runtime_dir=/run/oci-oauth
    if ((OPERATOR_ID != 0)); then
        runtime_dir=$XDG_RUNTIME_DIR/oci-oauth
        CONFIG=$OPERATOR_HOME/.config/oci-oauth/config.json
        HOOK_ARGS=(--config "$CONFIG")
        as_operator mkdir -p "${CONFIG%/*}"
    fi
    as_operator mkdir -p "${LOGIN%/*}"
    stand_in 'login?expires_in=28800' | jq "$(document)" >"$LOGIN"
    chmod 600 "$LOGIN"
    chown "$OPERATOR_ID:$OPERATOR_ID" "$LOGIN"
    jq -n --arg name "$CLIENT" --arg runtime_dir "$runtime_dir" --arg credentials "$LOGIN" --arg ca_file "$WORLD/ca.pem" \
        --arg loopback_port "$loopback_port" '{$runtime_dir, profiles: {($name): ({$credentials, $ca_file, delivery: "socket"}
            + if $loopback_port == "" then {} else {$loopback_port} end)}}' >"$CONFIG"
    chown "$OPERATOR_ID:$OPERATOR_ID" "$CONFIG"
    oci_oauth refresh "$CLIENT"
    # shellcheck disable=SC2016
    as_operator sh -c 'echo $$ && exec "$@"' sh "$OCI_OAUTH_PREFIX/libexec/oci-oauth/oci-oauth-proxy" --config "$CONFIG" \
        </dev/null >"$WORLD/proxy" 2>&1 3>&- &
    eventually --at "$runtime_dir" test -S "$runtime_dir/proxy.sock" || { cat "$WORLD/proxy" && false; }
    read -r proxy <"$WORLD/proxy"
    helpers+=("$proxy")
    client_files
    socket_settings "$ROOT/root"
    [[ -z $(links) ]]
}

current_token() { jq -r "$access_token" "$LOGIN"; }
start_container() {
    # shellcheck disable=SC2046 # words
    start_client --tmpfs "$target" -- timeout "$client_seconds" $(client)
}

# Its answer came with the current token, which is nowhere in the container.
expect_answered() {
    podman_as_operator wait box >/dev/null 3>&-
    output_of box >"$WORLD/output" 2>&1
    tail -n 20 "$WORLD/output" "$WORLD/proxy"
    grep -q ok "$WORLD/output"
    [[ $(api_tokens | tail -1) == "200 $(current_token)" ]]
    [[ $(token_requests) == "$1" ]]
    grep -qE "$CLIENT $(id_of box) $api_request 200 [0-9]+$" "$WORLD/proxy"
    run ! grep -rqF "$(current_token)" "$ROOT" "$WORLD/output" "$WORLD/proxy"
}
