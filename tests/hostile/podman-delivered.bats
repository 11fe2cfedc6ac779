# SPDX-License-Identifier: Apache-2.0
# What a container and the rest of the host can do with a directory that has been delivered.
load world

@test "a privileged container cannot make the mount writable" {
    cp "$INTRUDER" "$(a_rootfs)/bin/intruder"
    start "$BOX" --privileged
    has_current_token "$BOX"
    local output
    output=$(inside "$BOX" /bin/intruder unlock "$target") || true
    echo "$output"
    [[ $output == 'mount_setattr: Operation not permitted' ]]
}
