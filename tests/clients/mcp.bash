# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Words for tests of $CLIENT with a login at an MCP server (mcp.mjs: @modelcontextprotocol/sdk with oidc-provider). Each client has
# its own words in mcp-CLIENT.bash:
#
#   sign_in                    as a person does; sets LOGIN, the file with it
#   entry                      a jq filter: the name of its entry there; empty: the file has only this one
#   access, refresh, expiry    jq paths in $LOGIN, where $entry is that name
#   profiles                   a jq filter: the profiles that a container gets, of {$credentials, $entry, $resource, $ca_file}
#   start_session              in a container, until its first request is up to `ask`
#   ask                        one request to the MCP server in that session, and its answer
#   looks_again                returns once the session should have the token of a rotation in its next request
#   when                       when that is, in words
#   end_session
#   start_on_host              the client in the background, as `client_pid`, for one request to the MCP server

load "mcp-$CLIENT"
load stand-in
load rounds

readonly PROFILE=tools

setup() {
    clients_setup
    MCP=$WORLD/mcp
    REQUESTS=$MCP/requests
    mkdir -p "$MCP"
    node "$BATS_TEST_DIRNAME/mcp.mjs" "$CLIENTS/node_modules" "$MCP" </dev/null >"$MCP/log" 2>&1 3>&- &
    helpers+=("$!")
    eventually --at "$MCP" test -s "$MCP/ready"
    URL=$(<"$MCP/url")
    cat >"$WORLD/browser" <<END
#!/bin/sh
exec curl --silent --location --cookie-jar $WORLD/jar --cookie $WORLD/jar --output $WORLD/page "\$1"
END
    chmod +x "$WORLD/browser"
    sign_in
    ENTRY=$(jq --raw-output "$(entry)" "$LOGIN")
    jq -n --arg credentials "$LOGIN" --arg entry "$ENTRY" --arg resource "$URL" --arg ca_file "$WORLD/ca.pem" \
        "{profiles: $(profiles)}" >"$CONFIG"
    : >"$REQUESTS"
}

mcp() { curl --silent --show-error --fail "${URL%/mcp}/control/$1"; }
login() { jq --raw-output --arg entry "$ENTRY" "$1" "$LOGIN"; }
change_login() { edit_file "$LOGIN" "\"${ENTRY//\"/\\\"}\" as \$entry | $1"; }
hash_of() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
mcp_requests() { jq --raw-output "$@" "$REQUESTS"; }
calls() { mcp_requests 'select(.what == "call") | .token'; }
has_called() { (($(calls | wc -l) > $1)); }
refusals() { mcp_requests 'select(.what == "mcp" and .status == 401 and .token) | 1' | wc -l; }

# What rounds.bash needs.
hold_refreshes() { mcp "hold?n=$1"; }
release_all() { mcp release; }
refreshes_held() { mcp_requests 'select(.what == "held") | 1' | wc -l; }

# A session of an agent whose answers are tool calls as long as the stand-in holds its requests.
agent_login() {
    mkdir -p "$(dirname "$OPERATOR_HOME/$login_file")"
    stand_in 'login?expires_in=28800' | jq "$(document)" >"$OPERATOR_HOME/$login_file"
    chmod 600 "$OPERATOR_HOME/$login_file"
}
start_agent() {
    stand_in 'hold?what=api&n=99'
    start_client "$@"
    eventually --at "$WORLD/requests" is_held 1 || { show_agent && false; }
}
show_agent() {
    output_of box 2>&1 | tail -n 20
    requests '"\(.what) \(.status) \(.path)"'
    mcp_requests --compact-output .
}
agent_asks() {
    local before held
    before=$(calls | wc -l)
    held=$(count '.what == "held"')
    stand_in 'release?what=api&n=99'
    eventually --at "$REQUESTS" has_called "$before" || { show_agent && false; }
    eventually --at "$WORLD/requests" is_held $((held + 1))
}
end_agent() {
    stand_in release
    podman_as_operator wait box >/dev/null 3>&-
    output_of box >"$WORLD/output" 2>&1
    tail -n 5 "$WORLD/output"
    grep -q ok "$WORLD/output"
}
