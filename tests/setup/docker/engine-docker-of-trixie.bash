# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Docker 26 of Debian 13, which validates its daemon.json, before and after it is set up. oci-oauth runs outside of
# its tree, and finds this dockerd where the host has its own.

load ../../engines/docker

readonly tree=/run/lab/trixie

# Not by chroot(1): a runc that enters a container's mount namespace again would find itself outside of the tree.
dockerd_in_place() {
    exec unshare --mount --propagation slave sh -c 'cd "$0" && pivot_root . tmp && exec dockerd "$@"' "$tree" "$@"
}
docker_in_place() { chroot "$tree" docker --host "$socket" "$@"; }

prepare_place() {
    local directory
    mkdir -p "$tree"
    mount --bind "$TRIXIE_DOCKER/docker" "$tree"
    for directory in dev etc proc sys run; do
        mount --rbind "/$directory" "$tree/$directory"
    done
    printf '#!/bin/sh\nexec chroot %s dockerd "$@"\n' "$tree" >"$docker_home/dockerd-of-trixie"
    chmod 755 "$docker_home/dockerd-of-trixie"
    mount --bind "$docker_home/dockerd-of-trixie" "$(command -v dockerd)"
}
