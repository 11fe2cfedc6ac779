# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Claude Code's login at an MCP server, in the document that has its own.

load engine-claude

readonly claude=$modules/@anthropic-ai/claude-code-linux-x64/claude target=/run/secrets/claude
readonly access='.mcpOAuth[$entry].accessToken' refresh='.mcpOAuth[$entry].refreshToken'
readonly expiry='.mcpOAuth[$entry].expiresAt'

entry() { echo '.mcpOAuth | keys[0]'; }
profiles() {
    echo "{claude: {\$credentials, \$ca_file, target: \"$target\"},
        tools: {\$credentials, \$entry, provider: \"claude-mcp\", target: \"$target\"}}"
}
claude_on_host() { as_operator env --chdir="$WORLD" "${environment[@]}" TERM=dumb BROWSER="$WORLD/browser" "$@"; }

sign_in() {
    LOGIN=$OPERATOR_HOME/$login_file
    agent_login
    claude_on_host "$claude" mcp add --transport http --scope user tools "$URL" >/dev/null 3>&-
    claude_on_host script --quiet --return --command "$claude mcp login tools" /dev/null </dev/null >"$WORLD/login" 2>&1 3>&-
}
readonly when='from its next request on'
looks_again() { :; }
start_session() {
    client_files
    cp "$OPERATOR_HOME/.claude.json" "$ROOT/root"
    stand_in 'tool?name=mcp__tools__ping'
    # shellcheck disable=SC2046 # words
    start_agent --tmpfs "$target" -- timeout "$client_seconds" $(client) --allowedTools mcp__tools__ping
}
ask() { agent_asks; }
end_session() { end_agent; }
start_on_host() {
    claude_on_host timeout "$client_seconds" sh -c "$claude mcp list | grep Connected" </dev/null >"$WORLD/output" 2>&1 3>&- &
    client_pid=$!
}
