# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Docker 26 of Debian 13, which validates its daemon.json, before and after it is set up. oci-oauth runs outside of
# its tree, and finds this dockerd where the host has its own.

load ../../engines/docker-of-trixie

prepare_place() {
    prepare_tree
    printf '#!/bin/sh\nexec chroot %s dockerd "$@"\n' "$tree" >"$docker_home/dockerd-of-trixie"
    chmod 755 "$docker_home/dockerd-of-trixie"
    mount --bind "$docker_home/dockerd-of-trixie" "$(command -v dockerd)"
}
