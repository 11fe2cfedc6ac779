# SPDX-License-Identifier: Apache-2.0
# Where a container's token comes from, if not from one agent's login: a command, the logins of two agents, and logins at MCP
# servers beside the agent's.
load oauth
bats_require_minimum_version 1.5.0

readonly night=$((9 * 3600))

# a_command FILTER: profile `work` has what it prints, $count being the number of its runs. Its provider delivers a document, too.
a_command() {
    COMMAND=$BATS_TEST_TMPDIR/command
    mkdir -p /etc/oci-oauth/providers.d
    echo '{"credentials": {"access_token": "/access_token", "expires_at": "/expires_at", "times": "seconds"},
        "deliver": [{"file": "token.json", "fields": ["/access_token", "/expires_at"]}]}' \
        >/etc/oci-oauth/providers.d/printed.json
    printf '#!/bin/bash\necho run >>%q.runs\n%s\n' "$COMMAND" "$1" >"$COMMAND"
    chmod 755 "$COMMAND"
    jq -n --arg command "$COMMAND" --arg runtime_dir "$(runtime_dir)" '{$runtime_dir,
        profiles: {work: {source: {exec: [$command], timeout: "1s"}, provider: "printed", hook_wait: "10s"}}}' >"$CONFIG"
}
# Prints token-N at its Nth run, which expires in SECONDS.
prints_a_token() {
    # shellcheck disable=SC2016 # expanded by the command
    printf 'jq -n --arg n "$(wc -l <%q.runs)" '\''{access_token: ("token-" + $n), expires_at: (now + %s | floor)}'\''' \
        "$COMMAND" "$1"
}
runs() { wc -l <"$COMMAND.runs"; }
readonly work=/run/secrets/work

@test "a container gets a command's token and document, and the next token while it runs" {
    COMMAND=$BATS_TEST_TMPDIR/command
    a_command "$(prints_a_token 3600)"
    start box --tmpfs "$work"
    [[ $(token_in box "$work") == token-1 ]]
    [[ $(inside box cat "$work/token.json" | jq -r .access_token) == token-1 ]]
    oci_oauth refresh --force work
    [[ $(token_in box "$work") == token-2 ]]
    [[ $(inside box cat "$work/token.json" | jq -r .access_token) == token-2 ]]
    [[ $(status_of .state) == fresh && $(status_of '.containers[0].state') == current ]]
    start other --tmpfs "$work"
    [[ $(token_in other "$work") == token-2 && $(runs) == 2 ]]
}

# fails_with MESSAGE COMMAND: the command fails so. A container that wants its token gets none, and is not created if it must have one.
fails_with() {
    COMMAND=$BATS_TEST_TMPDIR/command
    a_command "$2"
    run -0 once --tmpfs "$work" -- ls "$work"
    [[ $output != *token* && $(cat "$SYSLOG") == *"$COMMAND: $1"* ]]
    configure '.profiles.work.on_failure = "block"'
    run ! once --tmpfs "$work" -- true
    run ! oci_oauth refresh --force work
    [[ $output == *"$COMMAND: $1"* && $output$(cat "$SYSLOG") != *secret* ]]
    run ! grep -rF secret "$(runtime_dir)"
}

@test "a command that fails is told with its exit code and its last words, without what may be a token" {
    fails_with 'exit status 7: no agent for [hidden]' 'echo secret-token-1234; echo "no agent for secret-token-1234" >&2; exit 7'
}
@test "a command that hangs is ended in time" { fails_with 'still running after 1 s' 'echo secret; exec sleep 60'; }
@test "what is not a token is not delivered" { fails_with 'its output' 'echo secret, not JSON'; }

@test "a running container keeps its token while the command fails, and gets the next one afterwards" {
    COMMAND=$BATS_TEST_TMPDIR/command
    # shellcheck disable=SC2016 # expanded by the command
    a_command '[[ ! -e $0.broken ]] || exit 1; '"$(prints_a_token 3600)"
    start box --tmpfs "$work"
    touch "$COMMAND.broken"
    run ! oci_oauth refresh --force work
    [[ $(token_in box "$work") == token-1 && $(status_of '.last_error.kind') != null ]]
    rm "$COMMAND.broken"
    oci_oauth refresh --force work
    [[ $(token_in box "$work") == token-3 && $(status_of '.last_error') == null ]]
}

# codex_login: a login of Codex at the endpoint, whose access token ended a night ago.
codex_login() {
    local issued
    issued=$(control login --request POST)
    mkdir -p "$OPERATOR_HOME/.codex"
    jq '.claudeAiOauth | {OPENAI_API_KEY: null, tokens: {id_token: "e30.e30.", access_token: .accessToken,
        refresh_token: .refreshToken, account_id: "a"}, last_refresh: "2026-11-24T00:00:00Z"}' <<<"$issued" \
        >"$OPERATOR_HOME/.codex/auth.json"
}

@test "after an idle night Claude and Codex in one container have fresh tokens, and one status shows both" {
    a_login
    login_ends_in "-$night"
    a_profile
    codex_login
    configure '.profiles.codex = (.profiles.claude | .credentials = "'"$OPERATOR_HOME"'/.codex/auth.json")'
    script '{"members": {"expires_in": "3600"}}'
    start box --tmpfs "$target" --tmpfs /run/secrets/codex
    has_current_token box
    local codex
    codex=$(jq -r .tokens.access_token "$OPERATOR_HOME/.codex/auth.json")
    [[ $(token_in box /run/secrets/codex) == "$codex" ]]
    [[ $(inside box cat /run/secrets/codex/auth.json | jq -r '.tokens | [.access_token, .refresh_token] | @tsv') == "$codex"$'\t' ]]
    [[ $(counted posts) == 2 && $(counted reuses) == 0 ]]
    [[ $(oci_oauth status --json | jq --compact-output '[.profiles[] | [.name, .state, (.containers | map(.state))]]') == \
        '[["claude","fresh",["current"]],["codex","fresh",["current"]]]' ]]
}

# mcp_login NAME SECONDS: an entry of Claude's document, named with what a JSON Pointer and a JSON string escape.
mcp_login() {
    edit_file "$CREDENTIALS" ".mcpOAuth[\"$1\"] = ($(control "login?expires_in=$2" --request POST) | .claudeAiOauth
        | {serverName: \"$1\", serverUrl: \"https://mcp.example.org/$1\", clientId: \"client of $1\", accessToken, refreshToken,
           expiresAt, scope: \"read\", clientSecret: \"secret of $1\"})"
}
entry() { jq -r --arg name "$1" ".mcpOAuth[\$name].$2" "$CREDENTIALS"; }
delivered() { inside box cat "$target/.credentials.json"; }

# Three logins of one document: the agent's, and two at MCP servers, which it delivers.
two_mcp_logins() {
    a_login
    mcp_login first -60
    mcp_login second -60
    login_ends_in -60
    a_profile
    configure '.profiles.claude as $claude
        | .profiles.first = $claude + {provider: "claude-mcp", entry: "first", target: "'"$target"'"}
        | .profiles.second = $claude + {provider: "claude-mcp", entry: "second", target: "'"$target"'"}'
    oci_oauth refresh >"$BATS_TEST_TMPDIR/refresh.log" 2>&1
}
has_all_tokens() {
    [[ $(delivered | jq -r '.claudeAiOauth.accessToken, .mcpOAuth.first.accessToken, .mcpOAuth.second.accessToken') == \
        "$(current_token)"$'\n'"$(entry first accessToken)"$'\n'"$(entry second accessToken)" ]]
}

@test "a container has one document with the agent's token and those for MCP servers, and no secret, while all three rotate" {
    local before
    two_mcp_logins
    [[ $(counted posts) == 3 && $(counted reuses) == 0 ]]
    start box --tmpfs "$target"
    has_all_tokens
    [[ $(delivered) != *efresh* && $(delivered) != *'secret of'* && $(delivered) != *ort01* ]]
    before=$(jq -S 'del(.claudeAiOauth.accessToken, .claudeAiOauth.refreshToken, .claudeAiOauth.expiresAt,
        (.mcpOAuth[] | .accessToken, .refreshToken, .expiresAt))' "$CREDENTIALS")
    oci_oauth refresh --force
    has_all_tokens
    oci_oauth refresh --force second
    has_all_tokens
    [[ $(counted posts) == 7 && $(counted refreshes) == 7 && $(counted reuses) == 0 ]]
    [[ $(jq -S 'del(.claudeAiOauth.accessToken, .claudeAiOauth.refreshToken, .claudeAiOauth.expiresAt,
        (.mcpOAuth[] | .accessToken, .refreshToken, .expiresAt))' "$CREDENTIALS") == "$before" ]]
    [[ $(control requests | jq -r '.[].body' | grep --only-matching 'resource=[^&]*' | sort -u | tr '\n' ' ') == \
        'resource=https%3A%2F%2Fmcp.example.org%2Ffirst resource=https%3A%2F%2Fmcp.example.org%2Fsecond ' ]]
}

@test "in a bound directory the agent's own MCP logins stay, and ours come and go beside them" {
    local directory
    two_mcp_logins
    directory=$(a_directory claude)
    echo '{"mcpOAuth": {"own": {"accessToken": "its own", "refreshToken": "its own too"}}}' >"$directory/.credentials.json"
    start box --volume "$directory:$target"
    has_all_tokens
    [[ $(delivered | jq -r .mcpOAuth.own.refreshToken) == 'its own too' ]]
    oci_oauth refresh --force first
    has_all_tokens
    stop box
    oci_oauth refresh
    [[ $(jq --compact-output . "$directory/.credentials.json") == \
        '{"mcpOAuth":{"own":{"accessToken":"its own","refreshToken":"its own too"}}}' ]]
}

@test "a login at an MCP server that cannot be refreshed has a line in status that says why" {
    two_mcp_logins
    edit_file "$CREDENTIALS" 'del(.mcpOAuth.first.clientId) | .mcpOAuth.first.expiresAt = 1700000000000 | .mcpOAuth.second.refreshToken = ""
        | .mcpOAuth.second.expiresAt = 1700000000000'
    run ! oci_oauth refresh
    run oci_oauth status
    [[ $output == *'first: '*"$CREDENTIALS: cannot be refreshed: has no client"*'hint: set "client_id"'* ]]
    [[ $output == *'second: '*'there is no refresh token'* ]]
    run oci_oauth status --json
    [[ $(jq -r '.profiles[] | select(.name == "claude") | .state' <<<"$output") == fresh ]]
}
