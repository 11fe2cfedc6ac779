# SPDX-License-Identifier: Apache-2.0
# After `oci-oauth install podman`, by root or by a user, it is transparent; after uninstall it is as before.
load ../../cli/words

readonly variable=CLAUDE_SECURESTORAGE_CONFIG_DIR

# Where root's registration goes, beside /etc, which is the lab's.
setup_file() {
    mkdir -p "$BATS_FILE_TMPDIR"/{oci,lib} /usr/share/containers/oci /etc/containers
    mount --bind "$BATS_FILE_TMPDIR/lib" /var/lib
    mount --bind "$BATS_FILE_TMPDIR/oci" /usr/share/containers/oci
    containers_conf >/etc/containers/containers.conf
}

teardown_file() {
    rm -f /etc/containers/{containers.conf,containers.conf.d/lab.conf,storage.conf}
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

# Where CDI alone is registered, which only root does.
tries_a_device() {
    mv "$CREDENTIALS.away" "$CREDENTIALS"
    refreshed
    as_operator oci-oauth install cdi
    try 0
    [[ $output == *"ok       container 'claude' "*"a Podman container reads the current token at $target"* ]]
    as_operator oci-oauth uninstall cdi
}

@test "doctor names the file that is missing and the command; --try reads the token in a container once it is registered" {
    a_login
    a_profile
    plain_podman "$BATS_TEST_TMPDIR"
    local command='oci-oauth install podman' missing=$OPERATOR_HOME/.config/containers/containers.conf.d/oci-oauth.conf
    if ((OPERATOR_ID == 0)); then
        missing=/usr/share/containers/oci/hooks.d/oci-oauth-createRuntime.json
    fi
    doctor_finds warning 'engine podman' "is not registered: $missing does not exist" "$command"
    try() { run "-$1" as_operator oci-oauth doctor --try; }
    try 1
    [[ $output == *"problem  container 'claude' "*"a Podman container finds no token at $target"*"hint: $command"* ]]

    as_operator oci-oauth install podman
    doctor_finds ok 'engine podman' 'is registered with '
    try 0
    [[ $output == *"ok       container 'claude' "*"a Podman container reads the current token at $target"* ]]
    [[ $output != *Docker* ]]

    mv "$CREDENTIALS" "$CREDENTIALS.away"
    find "$(runtime_dir)/share/claude" -type f -delete
    try 1
    [[ $output == *"a Podman container finds no token at $target"*'hint: journalctl -t oci-oauth-hook '* ]]
    as_operator oci-oauth uninstall podman
    ((OPERATOR_ID != 0)) || tries_a_device
    ((OPERATOR_ID == 0)) || as_operator podman system migrate 3>&- # ends what holds its user namespace
}
