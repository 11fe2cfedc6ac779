# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# needs from npm: @openai/codex-linux-x64
# OpenAI's Codex, logged in with ChatGPT.

load client

readonly package=@openai/codex login_file=.codex/auth.json access_token=.tokens.access_token
readonly refresh_token=.tokens.refresh_token try_seconds=0

document() {
    echo '{auth_mode: "chatgpt", OPENAI_API_KEY: null, tokens: {id_token, access_token, refresh_token, account_id: "account"},
        last_refresh: (now | todate)}'
}
client() {
    echo "$modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex exec --skip-git-repo-check hello"
}
