# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Docker 26 of Debian 13 (trixie-docker) in a tree of its own, with its own runc. The lab's /run and /etc are the tree's
# too: hooks find the configuration and the installed tree there.

load "${BASH_SOURCE[0]%/*}/docker"

readonly tree=/run/lab/trixie

# Not by chroot(1): a runc that enters a container's mount namespace again would find itself outside of the tree.
dockerd_in_place() {
    exec unshare --mount --propagation slave sh -c 'cd "$0" && busybox pivot_root . tmp && exec dockerd "$@"' "$tree" "$@"
}
docker_in_place() { chroot "$tree" docker --host "$socket" "$@"; }

prepare_tree() {
    local directory
    mkdir -p "$tree"
    mount --bind "$TRIXIE_DOCKER/docker" "$tree"
    for directory in dev etc proc sys run; do
        mount --rbind "/$directory" "$tree/$directory"
    done
}
