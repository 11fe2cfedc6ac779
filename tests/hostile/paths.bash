# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What an image can have in the place of each component of the target.

readonly kinds=(absolute climbing nowhere loop self-root init-root cwd to-root to-proc to-sys to-dev fifo device socket file)

# plant KIND PATH: PATH is in a container's root file system.
plant() {
    rm -rf "$2"
    mkdir -p "${2%/*}"
    case $1 in
        absolute) ln -s "$CANARY" "$2" ;;
        climbing) ln -s "../../../../../../../../../../../..$CANARY" "$2" ;;
        nowhere) ln -s /nowhere "$2" ;;
        loop) ln -s "${2##*/}" "$2" ;;
        self-root) ln -s "/proc/self/root$CANARY" "$2" ;;
        init-root) ln -s "/proc/1/root$CANARY" "$2" ;;
        cwd) ln -s /proc/self/cwd "$2" ;;
        to-root) ln -s / "$2" ;;
        to-proc) ln -s /proc/self "$2" ;;
        to-sys) ln -s /sys/kernel "$2" ;;
        to-dev) ln -s /dev "$2" ;;
        fifo) mkfifo "$2" ;;
        device) mknod "$2" c 1 3 ;;
        socket) "$INTRUDER" socket "$2" ;;
        file) echo content >"$2" ;;
    esac
}

a_component_is() {
    mkdir -p "$(a_rootfs)$CANARY"
    plant "$1" "$(a_rootfs)$2"
    start "$BOX"
    delivered_or_refused
}

# The container starts again and again while another process swaps a component with a link to the host's tree.
a_component_is_swapped() {
    local secrets swapper starts=0 name=$BOX
    secrets=$(a_rootfs)/run/secrets
    mkdir -p "$secrets"
    ln -s "$CANARY" "$secrets.link"
    "$INTRUDER" swap "$secrets" "$secrets.link" 1000000 &
    swapper=$!
    while kill -0 "$swapper" 2>/dev/null || ((starts == 0)); do
        start "$name"
        stop "$name"
        ((++starts))
    done
    wait "$swapper"
    echo "$starts starts"
}

the_target_is_the_kernels() {
    configure ".profiles.claude.target = \"$1\""
    start "$BOX"
    says "$1 in the container: is the kernel's"
    configure ".profiles.claude.target = \"$target\""
}

# -v /dev:/dev, and a link of the image's that leads there.
the_hosts_dev_is_bound() {
    plant to-dev "$(a_rootfs)/run/secrets"
    start "$BOX" --volume /dev:/dev
    refused
    says 'is in /dev'
}

the_volume_around_the_target_is_shared() {
    local directory
    directory=$(a_directory shared)
    mkdir -p "$directory/claude"
    mount --bind "$directory" "$directory"
    mount --make-shared "$directory"
    bundle "$BOX" --volume "$directory:/run/secrets"
    edit_file "$(bundle_of "$BOX")/config.json" \
        '.linux.rootfsPropagation = "shared" | .mounts[-1].options = ["rbind", "rshared"]'
    local status=0
    "$ENGINE" run --detach --bundle "$(bundle_of "$BOX")" "$BOX" </dev/null || status=$?
    findmnt --noheadings --list --output TARGET | grep -c "$directory" | grep -qx 1 || status=1
    umount "$directory"
    ((status == 0))
    says 'passes its mounts on to others'
}

paths_cases() {
    local kind component components=(/run /run/secrets "$target")
    [[ $ENGINE == crun ]] || components=("$target")
    has_bundles || return 0
    for component in "${components[@]}"; do
        for kind in "${kinds[@]}"; do
            try "$component is $kind" a_component_is "$kind" "$component"
        done
    done
    for kind in /proc/claude /sys/kernel/claude /dev/shm/claude; do
        try "the target is $kind" the_target_is_the_kernels "$kind"
    done
    try "a component is swapped a million times" a_component_is_swapped
    try "the host's /dev is bound" the_hosts_dev_is_bound
    try "the volume around the target is shared" the_volume_around_the_target_is_shared
}
