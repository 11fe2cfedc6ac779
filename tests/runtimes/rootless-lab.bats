# SPDX-License-Identifier: Apache-2.0
# The lab itself, in what only a rootless Podman has.
load lab

@test "the person's own id can be kept in the container" {
    HOOK=
    start box --userns keep-id --read-only
    [[ $(inside box id -u) == "$OPERATOR_ID" ]]
}
