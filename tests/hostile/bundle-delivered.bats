# SPDX-License-Identifier: Apache-2.0
# What a container and the rest of the host can do with a directory that has been delivered.
load world

# The engine's own default set, and what a person may add.
with_capabilities() {
    local names
    names=$(printf '"%s",' "$@")
    echo ".process.capabilities |= map_values(. + [${names%,}] | unique)"
}

@test "root in the container cannot write" {
    once_edited . -- sh -c "touch $target/token; echo x >$target/new; mv $target/token $target/moved; rm $target/token; true" \
        >"$WORLD/output" 2>&1
    cat "$WORLD/output"
    [[ $(grep -c 'Read-only file system' "$WORLD/output") == 4 ]]
}

@test "CAP_SYS_ADMIN cannot make the mount writable" {
    local output
    output=$(once_edited "$(with_capabilities CAP_SYS_ADMIN)" -- /bin/intruder unlock "$target") || true
    echo "$output"
    [[ $output == 'mount_setattr: Operation not permitted' ]]
}

# A host that forbids user namespaces, user.max_user_namespaces: the flags stay unlocked, and the token comes.
@test "where user namespaces are forbidden the token comes in a mount that is not locked" {
    HOOK=$BATS_TEST_TMPDIR/refused
    printf '%s\n' '#!/bin/sh' \
        "exec strace -f -o /dev/null -e trace=unshare -e inject=unshare:error=ENOSPC $REAL_HOOK \"\$@\"" >"$HOOK"
    chmod 755 "$HOOK"
    [[ $(once_edited "$(with_capabilities CAP_SYS_ADMIN)" -- cat "$target/token") == "$(current_token)" ]]
    says 'it can make its mount writable: lock the flags of the share directory'
}

# The directory itself opens by its handle, so the capability is there; nothing beside it does.
@test "CAP_DAC_READ_SEARCH reaches no other file by its handle" {
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

@test "another container sees nothing" {
    start "$BOX"
    has_current_token "$BOX"
    configure '.profiles.claude.deliver_to = "chosen"'
    start "$BOX-other"
    configure '.profiles.claude.deliver_to = "all"'
    [[ -z $(token_in "$BOX-other") ]]
    fails inside "$BOX-other" ls "$(runtime_dir)"
}

@test "other users of the host cannot read it" {
    start "$BOX"
    has_current_token "$BOX"
    fails setpriv --reuid 54321 --regid 54321 --clear-groups cat "$SHARE/token"
    fails setpriv --reuid 54321 --regid 54321 --clear-groups ls "$(runtime_dir)"
    fails setpriv --reuid 54321 --regid 54321 --clear-groups cat "/proc/$(pid_of "$BOX")/root$target/token"
}

@test "the end takes the mount away" {
    start "$BOX"
    local pid
    pid=$(pid_of "$BOX")
    grep -q " $target " "/proc/$pid/mountinfo"
    stop "$BOX"
    fails grep -l " $target " /proc/[0-9]*/mountinfo
    [[ ! -e $(runtime_dir)/containers/$BOX.json ]]
    [[ -z $(ls -A "$(a_rootfs)$target") ]]
}

@test "a written directory that other users can read is reported" {
    local directory
    directory=$(a_directory "open-$BOX")
    chmod 755 "$OPERATOR_HOME" "$directory"
    start "$BOX" --volume "$directory:$target"
    says 'other users of this host can read the token'
    chmod 700 "$directory"
}
