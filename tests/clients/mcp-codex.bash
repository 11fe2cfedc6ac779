# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Codex' login at an MCP server, in a file beside that of its own.

load engine-codex

readonly codex=$modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex
readonly access='.[$entry].access_token' refresh='.[$entry].refresh_token' expiry='.[$entry].expires_at'

entry() { echo 'keys[0]'; }
profiles() {
    echo "{codex: {\$ca_file, credentials: \"$OPERATOR_HOME/$login_file\"},
        tools: {\$credentials, \$entry, provider: \"codex-mcp\"}}"
}
codex_on_host() { as_operator env --chdir="$WORLD" "${environment[@]}" BROWSER="$WORLD/browser" "$@"; }

# As `codex mcp add` writes it, and what makes it keep the login in the file.
knows_server() {
    mkdir -p "$1/.codex"
    cat >"$1/.codex/config.toml" <<END
model = "stand-in"
mcp_oauth_credentials_store = "file"
[mcp_servers.tools]
url = "$URL"
END
}
sign_in() {
    LOGIN=$OPERATOR_HOME/.codex/.credentials.json
    knows_server "$OPERATOR_HOME"
    agent_login
    codex_on_host "$codex" mcp login tools </dev/null >"$WORLD/login" 2>&1 3>&-
}
# Codex reads the file again half a minute before the token that it has expires.
readonly when='as the delivered one was about to expire'
start_session() {
    expires_at=$(($(date +%s) + 45))
    change_login "$expiry = ${expires_at}000"
    mcp answer_503 # so that the container gets this one
    client_files
    knows_server "$ROOT/root"
    make_links
    stand_in 'tool?name=ping&namespace=mcp__tools'
    # shellcheck disable=SC2046 # words
    start_agent --tmpfs /run/secrets/codex --tmpfs /run/secrets/tools -- timeout "$client_seconds" $(client)
}
looks_again() { eventually is_about_to_expire; }
is_about_to_expire() { ((expires_at - $(date +%s) < 28)); }
ask() { agent_asks; }
end_session() { end_agent; }
start_on_host() {
    # shellcheck disable=SC2046 # words
    codex_on_host timeout "$client_seconds" $(client) </dev/null >"$WORLD/output" 2>&1 3>&- &
    client_pid=$!
}
