# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What a container and the rest of the host can do with a directory that has been delivered.

# The engine's own default set, and what a person may add.
with_capabilities() {
    local names
    names=$(printf '"%s",' "$@")
    echo ".process.capabilities |= map_values(. + [${names%,}] | unique)"
}

root_cannot_write() {
    once_edited . -- sh -c "touch $target/token; echo x >$target/new; mv $target/token $target/moved; rm $target/token; true" \
        >"$WORLD/output" 2>&1
    cat "$WORLD/output"
    [[ $(grep -c 'Read-only file system' "$WORLD/output") == 4 ]]
}

administrator_cannot_unlock() {
    local output
    output=$(once_edited "$(with_capabilities CAP_SYS_ADMIN)" -- /bin/intruder unlock "$target") || true
    echo "$output"
    [[ $output == 'mount_setattr: Operation not permitted' ]]
}

# A host that forbids user namespaces, user.max_user_namespaces: the flags stay unlocked, and the token comes.
unlocked_where_forbidden() {
    HOOK=$BATS_TEST_TMPDIR/refused
    printf '%s\n' '#!/bin/sh' \
        "exec strace -f -o /dev/null -e trace=unshare -e inject=unshare:error=ENOSPC $REAL_HOOK \"\$@\"" >"$HOOK"
    chmod 755 "$HOOK"
    [[ $(once_edited "$(with_capabilities CAP_SYS_ADMIN)" -- cat "$target/token") == "$(current_token)" ]]
    says 'it can make its mount writable: lock the flags of the share directory'
}

privileged_podman_cannot_unlock() {
    cp "$INTRUDER" "$(a_rootfs)/bin/intruder"
    start "$BOX" --privileged
    has_current_token "$BOX"
    local output
    output=$(inside "$BOX" /bin/intruder unlock "$target") || true
    echo "$output"
    [[ $output == 'mount_setattr: Operation not permitted' ]]
}

# The person gives the container more than it was made with, and no rights on the host.
rootless_exec_privileged_cannot_unlock() {
    cp "$INTRUDER" "$(a_rootfs)/bin/intruder"
    start "$BOX"
    has_current_token "$BOX"
    local output
    output=$(podman_as_operator exec --privileged "$BOX" /bin/intruder unlock "$target" </dev/null 3>&-) || true
    echo "$output"
    [[ $output == 'mount_setattr: Operation not permitted' ]]
}

# The directory itself opens by its handle, so the capability is there; nothing beside it does.
handles_lead_nowhere_else() {
    local file handles=() output
    cp "$INTRUDER" "$(a_rootfs)/bin/intruder"
    for file in "$SHARE/token" "$(runtime_dir)/profiles/claude.json" "$CREDENTIALS" "$NEAR/file" "$CANARY/file" /etc/passwd; do
        handles+=("$("$INTRUDER" handle "$file")")
    done
    output=$(once_edited "$(with_capabilities CAP_DAC_READ_SEARCH)" -- \
        sh -c "for handle; do /bin/intruder open $target \$handle; done; true" sh "${handles[@]}" | cut -c1-40)
    echo "$output"
    [[ $(grep -c '^opened: ' <<<"$output") == 1 ]]
    [[ $(grep -c 'open_by_handle_at: Stale file handle' <<<"$output") == 5 ]]
}

others_cannot_read() {
    start "$BOX"
    has_current_token "$BOX"
    fails setpriv --reuid 54321 --regid 54321 --clear-groups cat "$SHARE/token"
    fails setpriv --reuid 54321 --regid 54321 --clear-groups ls "$(runtime_dir)"
    fails setpriv --reuid 54321 --regid 54321 --clear-groups cat "/proc/$(pid_of "$BOX")/root$target/token"
}

another_container_sees_nothing() {
    start "$BOX"
    has_current_token "$BOX"
    configure '.profiles.claude.deliver_to = "chosen"'
    start "$BOX-other"
    configure '.profiles.claude.deliver_to = "all"'
    [[ -z $(token_in "$BOX-other") ]]
    fails inside "$BOX-other" ls "$(runtime_dir)"
}

others_are_told_of() {
    local directory
    directory=$(a_directory "open-$BOX")
    chmod 755 "$OPERATOR_HOME" "$directory"
    start "$BOX" --volume "$directory:$target"
    says 'other users of this host can read the token'
    chmod 700 "$directory"
}

the_end_takes_the_mount_away() {
    start "$BOX"
    local pid
    pid=$(pid_of "$BOX")
    grep -q " $target " "/proc/$pid/mountinfo"
    stop "$BOX"
    fails grep -l " $target " /proc/[0-9]*/mountinfo
    [[ ! -e $(runtime_dir)/containers/$BOX.json ]]
    [[ -z $(ls -A "$(a_rootfs)$target") ]]
}

delivered_cases() {
    if has_bundles; then
        try "root in the container cannot write" root_cannot_write
        try "CAP_SYS_ADMIN cannot make the mount writable" administrator_cannot_unlock
        try "where user namespaces are forbidden the token comes in a mount that is not locked" unlocked_where_forbidden
        try "CAP_DAC_READ_SEARCH reaches no other file by its handle" handles_lead_nowhere_else
        try "another container sees nothing" another_container_sees_nothing
        try "other users of the host cannot read it" others_cannot_read
        try "the end takes the mount away" the_end_takes_the_mount_away
        try "other users who can read a written directory are told of" others_are_told_of
    else
        try "a privileged container cannot make the mount writable" privileged_podman_cannot_unlock
        [[ $ENGINE != podman-rootless ]] ||
            try "exec --privileged cannot make the mount writable" rootless_exec_privileged_cannot_unlock
    fi
}
