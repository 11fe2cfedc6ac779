# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: dockerd docker runc node
# Docker as the devcontainer command from npm drives it, which is in CLIENTS.

load engine-docker

devcontainer() {
    DOCKER_HOST=$socket node "$CLIENTS/node_modules/@devcontainers/cli/devcontainer.js" "$@" </dev/null 3>&-
}
