# SPDX-License-Identifier: Apache-2.0
# After `oci-oauth install podman`, by root or by a user, it is transparent; after uninstall it is as before.
load ../../runtimes/oauth

readonly variable=CLAUDE_SECURESTORAGE_CONFIG_DIR

eval "oauth_$(declare -f setup)"
eval "oauth_$(declare -f teardown)"

setup() {
    # Where root's registration goes, beside /etc, which is the lab's.
    mkdir -p "$BATS_TEST_TMPDIR"/{oci,lib}
    mount --bind "$BATS_TEST_TMPDIR/lib" /var/lib
    mkdir -p /usr/share/containers/oci
    mount --bind "$BATS_TEST_TMPDIR/oci" /usr/share/containers/oci
    oauth_setup
    mkdir -p /etc/containers
    containers_conf >/etc/containers/containers.conf
}

teardown() {
    oauth_teardown
    rm -f /etc/containers/containers.conf
    umount /usr/share/containers/oci /var/lib
}

environment_of() { tr '\0' '\n' <"/proc/$(pid_of "$1")/environ"; }
files() { find "$BATS_TEST_TMPDIR"/{oci,lib} "$OPERATOR_HOME/.config" -printf '%p %y %m\n' 2>/dev/null | sort; }

@test "installed: a chosen container has token and environment, another neither; uninstalled: as before" {
    a_login
    a_profile
    oci_oauth refresh
    local before
    before=$(files)
    as_operator oci-oauth install podman
    start box --tmpfs "$target"
    start other
    has_current_token box
    [[ $(environment_of box) == *"$variable=$target"* ]]
    run inside other ls "$target"
    ((status != 0))
    [[ $(environment_of other) != *"$variable"* ]]
    refreshed
    has_current_token box
    as_operator oci-oauth uninstall podman
    diff <(echo "$before") <(files)
    start later --tmpfs "$target"
    [[ -z $(inside later ls "$target") ]]
}
