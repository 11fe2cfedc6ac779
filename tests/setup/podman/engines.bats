# SPDX-License-Identifier: Apache-2.0
# After `oci-oauth install podman`, by root or by a user, it is transparent; after uninstall it is as before.
load ../../runtimes/oauth

readonly variable=CLAUDE_SECURESTORAGE_CONFIG_DIR

# Where root's registration goes, beside /etc, which is the lab's.
setup_file() {
    mkdir -p "$BATS_FILE_TMPDIR"/{oci,lib} /usr/share/containers/oci /etc/containers
    mount --bind "$BATS_FILE_TMPDIR/lib" /var/lib
    mount --bind "$BATS_FILE_TMPDIR/oci" /usr/share/containers/oci
    containers_conf >/etc/containers/containers.conf
}

teardown_file() {
    rm -f /etc/containers/containers.conf
    umount /usr/share/containers/oci /var/lib
}

environment_of() { tr '\0' '\n' <"/proc/$(pid_of "$1")/environ"; }
# Podman makes a directory of its own beside them, for CNI.
files() { find "$BATS_FILE_TMPDIR"/{oci,lib} "$OPERATOR_HOME"/.config/{containers,oci-oauth} "$OPERATOR_HOME/.local/state" -printf '%p %y %m\n' 2>/dev/null | sort; }

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
