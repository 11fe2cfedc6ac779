# SPDX-License-Identifier: Apache-2.0
# What differs where the engine has no root on the host.
load oauth

@test "a container that keeps the person's id reads the token" {
    a_login
    a_profile
    start box --userns keep-id --tmpfs "$target"
    has_current_token box
}

@test "a refresh gives the written files to the container's user, whose id is none of the person's" {
    a_login
    a_profile '.mode = "0400"'
    local directory
    directory=$(a_directory tokens)
    start box --volume "$directory:$target" --user 1000:1000
    has_current_token box
    [[ $(inside box stat -c %u "$target/token") == 1000 ]]
    refreshed
    has_current_token box
    [[ $(inside box stat -c '%u %a' "$target/token") == '1000 400' ]]
    stop box
    [[ -z $(ls -A "$directory") ]]
}

@test "a system-wide hook leaves a rootless container alone, quietly" {
    a_login
    a_profile
    install -D -m 644 "$CONFIG" /etc/oci-oauth/config.json
    HOOK_ARGS=()
    start box --tmpfs "$target"
    [[ -z $(inside box ls "$target") ]]
    [[ $(logged) != *oci-oauth* ]]
}
