# SPDX-License-Identifier: Apache-2.0
# Claude Code in a container that has neither its token nor a network: `"delivery": "socket"`. The service is a stand-in
# (stand-in.mjs), the containers are Podman's; each test writes what it saw to FIGURES/socket.TEST.
bats_require_minimum_version 1.5.0
load engine-claude
load stand-in

readonly target=/run/secrets/claude

setup() {
    clients_setup
    CONTAINER_NETWORK=none
    LOGIN=$OPERATOR_HOME/$login_file
    mkdir -p "${LOGIN%/*}"
    stand_in 'login?expires_in=28800' | jq "$(document)" >"$LOGIN"
    chmod 600 "$LOGIN"
    jq -n --arg credentials "$LOGIN" --arg ca_file "$WORLD/ca.pem" \
        '{profiles: {claude: {$credentials, $ca_file, delivery: "socket"}}}' >"$CONFIG"
    oci_oauth refresh claude
    # shellcheck disable=SC2016
    as_operator sh -c 'echo $$ && exec "$@"' sh "$OCI_OAUTH_PREFIX/libexec/oci-oauth/oci-oauth-proxy" --config "$CONFIG" \
        </dev/null >"$WORLD/proxy" 2>&1 3>&- &
    eventually --at /run/oci-oauth test -S /run/oci-oauth/proxy.sock
    read -r proxy <"$WORLD/proxy"
    client_files
}
teardown() {
    lab_teardown
    kill "$proxy" "$STAND_IN"
    has_ended "$proxy"
    has_ended "$STAND_IN"
    umount /etc/hosts /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt
}

current_token() { jq -r "$access_token" "$LOGIN"; }
start_claude() {
    # shellcheck disable=SC2046 # words
    start_client --tmpfs "$target" -- timeout "$client_seconds" $(client)
}
saw() {
    echo "$1" >"${FIGURES:-$WORLD}/socket.$BATS_TEST_NUMBER"
    echo "# claude: $1" >&3
}

# Its answer came with the current token, which is nowhere in the container.
expect_answered() {
    podman_as_operator wait box >/dev/null 3>&-
    output_of box >"$WORLD/output" 2>&1
    tail -n 5 "$WORLD/output" "$WORLD/proxy"
    grep -q ok "$WORLD/output"
    [[ $(api_tokens | tail -1) == "200 $(current_token)" ]]
    [[ $(token_requests) == "$1" ]]
    grep -qE "claude $(id_of box) POST /v1/messages 200 [0-9]+$" "$WORLD/proxy"
    run ! grep -rqF "$(current_token)" "$ROOT" "$WORLD/output" "$WORLD/proxy"
}

@test "a client with neither token nor network gets its answer" {
    start_claude
    expect_answered 0
    saw 'its answer, from a container without a network interface and without a token'
}

@test "its session goes on after a rotation that ended the old token" {
    stand_in 'hold?what=api&n=99'
    start_claude
    eventually --at "$WORLD/requests" is_held 1
    stand_in 'refuse_old?on=1'
    oci_oauth refresh --force claude
    stand_in release
    expect_answered 1
    [[ $(count '.what == "api" and .status == 401') == 0 ]]
    saw 'without a refused request'
}
