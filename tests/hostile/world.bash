# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The host's tree around the containers: canaries that nobody may touch, and places that no token may get to.
#
#   make_world                    plants the canaries: $CANARY outside the containers' file system, $NEAR on it, once for all
#                                 tests of an engine (setup_suite.bash); after each test they must be as they were
#   canaries_are_untouched        fails, and shows the difference, where one has changed
#   no_token_has_strayed          fails, and names the file, where an access token is in one that is not for it
#   mark_log, log_since_mark      what has gone to syslog since
#   says TEXT                     the log has said so since the mark
#   refused                       the container has no token, and the log says why not
#   once_edited FILTER [OPTION]... [-- COMMAND...]   a container in the foreground, with a jq FILTER on its config.json
#   fails COMMAND...              COMMAND fails
#   a_rootfs                      the path of the next container's root file system

load ../runtimes/oauth

# What the suite's tests share is in its directory.
world_variables() {
    BATS_TEST_TMPDIR=$BATS_SUITE_TMPDIR
    oauth_variables
    WORLD=$BATS_SUITE_TMPDIR/world
    CANARY=/etc/oci-oauth-canary
    NEAR=$BATS_SUITE_TMPDIR/canary
    REAL_HOOK=$HOOK
}

hostile_setup() {
    world_variables
    BOX=box$BATS_SUITE_TEST_NUMBER
    mark_log
}

hostile_teardown() {
    local status=0
    [[ $BATS_TEST_COMPLETED ]] || log_since_mark
    delete_containers || status=1
    canaries_are_untouched || { echo "a canary of the host's has changed" && status=1; }
    no_token_has_strayed || { echo 'a token is where none belongs' && status=1; }
    return "$status"
}

setup() { hostile_setup; }
teardown() { hostile_teardown; }

make_world() {
    mkdir "$WORLD"
    local tree
    for tree in "$CANARY" "$NEAR"; do
        mkdir -p "$tree/sub/claude" "$tree/secrets/claude"
        echo mine >"$tree/file"
        chmod 4751 "$tree/file"
        chown 54321:54322 "$tree/file"
        ln -s file "$tree/link"
    done
    describe_canaries >"$WORLD/canaries"
}

# Names, types, modes, owners, sizes, times of change of the content, and the content. Not the number of links: cases
# make some.
describe_canaries() {
    find "$CANARY" "$NEAR" -printf '%p %y %m %U:%G %s %T@ %i %l\n' | sort
    find "$CANARY" "$NEAR" -type f -exec sha256sum {} + | sort
    # Podman has locks of its own in two of these places.
    find /etc /dev ! -path '/dev/pts*' ! -path '/dev/shm/*' ! -path /dev/log ! -path '/etc/oci-oauth/*' \
        ! -path '/etc/cni*' -printf '%p %y %m %U:%G\n' | sort
    findmnt --noheadings --list --output TARGET | grep -v '^/run/oci-oauth/share$' | sort
}

canaries_are_untouched() { diff "$WORLD/canaries" <(describe_canaries); }

# The login, what publishes it and the endpoint that issued it hold tokens; so does a directory that a person gave.
no_token_has_strayed() {
    local places
    current_token >>"$WORLD/tokens"
    sort -u -o "$WORLD/tokens" "$WORLD/tokens"
    places=("$CANARY" "$NEAR" "$SYSLOG" "$BATS_TEST_TMPDIR"/box* /etc /dev/shm "$(runtime_dir)/profiles"
        "$(runtime_dir)/containers" /proc/[0-9]*/{cmdline,environ})
    ! grep --recursive --devices=skip --no-messages --files-with-matches --fixed-strings --file "$WORLD/tokens" \
        "${places[@]}" | grep -v '^$'
}

mark_log() { LOG_MARK=$(logged | wc -l); }
log_since_mark() { logged | tail -n "+$((LOG_MARK + 1))"; }
says() {
    log_since_mark | grep --fixed-strings -e "$1" && return 0
    echo "the log does not say: $1"
    return 1
}

# "!" before a command would not end a case.
fails() {
    "$@" || return 0
    echo "succeeded: $*"
    return 1
}

refused() {
    [[ -z $(token_in "$BOX") ]]
    says "profile 'claude'"
}

a_rootfs() { rootfs_of "$BOX"; }

once_edited() {
    bundle "$BOX" "${@:2}"
    edit_file "$(bundle_of "$BOX")/config.json" "$1"
    cp "$INTRUDER" "$(a_rootfs)/bin/intruder"
    "$ENGINE" run --bundle "$(bundle_of "$BOX")" "$BOX" </dev/null
}
