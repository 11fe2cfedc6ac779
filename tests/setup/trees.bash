# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of the set-up tests.
#
#   oci_oauth WORD...        the installed program on the tree of the test, TREE
#   as_user COMMAND...       runs it as a user without privileges, at home in USER_HOME
#   with_podman VERSION      a stand-in for Podman, which says that version, until the test ends
#   a_file PATH              puts stdin into the tree as PATH
#   snapshot                 every name in the tree with its type, mode, owner, link target and content
#   unchanged_by COMMAND...  exits as COMMAND does, and with 99 where it changes anything in the tree
#   refuses COMMAND...       COMMAND exits with 1 and changes nothing; $output is what it said
#   gives_back ENGINE [OPTION]...  installs twice, uninstalls, and compares with before

# shellcheck source=tests/support/words.bash
source "${BASH_SOURCE[0]%/*}/../support/words.bash"

readonly user_id=59998

setup() {
    PATH=$OCI_OAUTH_PREFIX/bin:$PATH
    TREE=$BATS_TEST_TMPDIR/tree
    USER_HOME=/mnt/home
    LOGIN=$BATS_TEST_TMPDIR/login.json
    mkdir -p "$TREE/etc" "$TREE/usr"
    chmod 755 "$BATS_RUN_TMPDIR"
    echo '{"claudeAiOauth": {"refreshToken": "r"}}' >"$LOGIN"
    unset SUDO_USER SUDO_UID
}

oci_oauth() { oci-oauth "$1" --root "$TREE" "${@:2}"; }
install_engine() { oci_oauth install "$@" --credentials "$LOGIN"; }

as_user() {
    setpriv --reuid "$user_id" --regid "$user_id" --clear-groups env -i --chdir=/ PATH="$PATH" \
        HOME="$USER_HOME" XDG_RUNTIME_DIR=/mnt/home-run "$@"
}

with_podman() {
    [[ -x /usr/bin/podman ]] || skip 'there is no Podman'
    printf '#!/bin/sh\necho podman version %s\n' "$1" >"$BATS_TEST_TMPDIR/podman"
    chmod 755 "$BATS_TEST_TMPDIR/podman"
    mountpoint --quiet /usr/bin/podman || mount --bind "$BATS_TEST_TMPDIR/podman" /usr/bin/podman
}
teardown() { ! mountpoint --quiet /usr/bin/podman || umount /usr/bin/podman; }

a_file() {
    mkdir -p "$TREE/$(dirname "$1")"
    cat >"$TREE/$1"
}

snapshot() {
    find "$TREE" -printf '%P %y %m %U:%G %l\n' | sort
    find "$TREE" -type f -print0 | sort -z | xargs -0r sha256sum
}

unchanged_by() {
    local before status=0
    before=$(snapshot)
    "$@" || status=$?
    diff <(echo "$before") <(snapshot) || return 99
    return "$status"
}

refuses() {
    run unchanged_by "$@"
    ((status == 1))
}

gives_back() {
    local before once
    before=$(snapshot)
    install_engine "$@" 2>/dev/null
    once=$(snapshot)
    [[ $once != "$before" ]]
    install_engine "$@" 2>/dev/null
    diff <(echo "$once") <(snapshot)
    oci_oauth uninstall "$1"
    diff <(echo "$before") <(snapshot)
}

toml_after() { cat "$TREE/etc/containerd/config.toml"; }
daemon_json() { cat "$TREE/etc/docker/daemon.json"; }
