# SPDX-License-Identifier: Apache-2.0
# The hook called with states and bundles of any shape: it exits with 0, says why, and leaves the host as it is.
load world

# A container whose target cannot be mounted on: a seccomp filter or a kernel may refuse any call.
call_is_refused() {
    HOOK=$BATS_TEST_TMPDIR/refused
    printf '%s\n' '#!/bin/sh' \
        "exec strace -f -o /dev/null -e trace=$1 -e inject=$1:error=EPERM $REAL_HOOK \"\$@\"" >"$HOOK"
    chmod 755 "$HOOK"
    start "$BOX"
    refused
    says "$2"
}

@test "move_mount is refused" {
    call_is_refused move_mount 'move_mount onto the target in the container: Operation not permitted'
}

@test "openat2 is refused" {
    call_is_refused openat2 'openat2: Operation not permitted'
}
