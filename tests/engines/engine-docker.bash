# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: dockerd docker runc
# Docker 20.10 with the wrapper as its default runtime: a tmpfs at the target chooses.

load docker
load registration

readonly chosen=(--tmpfs /run/secrets/claude)
readonly variable_of_a_person=/mine

dockerd_in_place() { exec dockerd "$@"; }
docker_in_place() { docker --host "$socket" "$@"; }

registered() { register docker --default; }
deregistered() { deregister docker /etc/docker/daemon.json; }
