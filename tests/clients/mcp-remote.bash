# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: Apache-2.0
# A login of mcp-remote, which speaks with its agent by standard input and output: DIR/in and DIR/out.

readonly access=.access_token refresh=.refresh_token expiry=.expires_at target=/run/secrets/tools
readonly request='{"jsonrpc": "2.0", "id": %s, "method": "%s", "params": %s}\n'

entry() { echo '""'; }
profiles() {
    echo "{tools: {provider: \"mcp-remote\", \$credentials, \$resource,
        client_file: (\$credentials | sub(\"_tokens\"; \"_client_info\"))}}"
}

# mcp_remote DIR: the words that run it, between DIR/in and DIR/out.
mcp_remote() { echo "node $CLIENTS/node_modules/mcp-remote/dist/proxy.js $URL <$1/in >$1/out 2>$1/err"; }
# asks DIR: a request by the mcp-remote of DIR, and its answer.
asks() {
    local before
    before=$(answers "$1")
    # shellcheck disable=SC2059
    printf "$request" $((before + 2)) tools/call '{"name": "ping", "arguments": {}}' >>"$1/in"
    eventually --at "$1" has_answered "$1" "$before"
}
answers() { grep -c '"text":"pong"' "$1/out" || true; }
has_answered() { (($(answers "$1") > $2)); }
begins() {
    # shellcheck disable=SC2059 # request
    printf "$request" 1 initialize '{"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}' >>"$1/in"
    is_begun() { grep -q serverInfo "$1/out"; }
    eventually --at "$1" is_begun "$1"
}

# Its session on the host goes on.
sign_in() {
    HOST=$WORLD/host
    mkdir -p "$HOST"
    mkfifo "$HOST/in"
    exec 7<>"$HOST/in"
    env HOME="$OPERATOR_HOME" BROWSER=true sh -c "exec $(mcp_remote "$HOST")" 3>&- &
    helpers+=("$!")
    has_address() { grep -q '^http://localhost.*/auth' "$HOST/err"; }
    eventually --at "$HOST" has_address
    "$WORLD/browser" "$(grep '^http://localhost.*/auth' "$HOST/err")"
    has_login() { compgen -G "$OPERATOR_HOME/.mcp-auth/mcp-remote-v1/*_tokens.json" >/dev/null; }
    eventually has_login
    LOGIN=$(echo "$OPERATOR_HOME"/.mcp-auth/mcp-remote-v1/*_tokens.json)
    begins "$HOST"
}
readonly when='from its next request on'
looks_again() { :; }
start_session() {
    client_files
    make_links
    mkfifo "$ROOT/work/in"
    exec 8<>"$ROOT/work/in"
    start_client --tmpfs "$target" -- sh -c "exec $(mcp_remote /work)"
    begins "$ROOT/work"
}
ask() { asks "$ROOT/work"; }
end_session() { :; }
start_on_host() {
    asks "$HOST" </dev/null >"$WORLD/output" 2>&1 3>&- &
    client_pid=$!
}
