# SPDX-License-Identifier: Apache-2.0
# What an image can have in the place of each component of the target.
load world

the_target_is_the_kernels() {
    configure ".profiles.claude.target = \"$1\""
    start "$BOX"
    says "$1 in the container: is in a kernel file system"
    configure ".profiles.claude.target = \"$target\""
}

@test "the target is /proc/claude" {
    the_target_is_the_kernels /proc/claude
}

@test "the target is /sys/kernel/claude" {
    the_target_is_the_kernels /sys/kernel/claude
}

@test "the target is /dev/shm/claude" {
    the_target_is_the_kernels /dev/shm/claude
}

# The container starts again and again while another process swaps a component with a link to the host's tree.
@test "a component is swapped a million times" {
    local secrets swapper starts=0 name=$BOX
    secrets=$(a_rootfs)/run/secrets
    mkdir -p "$secrets"
    ln -s "$CANARY" "$secrets.link"
    "$INTRUDER" swap "$secrets" "$secrets.link" 1000000 3>&- &
    swapper=$!
    while kill -0 "$swapper" 2>/dev/null || ((starts == 0)); do
        start "$name"
        stop "$name"
        ((++starts))
    done
    wait "$swapper"
    echo "$starts starts"
}
