# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: dockerd docker runc node
# needs from npm: @devcontainers/cli @anthropic-ai/claude-code
# Docker as the devcontainer command drives it.

load engine-docker

devcontainer() {
    DOCKER_HOST=$socket node "$CLIENTS/node_modules/@devcontainers/cli/devcontainer.js" "$@" </dev/null 3>&-
}
