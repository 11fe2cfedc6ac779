# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of the tests that set up, and take out, under a Docker daemon that was there before: `dockerd_in_place` and
# `docker_in_place` are its engine's.

readonly other_runtime='{"data-root": "/run/lab/docker/data", "runtimes": {"crun": {"path": "/usr/bin/crun"}}}'

in_place() { "$OCI_OAUTH_PREFIX/bin/oci-oauth" "$@"; }
write_daemon_json() { echo "$1" >/etc/docker/daemon.json; }

daemon_up() {
    dockerd_in_place --host "$socket" --exec-root "$docker_home/exec" \
        --pidfile "$docker_home/pid" --cgroup-parent "/$LAB_CGROUP" --storage-driver vfs --bridge none \
        --iptables=false --ip6tables=false --ip-forward=false </dev/null >>"$docker_home/log" 2>&1 3>&- &
    echo $! >"$docker_home/dockerd"
    eventually --at "$docker_home" is_up
}
daemon_down() {
    kill "$(<"$docker_home/dockerd")" 2>/dev/null || true
    has_ended "$(<"$docker_home/dockerd")"
}
is_up() { docker_in_place ps >/dev/null 2>&1; }
restart_daemon() { daemon_down && daemon_up; }
# Until the daemon has done it: its log says so.
reload_daemon() {
    local before
    before=$(grep -c 'Reloaded configuration' "$docker_home/log" || true)
    kill -HUP "$(<"$docker_home/dockerd")"
    has_reloaded() { (($(grep -c 'Reloaded configuration' "$docker_home/log") > before)); }
    eventually --at "$docker_home/log" has_reloaded
}
default_runtime() { docker_in_place info --format '{{.DefaultRuntime}}'; }
runs() { [[ $(docker_in_place inspect --format '{{.State.Running}}' "$1") == true ]]; }
