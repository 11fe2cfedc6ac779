# SPDX-License-Identifier: Apache-2.0
# What a container and the rest of the host can do with a directory that has been delivered.
load world

# The person gives the container more than it was made with, and no rights on the host.
@test "exec --privileged cannot make the mount writable" {
    cp "$INTRUDER" "$(a_rootfs)/bin/intruder"
    start "$BOX"
    has_current_token "$BOX"
    local output
    output=$(podman_as_operator exec --privileged "$BOX" /bin/intruder unlock "$target" </dev/null 3>&-) || true
    echo "$output"
    [[ $output == 'mount_setattr: Operation not permitted' ]]
}
