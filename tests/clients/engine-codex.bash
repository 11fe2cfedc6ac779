# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# needs from npm: @openai/codex-linux-x64
# OpenAI's Codex, logged in with ChatGPT.

load client

readonly package=@openai/codex login_file=.codex/auth.json access_token=.tokens.access_token
readonly refresh_token=.tokens.refresh_token try_seconds=0
readonly api_request='POST /backend-api/codex/responses' loopback_port=8788

document() {
    echo '{auth_mode: "chatgpt", OPENAI_API_KEY: null, tokens: {id_token, access_token, refresh_token, account_id: "account"},
        last_refresh: (now | todate)}'
}
client() {
    echo "$modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex exec --skip-git-repo-check hello"
}

# No variable leads it to another address.
socket_settings() {
    mkdir -p "$1/.codex"
    cat >"$1/.codex/config.toml" <<END
model_provider = "host"
[model_providers.host]
name = "host"
base_url = "http://127.0.0.1:$loopback_port/backend-api/codex"
END
}
