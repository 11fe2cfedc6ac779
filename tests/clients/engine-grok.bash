# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# needs from npm: @xai-official/grok-linux-x64
# xAI's Grok Build. Its package is compressed: `run` unpacks it.

load client

readonly package=@xai-official/grok login_file=.grok/auth.json scope=https://auth.x.ai::b1a00492-073a-47ea-816f-4c329264a828
readonly access_token=".\"$scope\".key" refresh_token=".\"$scope\".refresh_token" try_seconds=2
readonly api_request='POST /v1/responses' loopback_port=8788

document() {
    echo "{\"$scope\": {key: .access_token, refresh_token, expires_at: (now + .expires_in | todate), create_time: (now | todate),
        user_id: \"person\", auth_mode: \"oidc\", oidc_issuer: \"https://auth.x.ai\",
        oidc_client_id: \"${scope##*::}\"}}"
}
client() { echo "$modules/@xai-official/grok-linux-x64/bin/grok -p hello"; }
