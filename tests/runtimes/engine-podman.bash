# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of lab.bash for Podman, which its operator runs with storage of the test's own.

hook_stages=(createRuntime poststop)
cgroup_parent=()
((${OPERATOR_ID:-0} != 0)) || cgroup_parent=(--cgroup-parent "/$LAB_CGROUP")

podman_as_operator() {
    as_operator CONTAINERS_CONF="$BATS_TEST_TMPDIR/containers.conf" podman --runtime "${PODMAN_RUNTIME:-crun}" \
        --root "$OPERATOR_HOME/storage" --runroot "$XDG_RUNTIME_DIR/storage" --storage-driver vfs \
        --hooks-dir "$BATS_TEST_TMPDIR/hooks.d" "$@"
}

start() {
    local name=$1
    shift
    podman_files "$name" "$@"
    detached "$BATS_TEST_TMPDIR/$name/output" podman_run "$name" --detach
}

once() {
    podman_files once "$@"
    podman_run once --rm </dev/null 3>&-
}

inside() { podman_as_operator exec "$@" </dev/null 3>&-; }
stop() { podman_as_operator rm --force --time 0 "$1" >/dev/null 3>&-; }
id_of() { podman_as_operator inspect --format '{{.Id}}' "$1"; }
pid_of() { podman_as_operator inspect --format '{{.State.Pid}}' "$1"; }
output_of() { podman_as_operator logs "$1"; }

# A rootless Podman also leaves a process that holds its user namespace; migrate ends it.
delete_containers() {
    [[ -d $OPERATOR_HOME/storage ]] || return 0
    podman_as_operator rm --all --force --time 0 >/dev/null 3>&-
    ((OPERATOR_ID == 0)) || podman_as_operator system migrate 3>&-
}

podman_files() {
    parse_container "${@:2}"
    containers_conf >"$BATS_TEST_TMPDIR/containers.conf"
    hook_files "$BATS_TEST_TMPDIR/hooks.d"
    chown --recursive --no-dereference "${ROOTFS_OWNER:-$OPERATOR_ID:$OPERATOR_ID}" "$(rootfs_of "$1")"
}

podman_run() {
    podman_as_operator run --name "$1" "$2" --network "${CONTAINER_NETWORK:-none}" "${cgroup_parent[@]}" "${OPTIONS[@]}" \
        --rootfs "$(rootfs_of "$1")" "${ARGV[@]}"
}

# an_image NAME: busybox, for what Podman does not do with a root file system of ours.
an_image() {
    podman_files "$1"
    tar -C "$(rootfs_of "$1")" -c . | podman_as_operator import --quiet - "$1" >/dev/null 3>&-
}

# Podman's own limits need CAP_SYS_RESOURCE, and its own cgroup manager systemd; a person has no cgroups in the lab.
containers_conf() {
    cat <<END
[containers]
default_ulimits = ["nofile=1024:$(ulimit -Hn)", "nproc=1024:1024"]
cgroups = "$( ((OPERATOR_ID == 0)) && echo enabled || echo disabled)"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
END
}

# plain_podman DIR: a Podman without options of ours runs in the lab, too; root's storage is in DIR.
plain_podman() {
    mkdir -p /etc/containers/containers.conf.d
    containers_conf >/etc/containers/containers.conf
    printf '%s\n' '[containers]' 'cgroups = "disabled"' 'netns = "none"' >/etc/containers/containers.conf.d/lab.conf
    printf '%s\n' '[storage]' 'driver = "vfs"' "graphroot = \"$1/storage\"" "runroot = \"$1/run\"" \
        >/etc/containers/storage.conf
}

# hook_files DIR: the hooks.d files (schema 1.0.0) that run HOOK for every container.
hook_files() {
    local stage
    mkdir -p "$1"
    rm -f "$1"/*
    [[ $HOOK ]] || return 0
    for stage in "${hook_stages[@]}"; do
        hook_entries "$stage" | jq --arg stage "$stage" \
            '{version: "1.0.0", hook: .[$stage], when: {always: true}, stages: [$stage]}' >"$1/oci-oauth-$stage.json"
    done
}
