# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# needs from npm: opencode-linux-x64
# opencode with its own login at OpenAI.

load client

readonly package=opencode-ai login_file=.local/share/opencode/auth.json access_token=.openai.access
readonly refresh_token=.openai.refresh try_seconds=0

document() {
    echo '{openai: {type: "oauth", access: .access_token, refresh: .refresh_token,
        expires: ((now + .expires_in) * 1000 | floor), accountId: "account"}}'
}
client() { echo "$modules/opencode-linux-x64/bin/opencode run --model openai/gpt-5.5 hello"; }
