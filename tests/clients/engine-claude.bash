# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# needs: podman crun
# needs from npm: @anthropic-ai/claude-code-linux-x64
# Anthropic's Claude Code, logged in with claude.ai.

load client

readonly package=@anthropic-ai/claude-code login_file=.claude/.credentials.json access_token=.claudeAiOauth.accessToken
readonly refresh_token=.claudeAiOauth.refreshToken try_seconds=2 api_request='POST /v1/messages'

document() {
    echo '{claudeAiOauth: {accessToken: .access_token, refreshToken: .refresh_token,
        expiresAt: ((now + .expires_in) * 1000 | floor), scopes: ["user:inference", "user:profile"], subscriptionType: "max"}}'
}
client() { echo "$modules/@anthropic-ai/claude-code-linux-x64/claude -p hello"; }
