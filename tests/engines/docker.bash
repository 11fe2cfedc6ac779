# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of the tests for a Docker daemon of the test file's own: its data, socket and containerd are the lab's.
# An engine's file defines `dockerd_in_place` and `docker_in_place`, which run those programs, `registered` and
# `deregistered`.

docker_home=${docker_home:-/run/lab/docker}
readonly daemon_start_seconds=120
readonly socket=unix://$docker_home/socket

engine_up() {
    mkdir -p "$docker_home" /etc/docker
    registered
    dockerd_in_place --host "$socket" --data-root "$docker_home/data" \
        --exec-root "$docker_home/exec" --pidfile "$docker_home/pid" --cgroup-parent "/$LAB_CGROUP" \
        --storage-driver vfs --bridge none --iptables=false --ip6tables=false --ip-forward=false \
        </dev/null >"$docker_home/log" 2>&1 3>&- &
    echo $! >"$docker_home/dockerd"
    event_wait_seconds=$daemon_start_seconds eventually --at "$docker_home" test -S "${socket#unix://}" ||
        { cat "$docker_home/log" >&2 && return 1; }
    rootfs "$docker_home/rootfs"
    tar -C "$docker_home/rootfs" -c . | docker_in_place import - box >/dev/null
}

engine_down() {
    kill "$(cat "$docker_home/dockerd")"
    has_ended "$(cat "$docker_home/dockerd")"
    deregistered
    unmount_below "$docker_home"
    rm -rf "$docker_home" /etc/docker
}

docker_run() { docker_in_place run --network none "$@" </dev/null 3>&-; }

start() {
    parse_container "${@:2}"
    docker_run --detach --name "$1" "${OPTIONS[@]}" box "${ARGV[@]}" >/dev/null
}
once() {
    parse_container "$@"
    docker_run --rm "${OPTIONS[@]}" box "${ARGV[@]}"
}
inside() { docker_in_place exec "$@" </dev/null 3>&-; }
restart() { docker_in_place restart --time 0 "$1" >/dev/null 3>&-; }
stop() { docker_in_place rm --force --volumes "$1" >/dev/null 3>&-; }
id_of() { docker_in_place inspect --format '{{.Id}}' "$1"; }
pid_of() { docker_in_place inspect --format '{{.State.Pid}}' "$1"; }

delete_containers() {
    local id
    for id in $(docker_in_place ps --all --quiet); do
        stop "$id"
    done
}
