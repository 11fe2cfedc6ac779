# SPDX-License-Identifier: Apache-2.0
# Two published clients in one container after an idle night: Claude Code and Codex, each with its own login. The token endpoints
# and the APIs are a stand-in (stand-in.mjs), the containers Podman's.
load stand-in

readonly night=$((9 * 3600))

# words_of CLIENT COMMAND...: a command with the words of that client.
words_of() (
    # shellcheck disable=SC1090 # engine-CLIENT.bash
    load "engine-$1"
    "${@:2}"
)
write_login() {
    local file=$OPERATOR_HOME/$login_file
    mkdir -p "${file%/*}"
    stand_in "login?expires_in=-$night" | jq "$(document)" >"$file"
    chmod 600 "$file"
}
profile() {
    jq -n --arg credentials "$OPERATOR_HOME/$login_file" --arg ca_file "$WORLD/ca.pem" '{$credentials, $ca_file}'
}
has_ended_well() { output_of box 2>/dev/null | grep -qx ended; }

@test "after an idle night Claude Code and Codex in one container both have a new token, and one status shows both fresh" {
    words_of claude write_login
    words_of codex write_login
    jq -n --argjson claude "$(words_of claude profile)" --argjson codex "$(words_of codex profile)" \
        '{profiles: {$claude, $codex}}' >"$CONFIG"
    client_files
    make_links
    mkfifo "$ROOT/work/end"
    start_client --tmpfs /run/secrets/claude --tmpfs /run/secrets/codex -- \
        sh -c "$(words_of claude client) && $(words_of codex client) && echo ended && cat end"
    eventually has_ended_well
    requests '"\(.what) \(.status) \(.host)"' | sort | uniq -c
    [[ $(requests 'select(.what == "token" or .what == "api") | "\(.what) \(.status) \(.host)"' | sort -u) == "api 200 api.anthropic.com
api 200 chatgpt.com
token 200 auth.openai.com
token 200 platform.claude.com" ]]
    [[ $(token_requests) == 2 ]]
    oci_oauth status
    [[ $(oci_oauth status --json | jq --compact-output '[.profiles[] | [.name, .state, (.containers | map(.state))]]') == \
        '[["claude","fresh",["current"]],["codex","fresh",["current"]]]' ]]
    saw 'both had a new token in their first request, and one `status` showed both as fresh'
}
