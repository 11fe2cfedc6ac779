# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: dockerd docker runc crun
# Docker 20.10, which has no check of its own for daemon.json, before and after it is set up.

load ../../engines/docker

dockerd_in_place() { exec dockerd "$@"; }
docker_in_place() { docker --host "$socket" "$@"; }
prepare_place() { :; }
