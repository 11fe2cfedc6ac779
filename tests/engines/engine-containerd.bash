# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: containerd ctr runc
# containerd through ctr, with the wrapper as the runc of its runtime: a tmpfs at the target chooses.

load daemon

readonly containerd_home=/run/lab/containerd
readonly chosen=(--mount type=tmpfs,src=tmpfs,dst=/run/secrets/claude)
readonly variable_of_a_person=/mine

engine_up() {
    mkdir -p "$containerd_home"
    printf '%s\n' 'version = 2' "root = '$containerd_home/root'" "state = '$containerd_home/state'" \
        "disabled_plugins = ['io.containerd.grpc.v1.cri']" \
        '[grpc]' "address = '$containerd_home/socket'" >"$containerd_home/config.toml"
    start_daemon "$containerd_home/socket" containerd --config "$containerd_home/config.toml"
    rootfs "$containerd_home/rootfs"
}

engine_down() {
    end_daemon
    unmount_below "$containerd_home"
    rm -rf "$containerd_home"
}

# Its containers' cgroups lie below the namespace's name.
ctr_in_place() {
    ctr --address "$containerd_home/socket" --namespace "$LAB_CGROUP" "$@" </dev/null 3>&-
}

# Without an image there is no PATH.
run_task() {
    parse_container "${@:3}"
    ctr_in_place run "$1" --runtime io.containerd.runc.v2 --runc-binary "$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime" \
        --env PATH=/bin "${OPTIONS[@]}" --rootfs "$containerd_home/rootfs" "$2" "${ARGV[@]}"
}

start() { run_task --detach "$@"; }
once() { run_task --rm once "$@"; }
inside() { ctr_in_place task exec --exec-id "exec-$RANDOM$RANDOM" "$@"; }
restart() {
    end_task "$1"
    ctr_in_place task start --detach "$1"
}
stop() {
    end_task "$1"
    ctr_in_place container rm "$1"
}
id_of() { echo "$1"; }
pid_of() { ctr_in_place task ls | awk -v name="$1" '$1 == name { print $2 }'; }

end_task() { ctr_in_place task rm --force "$1" >/dev/null 2>&1 || true; }

delete_containers() {
    local name
    for name in $(ctr_in_place container ls --quiet); do
        stop "$name"
    done
}
