# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: dockerd docker runc
# Docker 20.10 with the wrapper as its default runtime: a tmpfs at the target chooses.

load docker

readonly chosen=(--tmpfs /run/secrets/claude)
readonly variable_of_a_person=/mine

dockerd_in_place() { exec dockerd "$@"; }
docker_in_place() { docker --host "$socket" "$@"; }

# What `oci-oauth install docker --default` writes.
register() {
    jq -n --arg path "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" \
        '{"default-runtime": "oci-oauth", runtimes: {"oci-oauth": {$path}}}' >/etc/docker/daemon.json
}
