# SPDX-License-Identifier: Apache-2.0
# A published client, $CLIENT, that reads, writes and refreshes its login at an MCP server (mcp.mjs: @modelcontextprotocol/sdk with
# oidc-provider), which it made itself. The API of an agent is a stand-in (stand-in.mjs), the containers are Podman's. Each test
# writes what it saw to FIGURES/mcp-CLIENT.TEST.
bats_require_minimum_version 1.5.0
load mcp

readonly rounds=${ROUNDS:-50} try_at_most=2

saw() { echo "$1" >"$FIGURES/mcp-$CLIENT.$BATS_TEST_NUMBER"; }

@test "in a container its first request to the MCP server has the delivered token, and one after a rotation the next one, which Codex looks for only as the delivered one is about to expire" {
    start_session
    ask
    [[ $(calls) == "$(hash_of "$(login "$access")")" ]]
    mcp refuse_old
    oci_oauth refresh --force tools
    looks_again
    ask
    [[ $(calls | tail -n 1) == "$(hash_of "$(login "$access")")" ]]
    [[ $(mcp_requests 'select(.what == "refresh_token") | .status') == 200 ]]
    run ! grep -rF "$(login "$refresh")" /run/oci-oauth/share "$ROOT/root" "$ROOT/work"
    [[ $(refusals) == 0 ]]
    end_session
    saw "the delivered token; the next one $when"
}

@test "on the host beside oci-oauth refresh no refresh token is used twice and no login is lost" {
    local round=0
    watch_login
    while ((round < rounds)); do
        change_login "$expiry = ((now + 20) * 1000 | floor)" # both want to refresh
        race_for_the_lock "$try_at_most"
        ! grep -qF "$(hash_of "$(login "$refresh")")" "$REQUESTS" || echo "round $round: lost" >>"$WORLD/failed"
        ((++round))
    done
    local asked reused
    asked=$(mcp_requests 'select(.what == "refresh_token") | 1' | wc -l)
    reused=$(($(mcp_requests 'select(.what == "refresh_token") | .refreshToken' | sort | uniq -d | wc -l)))
    saw "$rounds rounds: $asked requests, $(times_refreshed) by oci-oauth, $reused reuses, $(times_lost) logins lost, $(other_failures) failures"
    cat "$WORLD/failed"
    [[ ! -s $WORLD/failed && ! -e $MCP/revoked ]] || mcp_requests --compact-output 'select(.what != "mcp" and .what != "call")'
    [[ ! -s $WORLD/failed && $asked == "$rounds" && $reused == 0 && ! -e $MCP/revoked ]]
    [[ $(mcp_requests 'select(.what == "refresh_token") | .status' | sort -u) == 200 ]]
}
