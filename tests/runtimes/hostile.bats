# SPDX-License-Identifier: Apache-2.0
# An image or a container's user plants what it can: nothing outside the container changes or is revealed.
load oauth

# plant NAME COMMAND...: runs COMMAND in the directory of NAME's root file system that holds the target.
plant() {
    local secrets
    secrets=$(rootfs_of "$1")/run/secrets
    mkdir -p "$secrets"
    (cd "$secrets" && "${@:2}")
}

# The container starts, and what it finds at the target is never the canary's directory nor a token on the host.
expect_host_untouched() {
    start box
    [[ $(ls -A "$canary") == file && $(cat "$canary/file") == mine ]]
    ! findmnt --noheadings --list --output TARGET | grep -q "$canary"
}

a_canary() {
    canary=/etc/oci-oauth-canary
    rm -rf "$canary"
    mkdir "$canary"
    echo mine >"$canary/file"
    a_login
    a_profile '.deliver_to = "all"'
}

@test "a target that is an absolute link stays within the container" {
    a_canary
    plant box ln -s "$canary" claude
    expect_host_untouched
}

@test "a target that climbs out with '..' stays within the container" {
    a_canary
    plant box ln -s "../../../../../../../../../../../../../..$canary" claude
    expect_host_untouched
}

@test "a target through /proc/self/root stays within the container" {
    a_canary
    plant box ln -s "/proc/self/root$canary" claude
    expect_host_untouched
}

@test "a target that is a loop, a file or a FIFO is refused, and the container starts" {
    a_canary
    local kind
    plant loop ln -s claude claude
    plant file touch claude
    plant fifo mkfifo claude
    for kind in loop file fifo; do
        start "$kind"
        run inside "$kind" cat "$target/token"
        ((status != 0))
        stop "$kind"
    done
    [[ $(logged | grep -c "profile 'claude'") -ge 3 ]]
}

@test "links in a written directory are replaced, never followed" {
    a_canary
    chown "$OPERATOR_ID" "$canary/file"
    a_profile
    local directory
    directory=$(a_directory tokens)
    ln -s "$canary/file" "$directory/token"
    start box --volume "$directory:$target"
    has_current_token box
    inside box sh -c "rm -f $target/token; ln -s /etc/passwd $target/token"
    refreshed
    [[ -f $directory/token && ! -L $directory/token ]]
    [[ $(cat "$canary/file") == mine ]]
}

@test "the person's own login bound at the target is left alone" {
    a_login
    a_profile
    oci_oauth refresh
    local before
    before=$(cat "$CREDENTIALS")
    start box --volume "${CREDENTIALS%/*}:$target"
    [[ $(cat "$CREDENTIALS") == "$before" ]]
    [[ ! -e ${CREDENTIALS%/*}/token ]]
    [[ $(logged) == *'left alone'* ]]
    stop box
    [[ $(cat "$CREDENTIALS") == "$before" ]]
}
