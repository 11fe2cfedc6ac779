# SPDX-License-Identifier: Apache-2.0
# Logins at an MCP server (mcp.mjs: @modelcontextprotocol/sdk with oidc-provider) that mcp-remote makes, reads and writes. The container
# is Podman's.
load stand-in

setup() {
    lab_setup
    CONFIG=/etc/oci-oauth/config.json
    HOOK_ARGS=(--config "$CONFIG")
    WORLD=$BATS_TEST_TMPDIR/world
    ROOT=$BATS_TEST_TMPDIR/box/rootfs
    mkdir -p "$WORLD" /etc/oci-oauth
    : >"$WORLD/requests"
    node "$BATS_TEST_DIRNAME/mcp.mjs" "$CLIENTS/node_modules" "$WORLD" </dev/null >"$WORLD/log" 2>&1 3>&- &
    SERVER=$!
    eventually --at "$WORLD" test -s "$WORLD/ready"
    sign_in
}

teardown() {
    lab_teardown
    kill "$REMOTE" "$SERVER"
    has_ended "$REMOTE"
    has_ended "$SERVER"
}

readonly request='{"jsonrpc": "2.0", "id": %s, "method": "%s", "params": %s}\n'
# mcp_remote DIR: the words that run it, between DIR/in and DIR/out.
mcp_remote() { echo "node $CLIENTS/node_modules/mcp-remote/dist/proxy.js $(cat "$WORLD/url") <$1/in >$1/out 2>$1/err"; }
# asks DIR ID: a request by the mcp-remote of DIR, and its answer.
asks() {
    # shellcheck disable=SC2059
    printf "$request" "$2" tools/call '{"name": "ping", "arguments": {}}' >>"$1/in"
    is_answered() { grep -q "\"text\":\"pong\".*\"id\":$2\|\"id\":$2.*\"text\":\"pong\"" "$1/out"; }
    eventually --at "$1" is_answered "$1" "$2"
}
begins() {
    # shellcheck disable=SC2059 # request
    printf "$request" 1 initialize '{"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}' >>"$1/in"
    is_begun() { grep -q serverInfo "$1/out"; }
    eventually --at "$1" is_begun "$1"
}
hash_of() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
last_token() { requests 'select(.what == "mcp" and .status == 200) | .token' | tail -n 1; }
login() { jq -r ".$1" "$LOGIN"; }

# A person signs in with mcp-remote on the host, which goes on running.
sign_in() {
    HOST=$WORLD/host
    mkdir -p "$HOST"
    mkfifo "$HOST/in"
    exec 7<>"$HOST/in"
    env HOME="$OPERATOR_HOME" BROWSER=true sh -c "exec $(mcp_remote "$HOST")" 3>&- &
    REMOTE=$!
    has_address() { grep -q '^http://localhost.*/auth' "$HOST/err"; }
    eventually --at "$HOST" has_address
    curl --silent --location --cookie-jar "$WORLD/jar" --cookie "$WORLD/jar" --output /dev/null \
        "$(grep '^http://localhost.*/auth' "$HOST/err")"
    has_login() { compgen -G "$OPERATOR_HOME/.mcp-auth/mcp-remote-v1/*_tokens.json" >/dev/null; }
    eventually has_login
    LOGIN=$(echo "$OPERATOR_HOME"/.mcp-auth/mcp-remote-v1/*_tokens.json)
    CLIENT=${LOGIN/_tokens/_client_info}
    jq -n --arg credentials "$LOGIN" --arg client_file "$CLIENT" --arg resource "$(cat "$WORLD/url")" \
        '{profiles: {"mcp-remote": {$credentials, $client_file, $resource}}}' >"$CONFIG"
    begins "$HOST"
}

@test "on the host mcp-remote goes on with the token that a refresh gave it, and refreshes it in turn" {
    local round
    for round in 2 3 4; do
        oci_oauth refresh --force
        asks "$HOST" "${round}0"
        [[ $(last_token) == "$(hash_of "$(login access_token)")" ]]
        edit_file "$LOGIN" '.expires_at = 1000' # its turn
        asks "$HOST" "${round}1"
        [[ $(last_token) == "$(hash_of "$(login access_token)")" ]]
    done
    [[ $(requests 'select(.what == "refresh_token") | .status' | sort | uniq -c | tr -s ' ') == ' 6 200' ]]
    [[ $(requests 'select(.what == "refresh_token") | .refreshToken' | sort -u | wc -l) == 6 && ! -e $WORLD/revoked ]]
    [[ $(login requested_scope) == 'tools offline_access' ]]
    saw 'on the host: 6 refreshes in turns, 0 reuses'
}

@test "in a container mcp-remote has the delivered token, and after a rotation the next one" {
    client_files
    make_links
    mkfifo "$ROOT/work/in"
    exec 8<>"$ROOT/work/in"
    start_client --tmpfs /run/secrets/mcp-remote -- sh -c "exec $(mcp_remote /work)"
    begins "$ROOT/work"
    asks "$ROOT/work" 2
    [[ $(last_token) == "$(hash_of "$(login access_token)")" ]]
    oci_oauth refresh --force
    asks "$ROOT/work" 3
    [[ $(last_token) == "$(hash_of "$(login access_token)")" ]]
    [[ $(inside box cat "/run/secrets/mcp-remote/${LOGIN##*/}") != *refresh_token* ]]
    saw 'in a container: the delivered token, and after a rotation the next one from its next request on'
}

@test "a login that knows only its MCP server is refreshed at the authorization server of that one's metadata" {
    local document=$OPERATOR_HOME/.claude/.credentials.json
    mkdir -p "${document%/*}"
    jq --arg url "$(cat "$WORLD/url")" --slurpfile client "$CLIENT" '{mcpOAuth: {"tools|1": {serverName: "tools", serverUrl: $url,
        clientId: $client[0].client_id, accessToken: .access_token, refreshToken: .refresh_token, expiresAt: .expires_at}}}' \
        "$LOGIN" >"$document"
    jq -n --arg credentials "$document" '{profiles: {tools: {provider: "claude-mcp", entry: "tools|1", $credentials}}}' >"$CONFIG"
    oci_oauth refresh --force
    oci_oauth refresh --force
    [[ $(requests 'select(.what == "refresh_token") | "\(.status) \(.resource)"' | sort -u) == "200 $(cat "$WORLD/url")" ]]
    [[ $(oci_oauth status --json | jq -r '.profiles[0].state') == fresh ]]
    saw 'by its metadata (RFC 9728): 2 refreshes of an entry of `mcpOAuth`'
}
